"""`SlotPool.set_limit`: raising lets waiters in at once, lowering takes nothing away and grants nothing."""

import asyncio

import pytest

from paceline.router import Lease, SlotPool
from paceline.router.errors import ConfigurationError
from paceline.router.testing import run

from .test_slots import pool_of, turn


async def queue(pool: SlotPool, waiters: int, granted: list[Lease]) -> list[asyncio.Task[None]]:
    async def wait() -> None:
        lease = await pool.acquire(60.0)
        assert isinstance(lease, Lease)
        granted.append(lease)

    tasks = [asyncio.create_task(wait()) for _ in range(waiters)]
    await turn()
    return tasks


def test_a_raised_limit_lets_as_many_in_as_there_is_room_for() -> None:
    async def main() -> None:
        pool, granted = pool_of(1), list[Lease]()
        pool.acquire_over_limit()
        tasks = await queue(pool, 3, granted)

        pool.set_limit(3)
        await turn()

        assert len(granted) == 2
        assert (pool.in_flight, pool.waiting) == (3, 1)
        tasks[-1].cancel()

    run(main)


def test_no_limit_lets_everyone_in() -> None:
    async def main() -> None:
        pool, granted = pool_of(1), list[Lease]()
        pool.acquire_over_limit()
        await queue(pool, 3, granted)

        pool.set_limit(None)
        await turn()

        assert len(granted) == 3
        assert (pool.in_flight, pool.waiting) == (4, 0)

    run(main)


def test_under_a_lowered_limit_what_is_in_flight_only_falls_until_it_is_below() -> None:
    async def main() -> None:
        pool, granted = pool_of(4), list[Lease]()
        held = [pool.acquire_over_limit() for _ in range(4)]
        await queue(pool, 1, granted)
        pool.set_limit(2)

        seen: list[tuple[int, int]] = []
        for lease in held:
            lease.release()
            await turn()
            seen.append((pool.in_flight, len(granted)))

        assert seen == [(3, 0), (2, 0), (2, 1), (1, 1)]

    run(main)


def test_a_limit_set_where_there_was_none_holds_for_the_next() -> None:
    async def main() -> None:
        pool = pool_of(None)
        held = [pool.acquire_over_limit() for _ in range(3)]

        pool.set_limit(2)

        assert pool.try_acquire() is None
        assert pool.load == 1.5
        for lease in held:
            lease.release()
        assert pool.try_acquire() is not None

    run(main)


def test_what_is_given_back_under_no_limit_goes_to_nobody() -> None:
    pool = pool_of(None)

    pool.acquire_over_limit().release()

    assert pool.in_flight == 0


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_no_slots_is_refused_and_changes_nothing(limit: int) -> None:
    pool = pool_of(2)

    with pytest.raises(ConfigurationError, match="a slot limit must be at least 1, or None for no limit"):
        pool.set_limit(limit)

    assert pool.limit == 2
