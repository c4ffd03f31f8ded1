"""The run: both contestants get every call at the instant it was planned for, side by side in one process.

Side by side, a pause of this machine is a pause for both; and it takes half as long. The load is open: calls start
when they are due, whatever became of those before. Each contestant's records grow as its calls end, so whoever looks,
and whoever interrupts, sees what there is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from .contestant import make

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...router import Router
    from .contestant import Record
    from .traffic import PlannedCall, Traffic


class Lane:
    """One contestant on its way: its records so far, and how many of its calls are under way."""

    def __init__(self, name: str, router: Router) -> None:
        self.name = name
        self.router = router
        self.records: list[Record] = []
        self.in_flight = 0

    async def call(self, call: PlannedCall, due_s: float) -> None:
        """Make one call, and keep its record. One that is cancelled leaves none."""
        self.in_flight += 1
        try:
            self.records.append(await make(call, self.router, due_s=due_s, clock=time.monotonic))
        finally:
            self.in_flight -= 1


class Race:
    """All lanes, on one schedule.

    traffic: the calls. routers: by contestant. begin: told at the instant at which time starts to count.
    """

    def __init__(self, traffic: Traffic, routers: Mapping[str, Router], begin: Callable[[], None]) -> None:
        self._traffic = traffic
        self._begin = begin
        self._began_s: float | None = None
        self.lanes = tuple(Lane(name, router) for name, router in routers.items())

    @property
    def at_s(self) -> float:
        """Seconds of the run that have passed; 0.0 before it begins."""
        return 0.0 if self._began_s is None else time.monotonic() - self._began_s

    async def run(self) -> None:
        """Make every call, and wait for the last. Cancelled, it ends the calls under way and leaves the records."""
        async with AsyncExitStack() as open_routers:
            for lane in self.lanes:
                await open_routers.enter_async_context(lane.router)
            self._begin()
            self._began_s = began_s = time.monotonic()
            async with asyncio.TaskGroup() as calls:
                for call in self._traffic.calls:
                    due_s = began_s + call.at_s
                    await asyncio.sleep(due_s - time.monotonic())
                    for lane in self.lanes:
                        calls.create_task(lane.call(call, due_s))
