"""Several attempts at one call, of which the first to speak is the answer.

The first *progress* wins. A failure never does, however early: a leg that fails is mourned when all the others have
failed too, and then the first leg's failure is the call's, with the others noted on it. Only what no endpoint could
mend ends the race at once.

Each leg runs in a task of its own. Were the first one run by the caller, a winner could not be returned before that
one has cleaned up. (Nor could it be moved to a task once it is late: the timeouts and scopes that it has open by then
would go on to cancel the task that they were opened in.) The moment somebody speaks the others are cancelled, and left
to the router (`router.legs`).

The tasks are asyncio's own: a task group would wait for the losers, and costs three times as much.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError
from typing import TYPE_CHECKING

import anyio

from ..router.errors import AttemptFailed, DeadlineExceeded, NoEndpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from ..router.budget import Permit
    from ..router.call import Call
    from ..router.chunk import Chunk
    from ..router.legs import LegTask
    from ..router.pipeline import Emit, Handler
    from ..router.slots import Lease

CLEANUP_S = 0.5
"""Seconds that a caller who leaves waits for the legs; what resists longer is left to the router. Less than the router
gives a call that it ends itself."""


class Race:
    """The legs of one call, until one of them speaks or all have failed."""

    __slots__ = ("_decided", "_legs", "_loop", "_owner", "emit", "next", "winner")

    def __init__(self, call: Call, emit: Emit, next: Handler) -> None:
        self._owner = call.legs
        self._legs: list[_Leg] = []
        self._loop = asyncio.get_running_loop()
        self._decided: asyncio.Future[_Leg] = self._loop.create_future()
        self.emit = emit
        self.next = next
        self.winner: _Leg | None = None

    @property
    def is_open(self) -> bool:
        """Whether another leg could still win."""
        return self.winner is None and not self._decided.done()

    def start(self, call: Call, *held: Lease | Permit) -> None:
        """Start a leg. *held*: what it gives back when it is over."""
        leg = _Leg(self, held)
        self._legs.append(leg)
        leg.task = _begun(leg.run(call), self._loop)
        if held:
            leg.task.add_done_callback(leg.give_back)  # one that is cancelled before its first step never runs

    async def run(self, call: Call) -> None:
        """Start the first leg, and wait for the end of the race.

        Raises:
            CallError: the winner's; a fatal one; else the first leg's.
        """
        self.start(call)
        try:
            decided = await self._decided
        except CancelledError:
            await self._leave()
            raise
        finally:
            legs, self._legs = self._legs, []
            for leg in legs:
                if not leg.is_over:
                    self._owner.end(leg.task)
        if decided.error is not None:
            _tell_of_others(decided, legs)
            raise decided.error

    def won_by(self, winner: _Leg) -> None:
        """The first has spoken: end the others."""
        self.winner = winner
        self._end_all_but(winner)

    def over(self, leg: _Leg) -> None:
        """A leg has ended. Decides the race, if that does."""
        if self._decided.done():
            return
        if self.winner is None and leg.error is None:
            self.won_by(leg)  # an end without a word, as a policy may make one
        if self.winner is leg:
            self._decided.set_result(leg)
        elif self.winner is None and leg.error is not None and _is_fatal(leg.error):
            self._end_all_but(leg)
            self._decided.set_result(leg)
        elif self.winner is None and all(other.is_over for other in self._legs):
            self._decided.set_result(self._legs[0])

    async def _leave(self) -> None:
        """The caller has left: end all legs, and give them a moment."""
        tasks = [leg.task for leg in self._legs if not leg.is_over]
        self._end_all_but(None)
        if tasks:
            with anyio.CancelScope(shield=True):
                await asyncio.wait(tasks, timeout=CLEANUP_S)

    def _end_all_but(self, one: _Leg | None) -> None:
        for leg in self._legs:
            if leg is not one:
                self._owner.end(leg.task)


class _Leg:
    """One attempt of a race. Its task fails with nothing: what it raised is kept here."""

    __slots__ = ("_held", "_race", "error", "is_over", "task")

    task: LegTask

    def __init__(self, race: Race, held: tuple[Lease | Permit, ...]) -> None:
        self._race = race
        self._held = held
        self.is_over = False
        self.error: BaseException | None = None

    async def run(self, call: Call) -> None:
        try:
            await self._race.next(call, self.emit)
        except (Exception, CancelledError) as error:  # noqa: BLE001  the race raises it again, if it is the call's
            self.error = error
        self.give_back()
        self.is_over = True
        self._race.over(self)
        del self._race  # which knows its winner: no work for the collector

    def emit(self, chunk: Chunk) -> Awaitable[None]:
        """Pass a chunk on to the caller, if this leg is the first to have one."""
        race = self._race
        if race.winner is None:
            race.won_by(self)
        if race.winner is self:
            return race.emit(chunk)
        return anyio.sleep_forever()  # too late by less than a turn of the loop: its cancellation is on its way

    def give_back(self, _task: object = None) -> None:
        """Release what it holds; the second time changes nothing."""
        for held in self._held:
            held.release()


def _begun(leg: Coroutine[object, object, None], loop: asyncio.AbstractEventLoop) -> LegTask:
    """A task for it, which begins at once where Python can do so (that halves what a race costs), else a turn later."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(leg, loop=loop, eager_start=True)
    return loop.create_task(leg)


def _is_fatal(error: BaseException) -> bool:
    """Whether no other endpoint could do better: the request's own fault, a policy's, or the caller's."""
    if isinstance(error, AttemptFailed):
        return not (error.elsewhere or error.other_model)
    return not isinstance(error, NoEndpoint | DeadlineExceeded)


def _tell_of_others(decided: _Leg, legs: list[_Leg]) -> None:
    if decided.error is not None and decided is legs[0]:
        for other in legs[1:]:
            if isinstance(other.error, Exception):
                decided.error.add_note(f"the second leg failed as well: {other.error}")
