"""What an endpoint has done in its last few calls, for seeing a step long before a window does.

A window of a minute needs half a minute to believe in a brown-out. Three numbers see it at once:

* the *level*: the median of the last five first-token times. One slow answer does not move it, three do; after a
  lull, when there are fewer, what is usual makes up for those that are missing, so that two do.
* the *failing share*: an average over the last outcomes, each weighing a fifth, fading with time.
* the *silence*: how long the oldest call has been waiting for its first token while no later one was answered. It
  is there before the first slow answer is, and one straggler that others overtake is not silence.

Sources: the running median as robust step detector, Tukey, "Exploratory Data Analysis" (1977); the time decay of
Finagle's PeakEwma, so that nobody is judged for ever by what he did last; silence is the censored sample of a call
that is still under way.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ledger import Attempt

LAST = 5
"""Samples the level is the median of."""

FEWEST = 3
"""What is usual stands in for samples missing to this many."""

OUTCOME_WEIGHT = 0.2
"""Weight of one outcome in the failing share."""

FADE_S = 10.0
"""Time constant with which failures fade, and after which the level is no longer of the last few calls."""


class Recent:
    """The last few calls of one endpoint. Everything is O(1); times are seconds on the router's clock."""

    __slots__ = ("_failing", "_failing_at_s", "_last", "_sampled_at_s", "_unanswered")

    def __init__(self) -> None:
        self._last: deque[tuple[float, bool]] = deque(maxlen=LAST)
        self._sampled_at_s = -math.inf
        self._failing = 0.0
        self._failing_at_s = 0.0
        self._unanswered: dict[int, float] = {}

    def sent(self, attempt: Attempt, now_s: float) -> None:
        """A call is under way."""
        self._unanswered[id(attempt)] = now_s

    def spoke(self, attempt: Attempt, ttft_s: float, now_s: float) -> None:
        """A call has its first progress. Calls sent before it are stragglers now, not silence."""
        sent_s = self._unanswered.pop(id(attempt), None)
        if sent_s is not None:
            self._forget_until(sent_s)
        self._sample(ttft_s, now_s, cut_off=False)

    def forget(self, attempt: Attempt) -> None:
        """A call is over, or has spoken in one piece: it is no part of a silence any more."""
        self._unanswered.pop(id(attempt), None)

    def timed_out(self, after_s: float, now_s: float) -> None:
        """A call was given up without progress: it would have taken at least this long, and at least the usual time."""
        self._sample(after_s, now_s, cut_off=True)

    def outcome(self, *, failed: bool, now_s: float) -> None:
        """A call has ended, well or not. Cancelled calls are no outcome."""
        if failed or self._failing > 0.0:
            self._failing = self.failing(now_s) * (1.0 - OUTCOME_WEIGHT) + (OUTCOME_WEIGHT if failed else 0.0)
            self._failing_at_s = now_s

    def level_s(self, usual_s: float, now_s: float) -> float:
        """Median of the last five first-token times; *usual_s* where the last is too old to speak of now."""
        if now_s - self._sampled_at_s > FADE_S:
            return usual_s
        last = [max(ttft_s, usual_s) if cut_off else ttft_s for ttft_s, cut_off in self._last]
        last += [usual_s] * (FEWEST - len(last))
        return sorted(last)[len(last) // 2]

    def failing(self, now_s: float) -> float:
        """Share of the last calls that failed, 0..1, fading with time."""
        if self._failing == 0.0:
            return 0.0
        return self._failing * math.exp((self._failing_at_s - now_s) / FADE_S)

    def silence_s(self, now_s: float) -> float:
        """Age of the oldest call without a first token that no later call has overtaken; 0.0 if there is none."""
        for sent_s in self._unanswered.values():
            return now_s - sent_s
        return 0.0

    @property
    def unanswered(self) -> int:
        """Calls under way without a first token, stragglers left out."""
        return len(self._unanswered)

    def _sample(self, ttft_s: float, now_s: float, *, cut_off: bool) -> None:
        if now_s - self._sampled_at_s > FADE_S:
            self._last.clear()
        self._last.append((ttft_s, cut_off))
        self._sampled_at_s = now_s

    def _forget_until(self, sent_s: float) -> None:
        overtaken: list[int] = []
        for key, earlier_s in self._unanswered.items():
            if earlier_s >= sent_s:
                break
            overtaken.append(key)
        for key in overtaken:
            del self._unanswered[key]
