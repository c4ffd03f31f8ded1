"""Where a second leg goes: elsewhere, to what is known and well, and into a free slot only (I19)."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Hedge, Regions, Retry, RoundRobin, Slots
from paceline.router import Answer, Call, Emit, Endpoint, Extra, Handler, Policy, Profile, Route, Router
from paceline.router.errors import ProviderError, RateLimited
from paceline.router.testing import (
    Arrival,
    Scripted,
    answers,
    endpoint,
    fails,
    play,
    poisson,
    run,
)

from .asking import plenty, routed
from .racing import QUICK, USUAL_S, answered, ask, hedged, late_and, make_known, quick


def region(name: str, place: str, **fields: object) -> Endpoint:
    return quick(name, region=place, **fields)


@pytest.mark.parametrize(
    ("known", "chosen"),
    [
        ({"near": 0.5, "far": 0.7}, "far"),
        ({"near": 0.5, "far": 0.8}, "near"),
        ({"near": 0.5, "beside": 0.6}, "beside"),
        ({"near": 0.5, "beside": 0.5, "far": 0.7}, "far"),
        ({"near": 0.5}, "near"),
    ],
)
def test_it_goes_elsewhere_as_far_as_what_is_there_is_nearly_as_fast(known: dict[str, float], chosen: str) -> None:
    others = {
        "near": region("near", "here"),
        "beside": region("beside", "here", domain="another vendor"),
        "far": region("far", "there"),
    }
    answer = answered(late_and(*(others[name] for name in known)), known={"late": USUAL_S, **known})

    assert hedged(answer) == [chosen]


def test_of_equals_it_goes_where_least_is_under_way() -> None:
    async def main() -> list[str]:
        async with routed(late_and(quick("b"), quick("c")), [Hedge()]) as router:
            make_known(router, late=USUAL_S, b=USUAL_S, c=USUAL_S)
            with router.fleet["b"].slots.acquire_over_limit():
                return hedged(await router.complete(ask()))

    assert run(main) == ["c"]


def test_it_goes_to_none_of_which_nothing_was_seen_nor_to_one_that_fails() -> None:
    async def main() -> Answer:
        others = [quick("new", profile=Profile(ttft_s=0.1)), quick("ill")]
        async with routed(late_and(*others, late=answers(1.0)), [Hedge()]) as router:
            make_known(router, late=USUAL_S, ill=USUAL_S)
            for _ in range(5):
                router.fleet["ill"].learned.recent.outcome(failed=True, now_s=0.0)
            return await router.complete(ask())

    answer = run(main)
    assert len(answer.attempts) == 1
    assert "no other endpoint is known, well and free" in answer.story()


def test_it_goes_to_none_that_has_asked_to_be_left_alone() -> None:
    async def main() -> Answer:
        told_off = endpoint("gated", Scripted(fails(0.0, lambda: RateLimited("slow down", retry_after_s=60.0)), QUICK))
        async with routed(late_and(told_off), [Retry(), Hedge(), RoundRobin()]) as router:
            make_known(router, late=USUAL_S, gated=USUAL_S)
            await router.complete(ask())
            return await router.complete(ask())

    assert hedged(run(main)) == []


def test_a_call_that_is_bound_to_regions_is_bound_with_every_leg() -> None:
    others = [region("near", "us"), region("far", "eu")]
    bound = Route(name="chat", models="m", residency=frozenset({"here", "eu"}))
    known = {"late": 0.5, "near": 0.1, "far": 0.9}
    answer = answered(late_and(*others), [Hedge(), Regions()], routes=[bound], known=known, request=ask(route="chat"))

    assert hedged(answer) == ["far"]
    assert {attempt.endpoint.region for attempt in answer.attempts} == {"here", "eu"}


def test_it_has_the_quality_that_was_asked_for() -> None:
    others = [quick("poor"), quick("good", quality=2)]
    known = {"late": USUAL_S, "poor": 0.1, "good": USUAL_S}
    answer = answered(late_and(*others, quality=2), known=known, request=ask(min_quality=2))

    assert hedged(answer) == ["good"]


def test_what_was_tried_before_is_not_asked_again() -> None:
    """The first try fails at ``b``, the second is late at ``late``: there is nobody left."""

    async def main() -> Answer:
        failing = endpoint("b", Scripted(fails(0.0, ProviderError)))
        async with routed([failing, *late_and()], [Retry(), Hedge()]) as router:
            make_known(router, late=USUAL_S, b=USUAL_S)
            return await router.complete(ask())

    assert hedged(run(main)) == []


def test_of_a_thousand_some_are_looked_at() -> None:
    others = [endpoint(f"b{number}", Scripted(QUICK)) for number in range(100)]

    assert len(hedged(answered(late_and(*others)))) == 1


def test_it_takes_a_slot_that_is_free_and_holds_it_once() -> None:
    most: list[int] = []

    async def main() -> None:
        async with routed(late_and(quick(slots=1)), [Hedge(), Slots()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            lease = router.fleet["quick"].slots.acquire_over_limit()
            task = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(0.25)
            lease.release()
            await asyncio.sleep(0.375)
            most.extend(target.in_flight for target in router.fleet)
            assert (await task).endpoint == "quick"
            assert [target.in_flight for target in router.fleet] == [0, 0]

    run(main)
    assert most == [1, 1]


def waits(*, hedging: object) -> tuple[list[float | None], int]:
    """Waits of calls to a fleet that is full, and how many second legs there were."""

    async def main() -> tuple[list[float | None], int]:
        slow = endpoint("a", Scripted(*(answers(0.25 + number % 5 / 2) for number in range(100))), slots=2)
        other = endpoint("b", Scripted(answers(0.5)), slots=2)
        stack: list[Policy] = [Hedge(), Slots(max_wait_s=60.0)] if hedging else [Slots(max_wait_s=60.0)]
        async with routed([slow, other], stack, budget=plenty()) as router:
            make_known(router, a=0.25, b=0.5)
            busy_ones = [router.fleet["b"].slots.acquire_over_limit() for _ in range(2)]
            arrivals = poisson(1.5, 30.0, random.Random(3), lambda _: ask())
            results = await play(router, arrivals)
            for lease in busy_ones:
                lease.release()
        waited = [result.answer.attempts[0].slot_wait_s for result in results if result.answer is not None]
        second = sum(len(hedged(result.answer)) for result in results if result.answer is not None)
        return list(waited), second

    return run(main)


def test_while_all_others_are_full_nothing_is_hedged_and_everybody_waits_as_long_as_without_hedging() -> None:
    with_hedging, second_legs = waits(hedging=True)
    without, _ = waits(hedging=False)

    assert second_legs == 0
    assert with_hedging == without
    assert max(wait or 0.0 for wait in without) > 0.0


def test_a_first_leg_that_waited_for_its_slot_is_late_from_its_sending() -> None:
    async def main() -> Answer:
        endpoints = [*late_and(slots=1), quick(slots=1, queue=0)]
        async with routed(endpoints, [Hedge(), Slots()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            for target in router.fleet:
                lease = target.slots.acquire_over_limit()
                asyncio.get_running_loop().call_later(1.0, lease.release)
            return await router.complete(ask())

    first, second = run(main).attempts
    assert (first.endpoint.name, first.sent_s) == ("late", 1.0)
    assert second.sent_s == pytest.approx(1.0 + USUAL_S, abs=0.01)


class Onlooker:
    """Stands inside `Slots`, and sees what every leg is given at the instant it is sent."""

    def __init__(self) -> None:
        self.second_legs = 0

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        target, permit = call.candidates[0], call.permit
        limit = target.slots.limit
        assert limit is not None
        assert target.slots.used <= limit
        if permit is not None and permit.kind is Extra.HEDGE:
            self.second_legs += 1
            assert target.slots.waiting == 0
            assert target.endpoint not in [attempt.endpoint for attempt in call.ledger.attempts]
            assert call.lease is not None
            assert call.lease.waited_s == 0.0
        await next(call, emit)


@settings(max_examples=40)
@given(
    slots=st.lists(st.integers(1, 3), min_size=2, max_size=4),
    gaps=st.lists(st.integers(0, 8), min_size=5, max_size=40),
    times=st.lists(st.sampled_from([0.125, 0.25, 0.5, 2.0, 8.0]), min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_whatever_arrives_a_second_leg_is_elsewhere_in_a_free_slot_and_before_nobody_who_waits(
    slots: list[int], gaps: list[int], times: list[float], seed: int
) -> None:
    scripts = [answers(ttft_s) for ttft_s in times]
    endpoints = [endpoint(str(number), Scripted(*scripts * 20), slots=limit) for number, limit in enumerate(slots)]
    arrivals = [Arrival(at / 16, ask(budget_s=30.0)) for at in itertools.accumulate(gaps)]

    onlooker = Onlooker()
    policies = [Hedge(), Slots(max_wait_s=8.0), onlooker]

    async def main() -> tuple[Router, int]:
        async with routed(endpoints, policies, seed=seed, budget=plenty()) as router:
            make_known(router, **{each.name: 0.25 for each in endpoints})
            results = await play(router, arrivals)
        return router, sum(len(hedged(result.answer)) for result in results if result.answer is not None)

    router, second_legs = run(main)
    assert onlooker.second_legs >= second_legs
    assert all((target.in_flight, target.slots.waiting) == (0, 0) for target in router.fleet)


def test_of_two_as_fast_as_each_other_it_goes_to_the_one_that_does_not_fail_now_and_then() -> None:
    async def main() -> list[str]:
        async with routed(late_and(quick("shaky"), quick("sure")), [Hedge()]) as router:
            make_known(router, late=USUAL_S, shaky=USUAL_S, sure=USUAL_S)
            router.fleet["shaky"].learned.recent.outcome(failed=True, now_s=0.0)
            return hedged(await router.complete(ask()))

    assert run(main) == ["sure"]


def test_how_fast_it_is_and_how_much_is_under_way_are_weighed_with_the_call_itself() -> None:
    """0.5 s and two under way are 1.5; 0.7 s and one are 1.4."""

    async def main() -> list[str]:
        async with routed(late_and(quick("b"), quick("c")), [Hedge()]) as router:
            make_known(router, late=USUAL_S, b=0.5, c=0.7)
            for name in ("b", "b", "c"):
                router.fleet[name].slots.acquire_over_limit()
            return hedged(await router.complete(ask()))

    assert run(main) == ["c"]
