"""`SlotPool`, a counted set of slots, one thing at a time. `test_handover` has the ties, `test_slots_model` chance."""

import asyncio

import pytest

from paceline.router import Lease, Shed, SlotPool
from paceline.router.testing import run, virtual_clock


def pool_of(limit: int | None, queue: int = 8) -> SlotPool:
    return SlotPool(limit, queue, virtual_clock)


async def turn() -> None:
    """Let everything that can run, run; no time passes."""
    for _ in range(4):
        await asyncio.sleep(0)


def test_a_slot_is_one_call_in_flight_until_it_is_released() -> None:
    pool = pool_of(2)

    lease = pool.try_acquire()

    assert lease is not None
    assert pool.in_flight == 1
    lease.release()
    assert pool.in_flight == 0


def test_a_second_release_changes_nothing() -> None:
    pool = pool_of(2)
    first, second = pool.try_acquire(), pool.try_acquire()
    assert first is not None
    assert second is not None

    first.release()
    first.release()

    assert pool.in_flight == 1


def test_a_lease_is_released_by_leaving_its_block_with_an_error() -> None:
    pool = pool_of(1)

    with pytest.raises(KeyError), pool.acquire_over_limit():
        raise KeyError

    assert pool.in_flight == 0


def test_nothing_is_granted_at_the_limit() -> None:
    pool = pool_of(2)
    held = [pool.try_acquire(), pool.try_acquire()]

    assert None not in held
    assert pool.try_acquire() is None
    assert pool.in_flight == 2


def test_without_a_limit_everything_is_granted_and_counted() -> None:
    pool = pool_of(None)

    held = [pool.try_acquire() for _ in range(100)]

    assert None not in held
    assert pool.in_flight == 100
    assert pool.load == 0.0


def test_a_lease_over_the_limit_counts_as_load() -> None:
    pool = pool_of(1)

    held = [pool.acquire_over_limit(), pool.acquire_over_limit()]

    assert len(held) == pool.in_flight == 2
    assert pool.load == 2.0


def test_who_asks_while_a_slot_is_free_does_not_wait() -> None:
    async def main() -> None:
        pool = pool_of(1)

        assert isinstance(await pool.acquire(virtual_clock() + 1.0), Lease)

        assert virtual_clock() == 0.0

    run(main)


def test_who_waits_gets_the_slot_at_the_instant_it_is_released() -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        asyncio.get_running_loop().call_at(0.5, held.release)

        assert isinstance(await pool.acquire(2.0), Lease)

        assert virtual_clock() == 0.5
        assert (pool.in_flight, pool.waiting) == (1, 0)

    run(main)


def test_who_waits_in_vain_is_told_at_its_deadline() -> None:
    async def main() -> None:
        pool = pool_of(1)
        pool.acquire_over_limit()

        assert await pool.acquire(1.5) is Shed.IN_VAIN

        assert virtual_clock() == 1.5
        assert (pool.in_flight, pool.waiting) == (1, 0)

    run(main)


def test_a_full_queue_refuses_at_once_and_sets_no_timer() -> None:
    async def main() -> None:
        pool = pool_of(1, queue=0)
        pool.acquire_over_limit()
        before_s = virtual_clock()

        assert await pool.acquire(60.0) is Shed.QUEUE_FULL

        assert virtual_clock() == before_s
        assert getattr(asyncio.get_running_loop(), "_scheduled") == []  # noqa: B009  asyncio's own heap of timers

    run(main)


@pytest.mark.parametrize("deadline_s", [-1.0, 0.0], ids=["past", "now"])
def test_who_has_no_time_to_wait_is_refused_at_once(deadline_s: float) -> None:
    async def main() -> None:
        pool = pool_of(1)
        pool.acquire_over_limit()

        assert await pool.acquire(deadline_s) is Shed.NO_TIME

        assert virtual_clock() == 0.0
        assert pool.waiting == 0

    run(main)


def test_grants_go_by_rank_and_among_equals_first_come_first_served() -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        served: list[str] = []

        async def wait(name: str, rank: int) -> None:
            lease = await pool.acquire(60.0, rank)
            assert isinstance(lease, Lease)
            served.append(name)
            lease.release()

        async with asyncio.TaskGroup() as group:
            for name, rank in (("a2", 2), ("b1", 1), ("c2", 2), ("d0", 0), ("e1", 1)):
                group.create_task(wait(name, rank))
                await turn()
            held.release()

        assert served == ["d0", "b1", "e1", "a2", "c2"]

    run(main)


@pytest.mark.parametrize(
    ("limit", "in_flight", "service_s", "expected_s"),
    [(None, 9, 1.0, 0.0), (4, 3, 2.0, 0.0), (4, 4, 2.0, 0.5), (4, 7, 2.0, 2.0)],
)
def test_the_queue_delay_is_the_work_ahead_over_the_slots(
    limit: int | None, in_flight: int, service_s: float, expected_s: float
) -> None:
    pool = pool_of(limit)
    held: list[Lease] = [pool.acquire_over_limit() for _ in range(in_flight)]

    assert len(held) == in_flight
    assert pool.queue_delay_s(service_s) == expected_s


@pytest.mark.parametrize("leaves", [0, 1, 2, 3, 4])
def test_who_leaves_the_queue_does_not_change_the_order_of_the_others(leaves: int) -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        served: list[int] = []

        async def wait(rank: int) -> None:
            lease = await pool.acquire(60.0, rank)
            assert isinstance(lease, Lease)
            served.append(rank)
            lease.release()

        waiters = {rank: asyncio.create_task(wait(rank)) for rank in (0, 2, 1, 4, 3)}
        await turn()
        waiters[leaves].cancel()
        await turn()
        held.release()
        await asyncio.wait(waiters.values())

        assert served == [rank for rank in range(5) if rank != leaves]

    run(main)


def test_no_timer_is_left_of_one_who_was_served() -> None:
    async def main() -> None:
        pool = pool_of(1)
        held = pool.acquire_over_limit()
        loop = asyncio.get_running_loop()
        loop.call_soon(held.release)

        assert isinstance(await pool.acquire(3600.0), Lease)

        timers: list[asyncio.TimerHandle] = getattr(loop, "_scheduled")  # noqa: B009  asyncio's own heap of timers
        assert [timer for timer in timers if not timer.cancelled()] == []

    run(main)


def test_a_lease_tells_how_long_it_was_waited_for() -> None:
    async def main() -> None:
        pool = pool_of(1)
        await asyncio.sleep(3.0)
        held = pool.try_acquire()
        assert held is not None
        asyncio.get_running_loop().call_later(0.5, held.release)

        given = await pool.acquire(10.0)

        assert isinstance(given, Lease)
        assert (held.waited_s, given.waited_s) == (0.0, 0.5)

    run(main)
