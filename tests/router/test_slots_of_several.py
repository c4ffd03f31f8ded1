"""`SlotPool` where a call takes several slots: nobody overtakes the head of the queue, and no room stays unused."""

import asyncio

import pytest

from paceline.router import Lease, SlotPool
from paceline.router.testing import run, virtual_clock

from .test_slots import pool_of, turn


class Queue:
    """Waiters by name, and who was granted, in order."""

    def __init__(self, pool: SlotPool) -> None:
        self.pool = pool
        self.granted: dict[str, Lease] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def add(self, name: str, slots: int, *, rank: int = 0, deadline_s: float = 60.0) -> None:
        async def wait() -> None:
            lease = await self.pool.acquire(deadline_s, rank, slots)
            if isinstance(lease, Lease):
                self.granted[name] = lease

        self.tasks[name] = asyncio.create_task(wait())
        await turn()


def test_a_call_holds_as_many_slots_as_it_needs_and_is_one_call() -> None:
    pool = pool_of(4)

    lease = pool.try_acquire(3)

    assert lease is not None
    assert (lease.slots, pool.used, pool.in_flight, pool.load) == (3, 3, 1, 0.75)
    lease.release()
    assert (pool.used, pool.in_flight) == (0, 0)


def test_a_call_that_does_not_fit_is_refused_though_a_slot_is_free() -> None:
    pool = pool_of(4)
    pool.try_acquire(3)

    assert pool.try_acquire(2) is None
    assert not pool.fits(2)
    assert pool.fits(1)
    assert pool.try_acquire(1) is not None


def test_a_call_that_needs_more_than_there_are_takes_them_all() -> None:
    pool = pool_of(4)

    lease = pool.try_acquire(9)

    assert lease is not None
    assert (lease.slots, pool.used) == (4, 4)


def test_without_a_limit_it_takes_what_it_needs() -> None:
    pool = pool_of(None)

    lease = pool.try_acquire(9)

    assert lease is not None
    assert pool.used == 9


def test_one_who_waits_for_more_than_a_lowered_limit_gets_all_of_it() -> None:
    async def main() -> None:
        pool = pool_of(4)
        held = pool.acquire_over_limit(4)
        queue = Queue(pool)
        await queue.add("big", 4)

        pool.set_limit(2)
        held.release()
        await turn()

        assert queue.granted["big"].slots == pool.used == 2

    run(main)


def test_a_small_call_does_not_overtake_a_large_one_that_waits() -> None:
    async def main() -> None:
        pool = pool_of(4)
        first, second = pool.acquire_over_limit(2), pool.acquire_over_limit(2)
        queue = Queue(pool)
        await queue.add("big", 4)
        await queue.add("small", 1)

        first.release()
        await turn()
        assert pool.try_acquire(1) is None
        assert queue.granted == {}
        second.release()
        await turn()

        assert list(queue.granted) == ["big"]
        queue.granted["big"].release()
        await turn()
        assert list(queue.granted) == ["big", "small"]

    run(main)


def test_what_one_large_call_gives_back_lets_several_small_ones_in() -> None:
    async def main() -> None:
        pool = pool_of(4)
        held = pool.acquire_over_limit(4)
        queue = Queue(pool)
        for name in "abcde":
            await queue.add(name, 1)

        held.release()
        await turn()

        assert list(queue.granted) == ["a", "b", "c", "d"]
        assert (pool.used, pool.waiting) == (4, 1)
        queue.tasks["e"].cancel()

    run(main)


def test_when_a_large_head_leaves_those_who_fit_get_in_at_once() -> None:
    async def main() -> None:
        pool = pool_of(4)
        pool.acquire_over_limit(2)
        queue = Queue(pool)
        await queue.add("big", 4)
        await queue.add("small", 1)

        queue.tasks["big"].cancel()
        await turn()

        assert list(queue.granted) == ["small"]
        assert virtual_clock() == 0.0

    run(main)


def test_when_a_large_head_expires_those_who_fit_get_in_at_that_instant() -> None:
    async def main() -> None:
        pool = pool_of(4)
        pool.acquire_over_limit(2)
        queue = Queue(pool)
        await queue.add("big", 4, deadline_s=1.0)
        await queue.add("small", 1)

        await asyncio.sleep(1.0)
        await turn()

        assert list(queue.granted) == ["small"]

    run(main)


def test_one_more_urgent_than_a_large_head_gets_in_at_once_if_it_fits() -> None:
    async def main() -> None:
        pool = pool_of(4)
        pool.acquire_over_limit(2)
        queue = Queue(pool)
        await queue.add("big", 4, rank=1)

        await queue.add("urgent", 2, rank=0)

        assert list(queue.granted) == ["urgent"]
        queue.tasks["big"].cancel()

    run(main)


@pytest.mark.parametrize(("slots", "expected_s"), [(1, 0.5), (3, 1.5), (9, 2.0)])
def test_the_queue_delay_counts_slots_and_not_calls(slots: int, expected_s: float) -> None:
    pool = pool_of(4)
    pool.acquire_over_limit(4)

    assert pool.queue_delay_s(2.0, slots) == expected_s
