"""One timer of the event loop for the limits of all attempts.

A timer of the loop costs two microseconds to set and to cancel, and nearly every attempt is over before its own goes
off. Here a limit is a place in a heap, and one timer of the loop is set for the first of them. What is over is not
taken out: it is dropped when its time comes, or when the heap has doubled.

Source: lazy deletion, as asyncio itself does it with cancelled timers.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .clock import Clock

FEW = 64
"""Places of the heap up to which it is not worth clearing."""


class Waking(Protocol):
    """Something that is woken at a time."""

    @property
    def is_over(self) -> bool:
        """Whether it need not be woken any more."""
        ...

    def wake(self) -> None:
        """Its time has come."""
        ...


class Timers:
    """The timers of one router, on one event loop.

    clock: seconds; the clock that times are on.
    """

    __slots__ = ("_clear_at", "_clock", "_heap", "_next_s", "_number", "_timer")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Waking]] = []
        self._number = 0
        self._clear_at = FEW
        self._next_s = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Places in use, those of what is over included."""
        return len(self._heap)

    def wake(self, waking: Waking, at_s: float) -> None:
        """Wake it at *at_s*, once. Asked for again, it is woken at both times."""
        self._number += 1
        if len(self._heap) >= self._clear_at:
            self._clear()
        heapq.heappush(self._heap, (at_s, self._number, waking))
        if at_s < self._next_s:
            self._set(at_s)

    def _clear(self) -> None:
        """Drop what is over. Done when the heap has doubled since: each place pays for a few looks."""
        self._heap = [place for place in self._heap if not place[2].is_over]
        heapq.heapify(self._heap)
        self._clear_at = max(FEW, 2 * len(self._heap))

    def _set(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next_s = at_s
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at_s - self._clock()), self._go_off)

    def _go_off(self) -> None:
        heap, self._next_s = self._heap, math.inf
        now_s = self._clock()
        while heap and (heap[0][0] <= now_s or heap[0][2].is_over):
            waking = heapq.heappop(heap)[2]
            if not waking.is_over:
                waking.wake()
            heap = self._heap  # it may have been cleared
        if heap and heap[0][0] < self._next_s:
            self._set(heap[0][0])
