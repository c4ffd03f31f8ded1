"""What an endpoint has done in its last few calls: how slow, how often it failed, and whether it is silent.

Three numbers see a brown-out at once, where a window of a minute needs half of it:

* the *level* of the last first-token times, and of the last times per token (`Level`).
* the *failing share*: an average over the last outcomes, each weighing a fifth, fading with time.
* the *silence*: how long the oldest call has been waiting for its first token while no later one was answered. It
  is there before the first slow answer is, and one straggler that others overtake is not silence.

Silence is the censored sample of a call that is still under way; that failures fade is Finagle's PeakEwma's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .level import FADE_S, Level

if TYPE_CHECKING:
    from ..ledger import Attempt

OUTCOME_WEIGHT = 0.2
"""Weight of one outcome in the failing share."""


class Recent:
    """The last few calls of one endpoint. Everything is O(1); times are seconds on the router's clock.

    ttft, tpot: levels of the times to first token, by octave of the prompt's size, and per token, by calls in flight.
    """

    __slots__ = ("_failing", "_failing_at_s", "_unanswered", "tpot", "ttft")

    def __init__(self) -> None:
        self.ttft = Level()
        self.tpot = Level()
        self._failing = 0.0
        self._failing_at_s = 0.0
        self._unanswered: dict[int, tuple[float, int]] = {}

    def sent(self, attempt: Attempt, now_s: float) -> None:
        """A call is under way."""
        self._unanswered[id(attempt)] = now_s, attempt.size

    def spoke(self, attempt: Attempt, ttft_s: float, now_s: float) -> None:
        """A call has its first progress. Calls sent before it are stragglers now, not silence."""
        sent = self._unanswered.pop(id(attempt), None)
        if sent is not None and self._unanswered:
            self._forget_until(sent[0])
        self.ttft.sample(ttft_s, attempt.size, now_s)

    def forget(self, attempt: Attempt) -> None:
        """A call is over, or has spoken in one piece: it is no part of a silence any more."""
        self._unanswered.pop(id(attempt), None)

    def timed_out(self, attempt: Attempt, after_s: float, now_s: float) -> None:
        """A call was given up without progress: it would have taken at least this long, and at least the usual time."""
        self.ttft.sample(after_s, attempt.size, now_s, cut_off=True)

    def outcome(self, *, failed: bool, now_s: float) -> None:
        """A call has ended, well or not. Cancelled calls are no outcome."""
        if failed or self._failing > 0.0:
            self._failing = self.failing(now_s) * (1.0 - OUTCOME_WEIGHT) + (OUTCOME_WEIGHT if failed else 0.0)
            self._failing_at_s = now_s

    def failing(self, now_s: float) -> float:
        """Share of the last calls that failed, 0..1, fading with time."""
        if self._failing == 0.0:
            return 0.0
        return self._failing * math.exp((self._failing_at_s - now_s) / FADE_S)

    def silence(self, now_s: float) -> tuple[float, int] | None:
        """Age in seconds, and size, of the oldest call without a first token that no later call has overtaken."""
        for sent_s, size in self._unanswered.values():
            return now_s - sent_s, size
        return None

    @property
    def unanswered(self) -> int:
        """Calls under way without a first token, stragglers left out."""
        return len(self._unanswered)

    def _forget_until(self, sent_s: float) -> None:
        overtaken: list[int] = []
        for key, (earlier_s, _) in self._unanswered.items():
            if earlier_s >= sent_s:
                break
            overtaken.append(key)
        for key in overtaken:
            del self._unanswered[key]
