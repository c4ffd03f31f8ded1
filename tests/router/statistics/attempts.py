"""Attempts at one endpoint, told to what learns from them: without a router, and in any order of time."""

from __future__ import annotations

from paceline.router import Attempt, Outcome, Profile, Usage, WindowShape
from paceline.router.remembered import Pulse
from paceline.router.statistics.learned import Learned
from paceline.router.statistics.outlook import Outlook
from paceline.router.testing import Scripted, endpoint

HERE = endpoint("here", Scripted())

TOKENS = 101
"""Of an answer, unless something else is said: a hundred after the first."""


class Endpoint:
    """One endpoint, and what is learned of it."""

    def __init__(self, profile: Profile | None = None, shape: WindowShape | None = None) -> None:
        self.pulse = Pulse()
        self.in_flight = 0
        self.learned = Learned(profile, shape or WindowShape(), self.pulse, self)

    def sent(self, at_s: float, *, size: int = 9, in_flight: int = 1, streamed: bool = True) -> Attempt:
        attempt = Attempt(
            endpoint=HERE, number=1, sent_s=at_s, size=size, in_flight=in_flight, streamed=streamed, slot_wait_s=0.0
        )
        self.learned.sent(attempt)
        return attempt

    def spoke(self, attempt: Attempt, ttft_s: float) -> None:
        attempt.first_progress_s = attempt.last_progress_s = attempt.sent_s + ttft_s
        self.learned.spoke(attempt, attempt.first_progress_s)

    def finished(
        self, attempt: Attempt, total_s: float, outcome: Outcome = Outcome.OK, *, tokens: int = TOKENS
    ) -> None:
        attempt.outcome = outcome
        attempt.finished_s = attempt.sent_s + total_s
        if attempt.first_progress_s is not None:
            attempt.last_progress_s = attempt.finished_s
        if outcome is Outcome.OK:
            attempt.usage = Usage(output_tokens=tokens)
        self.learned.finished(attempt, attempt.finished_s, blame=outcome is Outcome.FAILED)

    def answered(
        self, at_s: float, ttft_s: float, pace_s: float = 0.01, *, size: int = 9, in_flight: int = 1
    ) -> Attempt:
        """A good answer: its first token, and a hundred more."""
        attempt = self.sent(at_s, size=size, in_flight=in_flight)
        self.spoke(attempt, ttft_s)
        self.finished(attempt, ttft_s + (TOKENS - 1) * pace_s)
        return attempt

    def outlook(self, now_s: float, size: int | None = None, in_flight: int = 0) -> Outlook:
        self.in_flight = in_flight
        return self.learned.outlook(now_s, size)
