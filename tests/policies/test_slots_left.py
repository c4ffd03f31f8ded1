"""`Slots` when the endpoint that is waited for breaks meanwhile: who waits does not walk into it if he need not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from paceline.policies import Breaker, Slots
from paceline.router.testing import Scripted, answers, endpoint, run

from .ailing import REQUEST, fall_ill, watched
from .asking import Ask, routed, told

if TYPE_CHECKING:
    from paceline.router import Router

    from .asking import Told

WAITERS = 3


async def waiting_while_one_breaks(ask: Ask, router: Router, breaker: Breaker, *, other_is_free: bool) -> list[Told]:
    """Calls that wait for ``preferred``, which is ejected at 0.5 s and free at 1 s; perhaps ``other`` is then too."""
    watched(router, breaker)
    mine, others = router.fleet["preferred"].slots, router.fleet["other"].slots
    in_use = [pool.acquire_over_limit(pool.limit or 1) for pool in (mine, others)]
    calls = [asyncio.create_task(told(ask, router, REQUEST)) for _ in range(WAITERS)]
    await asyncio.sleep(0.5)
    fall_ill(router, "preferred")
    await asyncio.sleep(0.5)
    if other_is_free:
        in_use[1].release()
    in_use[0].release()
    ends = await asyncio.gather(*calls)
    for lease in in_use:
        lease.release()
    return ends


def broken_while_waited_for(ask: Ask, *, other_is_free: bool) -> tuple[list[Told], Scripted, Router]:
    preferred, breaker = Scripted(answers(0.25)), Breaker()
    endpoints = [
        endpoint("preferred", preferred, slots=WAITERS),
        endpoint("other", Scripted(answers(0.25)), slots=WAITERS, queue=0),
    ]

    async def main() -> tuple[list[Told], Router]:
        async with routed(endpoints, [breaker, Slots()]) as router:
            return await waiting_while_one_breaks(ask, router, breaker, other_is_free=other_is_free), router

    ends, router = run(main)
    return ends, preferred, router


def test_whoever_is_given_a_slot_of_one_that_was_ejected_meanwhile_goes_elsewhere(ask: Ask) -> None:
    ends, preferred, router = broken_while_waited_for(ask, other_is_free=True)

    assert [(end.answer.endpoint, end.at_s) for end in ends] == [("other", 1.25)] * WAITERS
    assert preferred.calls == 0
    assert "Slots: preferred went out of use while this call waited for it" in ends[0].answer.story()
    assert [target.in_flight for target in router.fleet] == [0, 0]


def test_where_nobody_who_is_well_is_free_the_slot_that_was_waited_for_is_used(ask: Ask) -> None:
    ends, preferred, router = broken_while_waited_for(ask, other_is_free=False)

    assert [(end.answer.endpoint, end.at_s) for end in ends] == [("preferred", 1.25)] * WAITERS
    assert preferred.calls == WAITERS
    assert [target.in_flight for target in router.fleet] == [0, 0]
