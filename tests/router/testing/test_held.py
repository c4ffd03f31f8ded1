"""`assert_nothing_held`: it finds what a router still holds, and names it."""

from __future__ import annotations

import asyncio

import pytest

from paceline.router import Extra
from paceline.router.testing import Scripted, assert_nothing_held, endpoint, run, virtual_clock

from ..stack import routed


def test_a_router_that_holds_nothing_passes() -> None:
    assert_nothing_held(routed(endpoint("a", Scripted(), slots=1)))


def test_a_slot_a_waiter_and_a_permit_are_found_and_named() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted(), slots=1)) as router:
            slots = router.fleet["a"].slots
            lease = slots.acquire_over_limit()
            waiting = asyncio.create_task(slots.acquire(virtual_clock() + 60.0))
            permit = router.budget.withdraw(Extra.RETRY, virtual_clock())
            await asyncio.sleep(0)

            with pytest.raises(AssertionError) as caught:
                assert_nothing_held(router)

            assert permit is not None
            permit.release()
            waiting.cancel()
            lease.release()
            await asyncio.wait([waiting])
            assert_nothing_held(router)
        assert str(caught.value) == (
            "the router still holds something: 1 call at 'a' with a slot; 1 waiting for a slot of 'a'; "
            "permits for extra attempts that were not given back: 1"
        )

    run(main)
