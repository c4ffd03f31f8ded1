"""A counted set of slots with a queue, handed over without an ``await``.

A call in flight holds a `Lease` of one slot, or of several where its prompt is large. Taking free slots, giving them
back and handing them to the next waiter are plain function calls, so no cancellation can come between them, and slots
that are given back go to their next owner in the same step: nobody can slip in between, and nobody is left waiting
beside room for it. (``anyio.CapacityLimiter`` had both faults, and counts borrowers rather than calls.)

The queue is bounded in size, in time and by each waiter's own deadline. Grants go by rank, then by the earliest
deadline, then first come, first served. Nobody overtakes the head of the queue: if it needs three slots and one is
free, those behind it wait too, though one would do for them. Otherwise small calls would keep a large one out for ever;
what it costs is the slots that stand free until the head fits. A waiter whose deadline is now has expired: the deadline
wins over the grant.

Sources: the permit of tower (reserved before the call, released by its owner's end); Netflix concurrency-limits;
earliest deadline first, Liu and Layland, "Scheduling algorithms for multiprogramming" (1973).
"""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING

import msgspec

from .errors import ConfigurationError
from .shed import Shed

if TYPE_CHECKING:
    from types import TracebackType

    from .clock import Clock


class Lease(msgspec.Struct, eq=False):
    """Slots in use by one call. Use it as a ``with`` block, or call `release`; the second release changes nothing.

    pool: whose they are; None once they are given back. slots: how many. waited_s: seconds they were waited for.
    """

    pool: SlotPool | None
    slots: int
    waited_s: float = 0.0

    def release(self) -> None:
        """Give them back, once. Synchronous, so it works while being cancelled."""
        pool = self.pool
        if pool is not None:
            self.pool = None
            pool.in_flight -= 1
            pool.used -= self.slots
            if pool._queue:  # noqa: SLF001  a lease is its pool's other half
                pool._let_in()  # noqa: SLF001

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.release()


class _Waiter:
    """One in the queue. It leaves the queue once: granted, expired, pushed out, or gone."""

    __slots__ = ("began_s", "deadline_s", "given", "order", "queued", "rank", "slots", "wake")

    def __init__(self, order: tuple[int, float, int], slots: int, began_s: float, wake: asyncio.Future[None]) -> None:
        self.order = order
        """Rank, deadline and number: who goes first."""
        self.rank, self.deadline_s, _ = order
        self.slots = slots
        self.began_s = began_s
        self.wake = wake
        self.queued = True
        self.given: Lease | Shed = Shed.IN_VAIN
        """What came of it."""

    def __lt__(self, other: _Waiter) -> bool:
        return self.order < other.order


