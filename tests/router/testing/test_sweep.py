"""`cancel_everywhere`: it finds every place where a coroutine waits, and what it finds there is real."""

import asyncio
import contextlib

import pytest

from paceline.router import Lease
from paceline.router.testing import cancel_everywhere, virtual_clock

from ..test_slots import pool_of


async def three_waits() -> None:
    for _ in range(3):
        await asyncio.sleep(0.25)


def test_it_counts_the_places_and_visits_each() -> None:
    visited: list[int] = []

    assert cancel_everywhere(three_waits, visited.append) == 3
    assert visited == [0, 1, 2, 3]


def test_each_run_is_cancelled_at_its_own_place() -> None:
    ended_s: list[float] = []

    async def scenario() -> None:
        try:
            await three_waits()
        finally:
            ended_s.append(virtual_clock())

    cancel_everywhere(scenario, lambda _: None)

    assert ended_s == [0.75, 0.0, 0.25, 0.5]


def test_it_finds_a_slot_that_is_not_given_back() -> None:
    pools = [pool_of(1)]

    async def leaks() -> None:
        pools.append(pool_of(1))
        lease = await pools[-1].acquire(1.0)
        assert isinstance(lease, Lease)
        await asyncio.sleep(0.25)
        lease.release()

    def check(point: int) -> None:
        assert pools[-1].in_flight == 0, f"leaked at {point}"

    with pytest.raises(AssertionError, match="leaked at 1"):
        cancel_everywhere(leaks, check)


def test_it_finds_a_cancellation_that_is_swallowed() -> None:
    async def swallows() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.25)
        await asyncio.sleep(0.25)

    with pytest.raises(AssertionError, match="cancelled at point 1, the scenario went on as if nothing had been"):
        cancel_everywhere(swallows, lambda _: None)


def test_places_where_it_cleans_up_are_places_too() -> None:
    leases: list[Lease] = []

    async def cleans_up() -> None:
        try:
            await asyncio.sleep(0.25)
        finally:
            await asyncio.sleep(0.25)

    assert cancel_everywhere(cleans_up, lambda _: leases.clear()) == 2


def test_a_scenario_that_never_waits_has_no_places() -> None:
    async def at_once() -> None:
        pass

    assert cancel_everywhere(at_once, lambda _: None) == 0


def test_an_error_of_the_scenario_is_told() -> None:
    async def fails() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        cancel_everywhere(fails, lambda _: None)


def test_a_scenario_that_cancels_itself_is_told() -> None:
    async def cancels() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        cancel_everywhere(cancels, lambda _: None)


def test_what_is_thrown_into_a_wait_is_seen_by_the_scenario() -> None:
    seen: list[str] = []

    async def waits_on_a_failure() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.25, future.set_exception, OSError("down"))
        try:
            await future
        except OSError as error:
            seen.append(str(error))

    cancel_everywhere(waits_on_a_failure, lambda _: None)

    assert seen == ["down"]


def test_a_task_that_is_left_behind_is_found() -> None:
    started: list[asyncio.Task[None]] = []

    async def forgetful() -> None:
        started.append(asyncio.create_task(asyncio.sleep(60.0)))
        await asyncio.sleep(1.0)
        await started[-1]

    with pytest.raises(AssertionError, match="cancelled at point 1, the scenario left tasks behind"):
        cancel_everywhere(forgetful, lambda _point: None)
