"""`SlotPool`: who goes first. The lower rank, the earlier deadline, who came first; and who leaves a full queue."""

import asyncio

import pytest

from paceline.router import Lease, Shed, SlotPool
from paceline.router.testing import run, virtual_clock

from .test_slots import pool_of, turn


async def served(pool: SlotPool, *waiters: tuple[str, int, float]) -> list[str]:
    """Who was served, in order, when every one of *waiters* (name, rank, deadline) had come and slots became free."""
    order: list[str] = []

    async def wait(name: str, rank: int, deadline_s: float) -> None:
        lease = await pool.acquire(deadline_s, rank)
        if isinstance(lease, Lease):
            order.append(name)
            lease.release()

    held = pool.acquire_over_limit()
    tasks: list[asyncio.Task[None]] = []
    for waiter in waiters:
        tasks.append(asyncio.create_task(wait(*waiter)))
        await turn()
    held.release()
    await asyncio.gather(*tasks)
    return order


def test_among_equals_the_earlier_deadline_goes_first() -> None:
    async def main() -> list[str]:
        return await served(pool_of(1), ("late", 0, 9.0), ("soon", 0, 3.0), ("sooner", 0, 2.0), ("soon too", 0, 3.0))

    assert run(main) == ["sooner", "soon", "soon too", "late"]


def test_a_lower_rank_goes_before_an_earlier_deadline() -> None:
    async def main() -> list[str]:
        return await served(pool_of(1), ("hurried", 2, 1.0), ("urgent", 1, 9.0))

    assert run(main) == ["urgent", "hurried"]


def test_a_full_queue_sends_the_last_away_for_one_more_urgent() -> None:
    async def main() -> None:
        pool = pool_of(1, queue=2)
        order = await served(pool, ("a", 2, 5.0), ("b", 2, 9.0), ("urgent", 1, 60.0))

        assert order == ["urgent", "a"]
        assert virtual_clock() == 0.0

    run(main)


def test_one_who_is_sent_away_is_told_so() -> None:
    async def main() -> None:
        pool = pool_of(1, queue=1)
        pool.acquire_over_limit()
        pushed_out = asyncio.create_task(pool.acquire(9.0, 2))
        await turn()
        urgent = asyncio.create_task(pool.acquire(8.0, 1))

        assert await pushed_out is Shed.PUSHED_OUT
        assert await urgent is Shed.IN_VAIN
        assert virtual_clock() == 8.0

    run(main)


@pytest.mark.parametrize("rank", [2, 3])
def test_a_full_queue_refuses_who_is_no_more_urgent_than_its_last(rank: int) -> None:
    async def main() -> list[str]:
        return await served(pool_of(1, queue=2), ("a", 0, 9.0), ("b", 2, 9.0), ("c", rank, 1.0))

    assert run(main) == ["a", "b"]


def test_a_place_in_a_full_queue_is_promised_to_the_more_urgent_alone() -> None:
    async def main() -> None:
        pool = pool_of(1, queue=1)
        pool.acquire_over_limit()
        assert pool.may_wait(2)
        task = asyncio.create_task(pool.acquire(9.0, 2))
        await turn()

        assert (pool.may_wait(1), pool.may_wait(2)) == (True, False)
        task.cancel()

    run(main)


def test_work_of_a_higher_rank_is_not_ahead_of_a_newcomer() -> None:
    async def main() -> None:
        pool = pool_of(2, queue=8)
        pool.acquire_over_limit(2)
        tasks = [asyncio.create_task(pool.acquire(9.0, rank)) for rank in (1, 2, 2, 3)]
        await turn()

        assert [pool.queue_delay_s(1.0, 1, rank) for rank in (0, 1, 2, 3, None)] == [0.5, 1.0, 2.0, 2.5, 2.5]
        for task in tasks:
            task.cancel()
        await turn()
        assert pool.queue_delay_s(1.0, 1, 3) == 0.5

    run(main)


def test_one_who_leaves_from_the_middle_of_a_long_queue_does_not_change_the_order_of_the_others() -> None:
    async def main() -> list[int]:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        order: list[int] = []

        async def wait(rank: int) -> None:
            lease = await pool.acquire(60.0, rank)
            assert isinstance(lease, Lease)
            order.append(rank)
            lease.release()

        waiters = {rank: asyncio.create_task(wait(rank)) for rank in (0, 1, 3, 4, 2, 5)}
        await turn()
        waiters[1].cancel()
        await turn()
        held.release()
        await asyncio.wait(waiters.values())
        return order

    assert run(main) == [0, 2, 3, 4, 5]
