"""A counted set of slots with a queue, handed over without an ``await``.

A call in flight holds a `Lease`; the number of live leases *is* the load. Taking a free slot, giving one back and
handing it to the next waiter are plain function calls, so no cancellation can come between them, and a slot that is
given back goes to its next owner in the same step: nobody can slip in between, and nobody is left waiting beside a
free slot. (``anyio.CapacityLimiter`` had both faults, and counts borrowers rather than calls.)

The queue is bounded in size, in time and by each waiter's own deadline. Grants go by rank, then first come first
served. A waiter whose deadline is now has expired: the deadline wins over the grant.

Source: the permit of tower (reserved before the call, released by its owner's end), Netflix concurrency-limits.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING

from .errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType

    from .clock import Clock


class Lease:
    """One slot in use. Use it as a ``with`` block, or call `release`; the second release changes nothing."""

    __slots__ = ("_pool", "waited_s")

    def __init__(self, pool: SlotPool, waited_s: float = 0.0) -> None:
        self._pool: SlotPool | None = pool
        self.waited_s = waited_s
        """Seconds it was waited for."""

    def release(self) -> None:
        """Give the slot back, once. Synchronous, so it works while being cancelled."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool._give_back()  # noqa: SLF001  a lease is its pool's other half

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.release()


class _Waiter:
    """One in the queue. It leaves the queue once: granted, expired, or gone."""

    __slots__ = ("began_s", "deadline_s", "lease", "queued", "rank", "seq", "wake")

    def __init__(self, rank: int, seq: int, began_s: float, deadline_s: float, wake: asyncio.Future[None]) -> None:
        self.began_s = began_s
        self.rank = rank
        self.seq = seq
        self.deadline_s = deadline_s
        self.wake = wake
        self.queued = True
        self.lease: Lease | None = None

    def __lt__(self, other: _Waiter) -> bool:
        return (self.rank, self.seq) < (other.rank, other.seq)


class SlotPool:
    """The slots of one endpoint.

    limit: slots in all, at least 1; None: no limit.
    queue: waiters at most, at least 0.
    clock: seconds; the clock deadlines are on.
    """

    __slots__ = ("_clock", "_queue", "_queue_size", "_seq", "in_flight", "limit")

    def __init__(self, limit: int | None, queue: int, clock: Clock) -> None:
        self.limit = limit
        self.in_flight = 0
        """Live leases."""
        self._queue: list[_Waiter] = []
        self._queue_size = queue
        self._seq = 0
        self._clock = clock

    @property
    def load(self) -> float:
        """Live leases as a share of the limit; above 1 after the limit was lowered, 0.0 without a limit."""
        return 0.0 if self.limit is None else self.in_flight / self.limit

    @property
    def has_room(self) -> bool:
        """Whether a slot is free for a newcomer."""
        return self.limit is None or (self.in_flight < self.limit and not self._queue)

    @property
    def has_queue_room(self) -> bool:
        """Whether one more may wait."""
        return self.waiting < self._queue_size

    def queue_delay_s(self, service_s: float) -> float:
        """Seconds a newcomer would wait, if calls take *service_s* each: work ahead of it over slots.

        Source: Little's law.
        """
        if self.limit is None:
            return 0.0
        ahead = self.in_flight + self.waiting + 1 - self.limit
        return max(0, ahead) * service_s / self.limit

    def try_acquire(self) -> Lease | None:
        """A slot now, or None. Never overtakes a waiter."""
        return self.acquire_over_limit() if self.has_room else None

    def acquire_over_limit(self) -> Lease:
        """A lease whatever the limit: for counting what a stack without a slot policy sends."""
        self.in_flight += 1
        return Lease(self)

    async def acquire(self, deadline_s: float, rank: int = 0) -> Lease | None:
        """A slot, waited for until *deadline_s*; None if the queue is full or the time is up.

        rank: lower goes first; equals go first come, first served.
        """
        lease = self.try_acquire()
        if lease is not None:
            return lease
        if not self.has_queue_room or deadline_s <= self._clock():
            return None
        return await self._wait(deadline_s, rank)

    async def _wait(self, deadline_s: float, rank: int) -> Lease | None:
        loop = asyncio.get_running_loop()
        self._seq += 1
        now_s = self._clock()
        waiter = _Waiter(rank, self._seq, now_s, deadline_s, loop.create_future())
        heapq.heappush(self._queue, waiter)
        timer = loop.call_later(max(0.0, deadline_s - now_s), self._expire, waiter)
        try:
            await waiter.wake
        except BaseException:
            self._unqueue(waiter)
            if waiter.lease is not None:  # granted and cancelled in one tick: the next one must have it
                waiter.lease.release()
            raise
        finally:
            timer.cancel()
        return waiter.lease

    def set_limit(self, limit: int | None) -> None:
        """Change the limit, at least 1. Lowered: no grant until it is undercut. Raised: waiters get in at once."""
        if limit is not None and limit < 1:
            raise ConfigurationError(f"a slot limit must be at least 1, or None for no limit, not {limit!r}")
        self.limit = limit
        while (self.limit is None or self.in_flight < self.limit) and (waiter := self._next_live()) is not None:
            self.in_flight += 1
            self._grant(waiter)

    def _give_back(self) -> None:
        waiter = self._next_live() if self.limit is None or self.in_flight <= self.limit else None
        if waiter is None:
            self.in_flight -= 1
        else:
            self._grant(waiter)  # in_flight is handed over, not dropped and raised again

    def _next_live(self) -> _Waiter | None:
        """The next waiter; who was cancelled or whose time is up is passed over and leaves the queue."""
        while self._queue:
            waiter = self._queue[0]
            if not waiter.wake.done() and waiter.deadline_s > self._clock():
                return waiter
            self._expire(waiter)
        return None

    def _grant(self, waiter: _Waiter) -> None:
        self._unqueue(waiter)
        waiter.lease = Lease(self, self._clock() - waiter.began_s)
        waiter.wake.set_result(None)

    def _expire(self, waiter: _Waiter) -> None:
        self._unqueue(waiter)
        if not waiter.wake.done():
            waiter.wake.set_result(None)

    def _unqueue(self, waiter: _Waiter) -> None:
        """Out of the queue, wherever in it; who is out already stays out. The queue is short."""
        if not waiter.queued:
            return
        waiter.queued = False
        if self._queue[0] is waiter:
            heapq.heappop(self._queue)
        else:
            self._queue.remove(waiter)
            heapq.heapify(self._queue)

    @property
    def waiting(self) -> int:
        """Live waiters."""
        return len(self._queue)
