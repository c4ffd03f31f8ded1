"""The calls a router has in flight, and how they end when it closes.

A call runs in its caller's task, which is not the router's to keep. So a router that closes lets calls end by
themselves for a while, then cancels what is left; such a call ends in `RouterClosed`, and its caller's task goes on.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING

import anyio
import msgspec

from .errors import RouterClosed

if TYPE_CHECKING:
    from .call import Call
    from .ledger import Ledger

RESISTANCE_S = 1.0
"""Seconds a cancelled call may take to clean up."""


class Running(msgspec.Struct):
    """A call that is under way.

    task: its caller's. cancels_before: how often that had been asked to end before the call began. route, residency:
    what the router admitted it to. evicted: we have asked it to end.
    """

    task: asyncio.Task[object] | None
    cancels_before: int
    route: str
    residency: frozenset[str] | None
    evicted: bool = False


class InFlight:
    """Calls by their ledger."""

    __slots__ = ("_calls", "_one_ended")

    def __init__(self) -> None:
        self._calls: dict[Ledger, Running] = {}
        self._one_ended: asyncio.Event | None = None

    def enter(self, call: Call) -> None:
        """A call begins, in the running task. *call* is the router's own view, which no policy has seen."""
        task = asyncio.current_task()
        cancels = 0 if task is None else task.cancelling()
        self._calls[call.ledger] = Running(task, cancels, call.route.name, call.residency)

    def get(self, ledger: Ledger) -> Running | None:
        """A call by its ledger; None if it is over, or never began."""
        return self._calls.get(ledger)

    def leave(self, ledger: Ledger) -> None:
        """It is over. If we had asked its task to end, that is taken back: only the call was meant."""
        running = self._calls.pop(ledger)
        if running.evicted and running.task is not None:
            running.task.uncancel()
        if self._one_ended is not None:
            self._one_ended.set()

    def meaning(self, cancelled: BaseException, ledger: Ledger) -> BaseException | None:
        """Whose a cancellation is: the caller's, and then itself; ours, and then `RouterClosed`; None: nobody's."""
        running = self._calls[ledger]
        asked = 0 if running.task is None else running.task.cancelling() - running.cancels_before
        if asked > running.evicted:
            return cancelled
        return RouterClosed("the router was closed while this call was in flight") if running.evicted else None

    async def idle(self) -> None:
        """Wait until there are none."""
        while self._calls:
            await self._one_ends()

    async def drain(self, grace_s: float) -> None:
        """Wait *grace_s* for the calls to end, then cancel the rest. Those that resist are told in a warning."""
        here = asyncio.current_task()
        calls = [ledger for ledger, running in self._calls.items() if running.task is not here]
        await self._wait(calls, grace_s)
        for ledger in calls:
            running = self._calls.get(ledger)
            if running is not None and running.task is not None:
                running.evicted = True
                running.task.cancel("the router is closing")
        await self._wait(calls, RESISTANCE_S)
        resisting = sum(ledger in self._calls for ledger in calls)
        if resisting:
            warnings.warn(
                f"{resisting} calls resisted cancellation when the router closed", ResourceWarning, stacklevel=4
            )

    async def _wait(self, calls: list[Ledger], at_most_s: float) -> None:
        """Until these calls are over; a call is over before its task is."""
        with anyio.move_on_after(at_most_s):
            while any(ledger in self._calls for ledger in calls):
                await self._one_ends()

    async def _one_ends(self) -> None:
        if self._one_ended is None or self._one_ended.is_set():
            self._one_ended = asyncio.Event()
        await self._one_ended.wait()
