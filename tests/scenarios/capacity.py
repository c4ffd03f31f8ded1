"""An endpoint with so many workers and a queue, that goes on working for callers who have left.

Cancelling a call is the nearest thing to stopping the work at a vendor, and it seldom does. So what was asked for is
done to its end, whoever still waits for it, and under overload most of the work is for nobody. That is what makes a
retry storm outlast its cause.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from contextlib import nullcontext
from typing import TYPE_CHECKING

from paceline.router import Chunk

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from paceline.router import Call, Clock, Emit, Endpoint, Handler


class Capacity:
    """A `Provider` of one endpoint.

    workers: calls it works on at once. service_s: median seconds of work for a call; the logarithm has an sd of 0.25.
    calls: that it was asked for.
    """

    def __init__(self, workers: int, service_s: float, dice: random.Random) -> None:
        self._workers = workers
        self._service_s = service_s
        self._dice = dice
        self._queue: deque[asyncio.Future[None]] = deque()
        self._busy = 0
        self.calls = 0

    @property
    def name(self) -> str:
        """For reports."""
        return "capacity"

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Nothing to open."""
        del clock
        return nullcontext(self)

    def resize(self, workers: int) -> None:
        """Change how many calls it works on at once; those under way are finished."""
        self._workers = workers
        self._work()

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """Answer in one piece when the work is done."""
        del call
        self.calls += 1
        done = asyncio.get_running_loop().create_future()
        self._queue.append(done)
        self._work()
        await done
        await emit(Chunk("ok", finish_reason="stop"))

    def _work(self) -> None:
        while self._queue and self._busy < self._workers:
            self._busy += 1
            takes_s = self._service_s * self._dice.lognormvariate(0.0, 0.25)
            asyncio.get_running_loop().call_later(takes_s, self._finish, self._queue.popleft())

    def _finish(self, done: asyncio.Future[None]) -> None:
        self._busy -= 1
        if not done.done():  # else the caller has left: the work was for nobody
            done.set_result(None)
        self._work()