class SlotPool:
    """The slots of one endpoint.

    limit: slots in all, at least 1; None: no limit.
    queue: waiters at most, at least 0.
    clock: seconds; the clock deadlines are on.
    """

    __slots__ = ("_clock", "_queue", "_queue_size", "_queued", "_seq", "in_flight", "limit", "sheds", "used")

    def __init__(self, limit: int | None, queue: int, clock: Clock) -> None:
        self.limit = limit
        self.in_flight = 0
        """Live leases, which is the number of calls."""
        self.used = 0
        """Slots they hold."""
        self.sheds: dict[Shed, int] = {}
        """Calls that were sent away, by the rule that did it; since the start."""
        self._queue: list[_Waiter] = []
        self._queue_size = queue
        self._queued: dict[int, int] = {}
        """Slots that are waited for, by rank."""
        self._seq = 0
        self._clock = clock

    # -- how full it is

    @property
    def load(self) -> float:
        """Slots in use as a share of the limit; above 1 after the limit was lowered, 0.0 without a limit."""
        return 0.0 if self.limit is None else self.used / self.limit

    def fits(self, slots: int) -> bool:
        """Whether so many are free for a newcomer, or all, if it needs more than there are."""
        limit = self.limit
        return limit is None or (not self._queue and self.used + min(slots, limit) <= limit)

    @property
    def waiting(self) -> int:
        """Waiters in the queue."""
        return len(self._queue)

    def may_wait(self, rank: int) -> bool:
        """Whether one more may wait: there is a place, or one that a less urgent call would have to leave."""
        return len(self._queue) < self._queue_size or any(waiter.rank > rank for waiter in self._queue)

    def queue_delay_s(self, service_s: float, slots: int = 1, rank: int | None = None) -> float:
        """Seconds a newcomer would wait for *slots*, if calls take *service_s* each: work ahead of it over slots.

        rank: only what waits at this rank or a lower one is ahead; None: all that waits. Source: Little's law.
        """
        limit = self.limit
        if limit is None:
            return 0.0
        waiting = sum(queued for other, queued in self._queued.items() if rank is None or other <= rank)
        ahead = self.used + waiting + min(slots, limit) - limit
        return max(0, ahead) * service_s / limit

    def count_shed(self, rule: Shed) -> None:
        """A call was sent away from here."""
        self.sheds[rule] = self.sheds.get(rule, 0) + 1

    # -- taking and giving back

    def try_acquire(self, slots: int = 1) -> Lease | None:
        """So many slots now, or None. Never overtakes a waiter.

        slots: at least 1. Who asks for more than there are gets all there are: it could never run otherwise.
        """
        limit = self.limit
        if limit is not None:
            if slots > 1:
                slots = min(slots, limit)
            if self._queue or self.used + slots > limit:
                return None
        self.in_flight += 1
        self.used += slots
        return Lease(self, slots)

    def acquire_over_limit(self, slots: int = 1) -> Lease:
        """A lease whatever the limit: for counting what a stack without a slot policy sends."""
        self.in_flight += 1
        self.used += slots
        return Lease(self, slots)

    async def acquire(self, deadline_s: float, rank: int = 0, slots: int = 1) -> Lease | Shed:
        """So many slots, waited for until *deadline_s*; or why there are none.

        rank: lower goes first; among equals the earlier deadline, then first come, first served. In a full queue the
            last of those that rank higher gives up its place.
        slots: as `try_acquire`.
        """
        lease = self.try_acquire(slots)
        if lease is not None:
            return lease
        if deadline_s <= self._clock():
            return Shed.NO_TIME
        if not self.may_wait(rank):
            return Shed.QUEUE_FULL
        if len(self._queue) >= self._queue_size:
            self._send_away(max(self._queue), Shed.PUSHED_OUT)
        return await self._wait(deadline_s, rank, slots)

    async def _wait(self, deadline_s: float, rank: int, slots: int) -> Lease | Shed:
        loop = asyncio.get_running_loop()
        self._seq += 1
        now_s = self._clock()
        waiter = _Waiter((rank, deadline_s, self._seq), slots, now_s, loop.create_future())
        heapq.heappush(self._queue, waiter)
        self._queued[rank] = self._queued.get(rank, 0) + slots
        timer = loop.call_later(max(0.0, deadline_s - now_s), self._expire, waiter)
        self._let_in()  # it may be the head now, and need less than the head before
        try:
            await waiter.wake
        except BaseException:
            self._unqueue(waiter)
            if isinstance(waiter.given, Lease):  # granted and cancelled in one tick: the next one must have it
                waiter.given.release()
            self._let_in()  # those behind may need less than who has gone
            raise
        finally:
            timer.cancel()
        return waiter.given

    def set_limit(self, limit: int | None) -> None:
        """Change the limit, at least 1. Lowered: no grant until it is undercut. Raised: waiters get in at once."""
        if limit is not None and limit < 1:
            raise ConfigurationError(f"a slot limit must be at least 1, or None for no limit, not {limit!r}")
        self.limit = limit
        self._let_in()

    def _let_in(self) -> None:
        """Grant to the head of the queue as long as it fits. Who has gone or expired is passed over and leaves."""
        while self._queue:
            head = self._queue[0]
            if head.wake.done() or head.deadline_s <= self._clock():
                self._send_away(head)
                continue
            limit = self.limit
            slots = head.slots if limit is None else min(head.slots, limit)
            if limit is not None and self.used + slots > limit:
                return
            self._unqueue(head)
            head.given = lease = self.acquire_over_limit(slots)
            lease.waited_s = self._clock() - head.began_s
            head.wake.set_result(None)

    def _expire(self, waiter: _Waiter) -> None:
        self._send_away(waiter)
        self._let_in()  # those behind may need less

    def _send_away(self, waiter: _Waiter, rule: Shed = Shed.IN_VAIN) -> None:
        self._unqueue(waiter)
        if not waiter.wake.done():
            waiter.given = rule
            waiter.wake.set_result(None)

    def _unqueue(self, waiter: _Waiter) -> None:
        """Out of the queue, wherever in it; who is out already stays out. The queue is short."""
        if not waiter.queued:
            return
        waiter.queued = False
        self._queued[waiter.rank] -= waiter.slots
        if self._queue[0] is waiter:
            heapq.heappop(self._queue)
        else:
            self._queue.remove(waiter)
            heapq.heapify(self._queue)
