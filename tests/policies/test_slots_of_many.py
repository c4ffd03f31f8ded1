"""`Slots` before many endpoints: it looks at a few of them, and at all before it gives up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from paceline.policies import Slots
from paceline.policies.queues import FEW
from paceline.router import Call, Emit, Handler, Lease, Profile, Router
from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock

from .asking import hello, routed

if TYPE_CHECKING:
    from paceline.router import Policy

MANY = 5 * FEW
M = hello(model="m")


def fleet(*policies: Policy, seed: int) -> Router:
    """Many endpoints of one slot each, all of them known."""
    endpoints = [
        endpoint(f"e{number}", Scripted(answers(0.25)), slots=1, profile=Profile(ttft_s=0.25)) for number in range(MANY)
    ]
    return routed(endpoints, [*policies, Slots()], seed=seed)


def taken(router: Router, *free: str) -> list[Lease]:
    """Every slot of the router, those of *free* left out."""
    return [target.slots.acquire_over_limit() for target in router.fleet if target.name not in free]


async def first_half_tied(call: Call, emit: Emit, next: Handler, /) -> None:
    await next(call.with_(candidates=call.candidates, tied=MANY // 2), emit)


@pytest.mark.parametrize("seed", range(5))
def test_the_only_free_one_of_many_is_found_at_once(seed: int) -> None:
    async def main() -> None:
        async with fleet(seed=seed) as router:
            held = taken(router, "e7")

            assert (await router.complete(M)).endpoint == "e7"

            assert virtual_clock() == 0.25
            for lease in held:
                lease.release()

    run(main)


@pytest.mark.parametrize("seed", range(5))
def test_a_free_one_of_the_tied_is_found_before_the_others(seed: int) -> None:
    async def main() -> str:
        async with fleet(first_half_tied, seed=seed) as router:
            taken(router, "e7", f"e{MANY - 1}")
            return (await router.complete(M)).endpoint

    assert run(main) == "e7"


@pytest.mark.parametrize("seed", range(3))
def test_where_all_are_full_it_waits_in_one_of_the_queues(seed: int) -> None:
    async def main() -> float:
        async with fleet(seed=seed) as router:
            held = taken(router)
            task = asyncio.create_task(router.complete(M))
            await asyncio.sleep(1.0)
            assert sum(target.slots.waiting for target in router.fleet) == 1
            for lease in held:
                lease.release()
            await task
            return virtual_clock()

    assert run(main) == 1.25


def test_of_those_with_room_chance_decides_and_nobody_is_a_favourite() -> None:
    async def main() -> dict[str, int]:
        counts: dict[str, int] = {}
        async with fleet(seed=1) as router:
            taken(router, *(f"e{number}" for number in range(0, MANY, 8)))
            for _ in range(2000):
                served_by = (await router.complete(M)).endpoint
                counts[served_by] = counts.get(served_by, 0) + 1
        return counts

    counts = run(main)
    assert len(counts) == MANY // 8
    assert all(0.7 < count * len(counts) / 2000 < 1.3 for count in counts.values())
