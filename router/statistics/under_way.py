"""Answers under way that come much slower than usual: a drip is known before its first answer has ended.

An endpoint that begins as ever and then drips is found out by answers that have ended, and these are late by as much as
it is slow: at thirty times as long for each token, the first of them end when a hundred calls are caught. What has come
of an answer so far tells its pace at once. It is looked at when the attempt's watchdog wakes, about once a second, so a
chunk costs nothing.

Tokens are not counted as they come. They are reckoned from the characters of the text, at as many for each token as the
endpoint's answers have had. In another language that may be three times off, and there are vendors who send in bursts;
so only a pace of *four* times the usual is news. What is slow by less is known from answers that end, soon enough.
Answers that are not all text say nothing before their end. And one that drags while another, sent later, has come to
its end in the usual time is a straggler, as with silences: it says nothing of the endpoint any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .level import LAST

if TYPE_CHECKING:
    from ..ledger import Attempt
    from .level import Sample

SLOW = 4.0
"""Times the usual time per token, from which on an answer under way drags."""

WRITES_S = 0.5
"""Seconds from the first to the last of what has come, for its pace to be told."""

CHARACTERS = 4.0
"""For each token, until answers have told. Of English text, in the tokens of common models."""

WEIGHT = 1.0 / 32.0
"""Of the newest answer in the characters for each token."""


class UnderWay:
    """Of one endpoint. Everything is O(1)."""

    __slots__ = ("_characters", "dragging")

    def __init__(self) -> None:
        self._characters = CHARACTERS
        self.dragging: dict[int, tuple[float, float, int]] = {}
        """When it was sent, its pace in seconds per token, and the load it met: the last few that were found to drag,
        in the order in which they were looked at."""

    def samples(self) -> list[Sample]:
        """Those that drag, as `Level` has samples of the time per token."""
        return [(pace_s, in_flight, False) for _, pace_s, in_flight in self.dragging.values()]

    def goes_on(self, attempt: Attempt, usual_s: float | None) -> None:
        """An answer goes on. *usual_s*: seconds per token, as a rule; None if that is not known."""
        pace_s = self._pace_s(attempt)
        if pace_s is None or not usual_s:
            return
        dragging = self.dragging
        dragging.pop(id(attempt), None)
        if pace_s >= SLOW * usual_s:
            dragging[id(attempt)] = attempt.sent_s, pace_s, attempt.in_flight
            if len(dragging) > LAST:
                del dragging[next(iter(dragging))]

    def ended(self, attempt: Attempt) -> None:
        """An answer has come to its end, and says how many tokens it had."""
        characters, usage = attempt.characters, attempt.usage
        if characters and usage is not None and usage.output_tokens and not attempt.wordless:
            self._characters += WEIGHT * (characters / usage.output_tokens - self._characters)

    def over(self, attempt: Attempt) -> float | None:
        """An attempt is over, however it ended. The pace at which it dragged; None if it did not."""
        dragged = self.dragging.pop(id(attempt), None)
        return None if dragged is None else dragged[1]

    def overtaken(self, attempt: Attempt, pace_s: float, usual_s: float | None) -> None:
        """An answer has come to its end: those that were sent before it, and drag, are stragglers if it did not."""
        if usual_s is not None and pace_s < SLOW * usual_s:
            left = {key: drag for key, drag in self.dragging.items() if drag[0] > attempt.sent_s}
            self.dragging = left

    def _pace_s(self, attempt: Attempt) -> float | None:
        """Seconds per token of what has come so far; None if that cannot be told."""
        first_s, last_s = attempt.first_progress_s, attempt.last_progress_s
        if first_s is None or last_s is None or last_s - first_s < WRITES_S or attempt.wordless:
            return None
        return (last_s - first_s) / max(1.0, attempt.characters / self._characters - 1.0)
