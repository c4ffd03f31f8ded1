"""An endpoint that asks to be left alone is left alone, by every call and every stack, to the instant (I13)."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, RoundRobin, Slots
from paceline.policies.gate import without_gated
from paceline.router import Attempt, AttemptEnded, Budget, Call, Emit, Event, Handler, Policy, Route, Router
from paceline.router.errors import AttemptFailed, Gated, ProviderOverloaded, RateLimited
from paceline.router.testing import (
    Scripted,
    answers,
    endpoint,
    fails,
    poisson,
    run,
    virtual_clock,
)

from .asking import Ask, Told, hello, in_pieces, plenty, routed, told, whole

M = hello(model="m")
STACKS: dict[str, list[Policy]] = {
    "nothing": [],
    "round robin": [RoundRobin()],
    "slots": [Slots()],
    "all but retry": [Fallback(), Regions(), LatencyBudget(), Slots()],
}


def asks_for(seconds: float, kind: type[AttemptFailed] = RateLimited) -> partial[AttemptFailed]:
    """A refusal that says when to come back."""
    return partial(kind, "as scripted", retry_after_s=seconds)


async def told_after(seconds: float, ask: Ask, router: Router, budget_s: float = 60.0) -> Told:
    await asyncio.sleep(seconds)
    return await told(ask, router, hello(model="m", budget_s=budget_s))


@pytest.mark.parametrize("policies", STACKS.values(), ids=STACKS)
@pytest.mark.parametrize("kind", [RateLimited, ProviderOverloaded])
def test_no_stack_sends_anything_before_the_instant(
    ask: Ask, policies: list[Policy], kind: type[AttemptFailed]
) -> None:
    a = Scripted(fails(0.5, asks_for(30.0, kind)), answers(0.25))

    async def main() -> None:
        async with routed([endpoint("a", a)], policies) as router:
            await told(ask, router, M)
            early = await told_after(29.75, ask, router)
            assert isinstance(early.error, Gated)
            assert (early.at_s, a.calls, early.error.retry_after_s) == (30.25, 1, 0.25)
            assert early.error.attempts == []
            assert (await told_after(0.25, ask, router)).answer.text == "ok"

    run(main)


def test_a_call_waits_for_an_endpoint_that_has_told_another(ask: Ask) -> None:
    a = Scripted(fails(0.0, asks_for(30.0)), answers(0.25))

    async def main() -> list[float]:
        async with routed([endpoint("a", a)], [Retry(), Slots()]) as router:
            first, second = await asyncio.gather(told(ask, router, M), told_after(5.0, ask, router))
        return [end.answer.attempts[-1].sent_s for end in (first, second)]

    to_the_letter_s, a_jitter_later_s = run(main)
    assert to_the_letter_s == 30.0
    assert 30.0 < a_jitter_later_s <= 30.25


def test_a_wait_that_does_not_fit_is_not_begun(ask: Ask) -> None:
    a = Scripted(fails(0.0, asks_for(30.0)))

    async def main() -> Told:
        async with routed([endpoint("a", a)], [Retry(), Slots()]) as router:
            await told(ask, router, hello(model="m", budget_s=1.0))
            return await told_after(5.0, ask, router, budget_s=20.0)

    end = run(main)
    assert isinstance(end.error, Gated)
    assert (end.at_s, a.calls) == (5.0, 1)
    assert str(end.error) == "a: every endpoint has asked to be left alone, this one for 25.000 s more"


@pytest.mark.parametrize("policies", [[Slots()], [LatencyBudget(), Slots()], [Retry(), RoundRobin()]], ids=str)
def test_who_has_another_endpoint_does_not_wait(ask: Ask, policies: list[Policy]) -> None:
    a, b = Scripted(fails(0.0, asks_for(30.0))), Scripted(answers(0.25))

    async def main() -> None:
        async with routed([endpoint("a", a), endpoint("b", b)], policies) as router:
            while a.calls == 0:
                await told(ask, router, M)
            began_s = virtual_clock()
            ends = [await told(ask, router, M) for _ in range(8)]
            assert [end.answer.endpoint for end in ends] == ["b"] * 8
            assert virtual_clock() - began_s == 2.0

    run(main)
    assert a.calls == 1


def test_what_was_asked_for_before_holds_as_well(ask: Ask) -> None:
    a = Scripted(fails(0.5, asks_for(10.0)), fails(1.0, asks_for(1.0)), answers(0.0))

    async def main() -> list[float]:
        async with routed([endpoint("a", a)], []) as router:
            await asyncio.gather(told(ask, router, M), told(ask, router, M))
            target = router.fleet["a"]
            return [target.opens_at_s(now_s) for now_s in (1.0, 10.0, 11.0)]

    assert run(main) == [10.5, 10.5, 11.0]


@pytest.mark.parametrize(("seconds", "opens_s"), [(0.0, 0.5), (299.0, 299.5), (301.0, 300.5), (86_400.0, 300.5)])
def test_nobody_is_left_alone_for_more_than_five_minutes(ask: Ask, seconds: float, opens_s: float) -> None:
    a = Scripted(fails(0.5, asks_for(seconds)))

    async def main() -> float:
        async with routed([endpoint("a", a)], []) as router:
            await told(ask, router, M)
            return router.fleet["a"].opens_at_s(0.5)

    assert run(main) == opens_s


def test_a_timer_that_goes_off_a_hair_early_finds_it_open(ask: Ask) -> None:
    a = Scripted(fails(0.5, asks_for(1.0)))

    async def main() -> list[float]:
        async with routed([endpoint("a", a)], []) as router:
            await told(ask, router, M)
            return [router.fleet["a"].opens_at_s(now_s) for now_s in (1.499, 1.4999999)]

    assert run(main) == [1.5, 1.4999999]


def test_a_model_that_has_asked_to_be_left_alone_is_passed_over_for_free(ask: Ask) -> None:
    best, fast = Scripted(fails(0.0, asks_for(30.0))), Scripted(answers(0.25))
    models = [endpoint("a", best, model="best"), endpoint("b", fast, model="fast")]
    route = Route(name="chat", models=("best", "fast"))

    async def main() -> Told:
        budget = Budget(ratio=0, reserve=0)
        async with routed(models, [Fallback(), Retry(), Slots()], [route], budget=budget) as router:
            await told(ask, router, hello())
            return await told(ask, router, hello())

    end = run(main)
    assert (end.answer.model, end.at_s, best.calls) == ("fast", 0.25, 1)
    assert "left alone" in end.answer.fallbacks[0].reason


def test_who_gets_a_slot_of_an_endpoint_that_has_closed_meanwhile_goes_elsewhere(ask: Ask) -> None:
    a, b = Scripted(fails(1.0, asks_for(30.0))), Scripted(answers(0.25))

    async def main() -> list[Told]:
        endpoints = [endpoint("a", a, slots=1), endpoint("b", b, slots=2, queue=0)]
        async with routed(endpoints, [Retry(), Slots(max_wait_s=5.0)]) as router:
            slots = router.fleet["b"].slots
            with slots.acquire_over_limit(), slots.acquire_over_limit():
                calls = [asyncio.create_task(told(ask, router, M)) for _ in range(2)]
                await asyncio.sleep(0.5)
            return list(await asyncio.gather(*calls))

    first, second = run(main)
    assert [attempt.endpoint.name for attempt in first.answer.attempts] == ["a", "b"]
    assert [attempt.endpoint.name for attempt in second.answer.attempts] == ["b"]
    assert (second.at_s, a.calls, b.calls) == (1.25, 1, 2)
    assert "Slots: a went out of use while this call waited for it" in second.answer.story()


def calls_seen(tied: int) -> list[tuple[list[str], int]]:
    """What a policy inside the gate sees of b, a and c: before b asks to be left alone, and after."""
    seen = list[tuple[list[str], int]]()

    async def gate(call: Call, emit: Emit, next: Handler) -> None:
        narrowed = without_gated(call.with_(candidates=call.candidates, tied=tied), call.clock())
        seen.append(([target.name for target in narrowed.candidates], narrowed.tied))
        await next(narrowed, emit)

    scripts = Scripted(fails(0.0, asks_for(30.0))), Scripted(), Scripted()

    async def main() -> None:
        endpoints = [endpoint(name, script) for name, script in zip("bac", scripts, strict=True)]
        async with routed(endpoints, [gate]) as router:
            await told(whole, router, M)
            await told(whole, router, M)

    run(main)
    return seen


@pytest.mark.parametrize(("tied", "left"), [(3, 2), (2, 1), (1, 1)])
def test_the_order_stays_and_so_do_the_ties_among_those_that_are_left(tied: int, left: int) -> None:
    assert calls_seen(tied) == [(["b", "a", "c"], tied), (["a", "c"], left)]


waits = st.sampled_from([None, 0.0, 0.5, 3.0, 30.0, 400.0])


@settings(max_examples=25)
@given(
    refusals=st.lists(st.lists(waits, min_size=1, max_size=6), min_size=1, max_size=3),
    stack=st.sampled_from([*STACKS.values(), [Retry(), RoundRobin()], [Retry(), LatencyBudget(), Slots()]]),
    way=st.sampled_from([whole, in_pieces]),
    seed=st.integers(0, 99),
)
def test_whatever_is_asked_for_nothing_is_sent_before(
    refusals: list[list[float | None]], stack: list[Policy], way: Ask, seed: int
) -> None:
    sent = list[Attempt]()

    def keep(event: Event) -> None:
        if isinstance(event, AttemptEnded):
            sent.append(event.attempt)

    async def main() -> None:
        endpoints = [
            endpoint(f"e{n}", Scripted(*[answers(0.25) if s is None else fails(0.125, asks_for(s)) for s in some * 50]))
            for n, some in enumerate(refusals)
        ]
        router = Router(
            endpoints, (), stack, clock=virtual_clock, dice=random.Random(seed), budget=plenty(), listeners=[keep]
        )
        async with router, asyncio.TaskGroup() as calls:
            for arrival in poisson(2.0, 60.0, random.Random(seed), lambda _: M):
                calls.create_task(told_after(arrival.at_s, way, router))

    run(main)
    for refused in sent:
        if refused.error is None or refused.error.retry_after_s is None or refused.finished_s is None:
            continue
        opens_s = refused.finished_s + min(300.0, refused.error.retry_after_s)
        too_early = [
            later
            for later in sent
            if later.endpoint is refused.endpoint and refused.finished_s <= later.sent_s < opens_s
        ]
        assert too_early == []


def test_the_error_names_the_one_that_opens_first(ask: Ask) -> None:
    endpoints = [
        endpoint(name, Scripted(fails(0.0, asks_for(seconds)))) for name, seconds in (("a", 40.0), ("b", 20.0))
    ]

    async def main() -> Told:
        async with routed(endpoints, [Slots()]) as router:
            for _ in range(2):
                await told(ask, router, M)
            return await told(ask, router, M)

    error = run(main).error
    assert isinstance(error, Gated)
    assert (error.endpoint, error.retry_after_s) == ("b", 20.0)
