"""The limits of one attempt, kept by one watchdog.

When the first limit has passed, the task that makes the attempt is asked to end, as `asyncio.timeout` does it, and the
asking is taken back when the attempt is over: only the attempt was meant. Who resists is asked again once a second. (A
cancel scope of anyio does much the same, for four microseconds more a call.)

A stream may bring hundreds of chunks, and setting a timer again on each would cost more than the routing. So the
watchdog is let sleep: it wakes once a second, or earlier if a limit is nearer, looks whether the limit has really
passed, and otherwise goes back to sleep. A chunk costs one store.

As it is awake, it tells the endpoint's `Target` of an answer that goes on, whose pace may be news.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .inflight import RESISTANCE_S

if TYPE_CHECKING:
    import asyncio

    from .call import Call
    from .clock import Clock
    from .endpoint import Limits
    from .ledger import Attempt

DEADLINE = "deadline"
LINGER = "linger"
SLOW = "slow"

LINGER_S = 1.0
"""Seconds that usage and the end marker have after the finish reason. Vendors send them at once, or never."""


class Watchdog:
    """Cancels *task* when the first of an attempt's limits has passed; `passed` says which.

    The limits: ``first_token`` (of a stream; an answer in one piece has none) and ``start`` until the first progress,
    ``gap`` between progress, ``total``, the caller's ``deadline``, and ``linger``, a moment for the end marker of an
    answer that is complete. A call's own ``patience`` may shorten the gap, and give up an answer that is too ``slow``;
    it is asked when the timer goes off. Of limits that pass at the same instant the outer one is named: it was not the
    endpoint's own. ``start`` is lifted where the call's ``may_leave`` says so.
    """

    __slots__ = (
        "_attempt", "_bites", "_clock", "_deadline_s", "_due_s", "_ends_s", "_ends_why", "_gap_s", "_judged",
        "_may_leave", "_patience", "_speaks_by_s", "_target", "_task", "_timers", "_wakes_s", "_why",
        "held", "is_over", "passed", "ready_s",
    )  # fmt: skip

    _judged: tuple[int, float] | None
    """Characters and seconds up to which the pace was judged; None: not yet. There only for who has a patience."""

    def __init__(self, call: Call, attempt: Attempt, limits: Limits, now_s: float, task: asyncio.Task[object]) -> None:
        self._clock: Clock = call.clock
        self._attempt = attempt
        self._target = call.candidates[0]
        self._task = task
        self._timers = call.timers
        self._bites = 0
        self.is_over = False
        """As of `timers.Waking`: the attempt is over."""
        self.passed: str | None = None
        self.held = False
        """The caller is taking what it was given: that is not the endpoint's gap."""
        self.ready_s: float | None = None
        """When the caller was ready for more, after the last progress: the gap begins. None before the first."""
        self._gap_s = limits.gap_s
        self._patience = patience = call.patience
        if patience is not None:
            self._judged = None
            gap_s = patience.gap_s(self._target, now_s)
            if gap_s is not None and (self._gap_s is None or gap_s < self._gap_s):
                self._gap_s = gap_s
        self._deadline_s = call.deadline_s
        self._ends_s, self._ends_why = call.deadline_s, DEADLINE
        if limits.total_s is not None and now_s + limits.total_s < self._ends_s:
            self._ends_s, self._ends_why = now_s + limits.total_s, "total"
        self._may_leave = call.may_leave
        self._speaks_by_s: float | None = None
        if limits.first_token_s is not None and call.request.stream:
            self._speaks_by_s = now_s + limits.first_token_s
        self._await_speech(call.start_by_s)
        self._sleep(now_s)

    def _await_speech(self, start_by_s: float) -> None:
        """The limits until the first progress. Of two at one instant the outer one is named."""
        self._due_s, self._why = self._ends_s, self._ends_why
        if start_by_s < self._due_s:
            self._due_s, self._why = start_by_s, "start"
        if self._speaks_by_s is not None and self._speaks_by_s < self._due_s:
            self._due_s, self._why = self._speaks_by_s, "first_token"

    def go_on(self, now_s: float) -> None:
        """There was progress, and the caller is ready for more: the limits of the start are met, the gap begins.

        It is enough to say so of the first progress: of each that follows a new `ready_s` will do, which is looked at
        when the timer goes off. A limit that only moves away needs no earlier one.
        """
        self.ready_s = now_s
        self._await_more(now_s)
        if self._due_s < self._wakes_s:
            self._sleep(now_s)

    def _await_more(self, ready_s: float) -> None:
        """The limits from the first progress on."""
        self._due_s, self._why = self._ends_s, self._ends_why
        if self._gap_s is not None and ready_s + self._gap_s < self._ends_s:
            self._due_s, self._why = ready_s + self._gap_s, "gap"

    def pardon(self, taken_s: float) -> None:
        """The caller took so long over what was no progress: the gap is longer by it."""
        if self.ready_s is not None:
            self.ready_s += taken_s

    def linger(self, now_s: float) -> None:
        """The answer is complete. What may still come, usage and the end marker, has a moment."""
        self._ends_s, self._ends_why = min(now_s + LINGER_S, self._deadline_s), LINGER
        self.go_on(now_s)

    def stop(self) -> None:
        """The attempt is over, and nobody is asked to end on its account any more."""
        self.is_over = True
        while self._bites:
            self._bites -= 1
            self._task.uncancel()

    def _sleep(self, now_s: float) -> None:
        self._wakes_s = wakes_s = min(self._due_s, now_s + LINGER_S)
        self._timers.wake(self, wakes_s)

    def wake(self) -> None:
        """Look whether a limit has passed."""
        now_s = self._clock()
        if self.passed is not None:
            self._bite(now_s)
            return
        if self.held and self._ends_why == LINGER:
            self.linger(now_s)
        elif self.held and now_s < self._ends_s:
            self.go_on(now_s)
        elif self.ready_s is not None:
            self._await_more(self.ready_s)
        if self._why == "start" and now_s >= self._due_s and self._may_leave is not None and not self._may_leave():
            self._await_speech(self._ends_s)
        if now_s >= self._due_s:
            self._pass(self._why, now_s)
        elif self._is_too_slow():
            self._pass(SLOW, now_s)
        elif now_s >= self._wakes_s:
            self._target.goes_on(self._attempt, now_s)
            self._sleep(now_s)

    def _is_too_slow(self) -> bool:
        attempt, patience = self._attempt, self._patience
        if patience is None or self.ready_s is None or self.held or self._ends_why == LINGER:
            return False
        brought = attempt.characters + attempt.wordless
        taken_s = self.ready_s - attempt.held_s - (attempt.first_progress_s or 0.0)
        if self._judged is None:  # it counts from here: what came at first took no time
            self._judged = brought, taken_s
            return False
        characters_before, taken_before_s = self._judged
        verdict = patience.is_too_slow(brought - characters_before, taken_s - taken_before_s)
        if verdict is not None:
            self._judged = brought, taken_s
        return verdict is True

    def _pass(self, why: str, now_s: float) -> None:
        self.passed = why
        self._bite(now_s)

    def _bite(self, now_s: float) -> None:
        self._bites += 1
        self._task.cancel()
        self._timers.wake(self, now_s + RESISTANCE_S)
