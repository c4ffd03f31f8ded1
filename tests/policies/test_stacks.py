"""The stacks to begin with, from end to end: when all is well, when a model is dead, and when all is full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Breaker, Fallback, Hedge, LatencyBudget, Prefer, Regions, Retry, Slots, stacks
from paceline.router import Endpoint, Limits, Policy, Profile, Route, Router
from paceline.router.errors import (
    AttemptFailed,
    CallError,
    ConfigurationError,
    DeadlineExceeded,
    EveryModelFailed,
    NoEndpoint,
    Overloaded,
    ProviderError,
)
from paceline.router.shed import Shed
from paceline.router.testing import SILENT, Script, Scripted, answers, endpoint, fails, run, virtual_clock

from .asking import Ask, Told, asked, at_a_steady_rate, hello, in_pieces, routed, told, whole
from .racing import LATE, QUICK, make_known

if TYPE_CHECKING:
    from paceline.router import Answer

Stack = Callable[[], list[Policy]]

ALL = [stacks.interactive, stacks.batch, stacks.minimal]
OF_MODELS = [stacks.interactive, stacks.batch]
CHAT = Route(name="chat", models=("best", "spare"))
BOUND = Route(name="chat", models=("best", "spare"), residency="eu")
UNLIMITED = Limits(first_token_s=None, gap_s=None)

TRIES = {"interactive": 2 * 3, "batch": 2 * 5, "minimal": 3}
"""At each model of two; the smallest stack takes both for one."""

WAITS_S = {"interactive": 2.0 + 2.0, "batch": 60.0 + 120.0, "minimal": 2.0}
"""For a slot, of each model; the first is left when its time to start is over."""

each = pytest.mark.parametrize("stack", ALL, ids=lambda stack: stack.__name__)
each_of_models = pytest.mark.parametrize("stack", OF_MODELS, ids=lambda stack: stack.__name__)


def fleet(best: Script, spare: Script, **fields: object) -> list[Endpoint]:
    """Two endpoints of each model, one in either region."""
    return [
        endpoint(f"{model}-{region}", Scripted(script), model=model, region=region, limits=UNLIMITED, **fields)
        for model, script in (("best", best), ("spare", spare))
        for region in ("eu", "us")
    ]


def kinds(stack: Sequence[Policy]) -> list[type]:
    return [type(policy) for policy in stack]


# -- what they are


def test_the_interactive_one_has_every_policy_in_the_order_of_its_questions() -> None:
    assert kinds(stacks.interactive()) == [Fallback, Retry, Hedge, Regions, Breaker, LatencyBudget, Slots]


def test_the_one_for_batches_is_the_same_without_second_legs() -> None:
    assert kinds(stacks.batch()) == [Fallback, Retry, Regions, Breaker, LatencyBudget, Slots]


def test_the_minimal_one_tries_again_and_holds_a_slot() -> None:
    assert kinds(stacks.minimal()) == [Retry, Slots]


@each
def test_each_gives_objects_of_its_own_and_the_router_takes_its_order(stack: Stack) -> None:
    one, other = stack(), stack()

    routed(fleet(QUICK, QUICK), one, [CHAT])
    assert not any(mine is theirs for mine, theirs in zip(one, other, strict=True))


@each_of_models
def test_what_is_said_of_places_reaches_the_policy_that_asks(stack: Callable[..., list[Policy]]) -> None:
    near = stack(here="eu", rtt_s={("eu", "us"): 0.09})
    regions = next(policy for policy in near if isinstance(policy, Regions))
    assert (regions.here, regions.rtt_s["us", "eu"]) == ("eu", 0.09)


def test_the_times_of_a_stack_are_as_given() -> None:
    fallback, slots = stacks.interactive(start_within_s=0.5)[0], stacks.batch(max_wait_s=7.0)[-1]
    assert isinstance(fallback, Fallback)
    assert isinstance(slots, Slots)
    assert (fallback.start_within_s, slots.max_wait_s) == (0.5, 7.0)


def test_by_default_a_batch_has_patience_and_prefers_the_cheapest() -> None:
    fallback, retry, _, _, choice, slots = stacks.batch()
    assert isinstance(fallback, Fallback)
    assert isinstance(retry, Retry)
    assert isinstance(choice, LatencyBudget)
    assert isinstance(slots, Slots)
    assert (fallback.start_within_s, choice.prefer, slots.max_wait_s) == (60.0, Prefer.CHEAPEST, 120.0)
    assert "max_attempt_number=5" in repr(retry)


# -- when all is well


@each
def test_when_all_is_well_a_call_is_one_attempt_at_the_best_model(ask: Ask, stack: Stack) -> None:
    end = asked(ask, hello(), fleet(answers(0.25, "ok"), LATE), stack(), [CHAT])
    assert (end.answer.text, end.answer.model, end.at_s, len(end.answer.attempts)) == ("ok", "best", 0.25, 1)


def test_a_batch_goes_to_the_cheapest_that_makes_it(ask: Ask) -> None:
    endpoints = [
        endpoint(
            name, Scripted(answers(0.25)), profile=Profile(ttft_s=0.25), price_in_per_m=price, price_out_per_m=price
        )
        for name, price in {"dear": 9.0, "cheap": 1.0, "middling": 3.0}.items()
    ]
    assert asked(ask, hello(model="m"), endpoints, stacks.batch()).answer.endpoint == "cheap"


def test_a_late_call_is_asked_twice_by_the_interactive_stack_and_once_by_the_others() -> None:
    def attempts(stack: Stack) -> int:
        endpoints = [
            endpoint("late", Scripted(answers(5.0)), region="eu", slots=2, limits=UNLIMITED),
            endpoint("quick", Scripted(QUICK), region="us", slots=1, limits=UNLIMITED),
        ]

        async def main() -> Answer:
            async with routed(endpoints, stack()) as router:
                make_known(router, late=0.5, quick=0.5)
                busy = router.fleet["quick"].slots.acquire_over_limit()
                call = asyncio.create_task(router.complete(hello(model="m")))
                await asyncio.sleep(0.25)
                busy.release()
                return await call

        return len(run(main).attempts)

    assert [attempts(stack) for stack in ALL] == [2, 1, 1]


@each_of_models
def test_a_bound_route_keeps_to_its_region_though_all_in_it_fail(ask: Ask, stack: Stack) -> None:
    end = asked(ask, hello(), fleet(fails(0.25, ProviderError), fails(0.25, ProviderError)), stack(), [BOUND])
    assert {attempt.endpoint.region for attempt in end.error.attempts} == {"eu"}


def test_the_minimal_stack_knows_no_regions_so_a_bound_route_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Regions"):
        routed(fleet(QUICK, QUICK), stacks.minimal(), [BOUND])


# -- when a model is dead


@each
@pytest.mark.parametrize(
    "dead", [fails(0.0, ProviderError), fails(0.25, ProviderError), SILENT], ids=["at once", "soon", "silent"]
)
def test_when_a_model_is_dead_the_next_answers_if_there_is_who_asks_it(ask: Ask, stack: Stack, dead: Script) -> None:
    route = Route(name="chat", models=("best", "spare"), budget_s=120.0)
    end = asked(ask, hello(), fleet(dead, answers(0.25)), stack(), [route])
    if stack is not stacks.minimal:
        assert end.answer.model == "spare"
    elif dead is SILENT:
        assert isinstance(end.error, DeadlineExceeded)  # it has no patience of its own
    else:
        assert end.answer.model == "spare"  # to it they are four endpoints that are alike


@each
def test_when_all_is_dead_one_error_says_so_and_the_attempts_are_bounded(ask: Ask, stack: Stack) -> None:
    dead = fails(0.25, ProviderError)
    end = asked(ask, hello(budget_s=60.0), fleet(dead, dead), stack(), [CHAT])
    assert isinstance(end.error, EveryModelFailed if stack in OF_MODELS else ProviderError)
    assert len(end.error.attempts) == TRIES[stack.__name__]
    assert end.at_s <= 60.0


@each
@pytest.mark.parametrize("dead", [fails(0.125, ProviderError), SILENT], ids=["fails", "silent"])
def test_however_many_calls_fail_the_extra_attempts_are_the_budgets(stack: Stack, dead: Script) -> None:
    """Nobody answers, so nothing pays for retries: there is the reserve of ten, once every ten seconds."""
    calls, every_s = 400, 1 / 8

    async def main() -> tuple[int, float]:
        async with routed(fleet(dead, dead), stack(), [CHAT]) as router:
            ends = await at_a_steady_rate(whole, router, hello(budget_s=8.0), calls, every_s=every_s)
        return sum(len(end.error.attempts) for end in ends), virtual_clock()

    attempts, ended_s = run(main)
    assert attempts <= calls + 10 * (ended_s // 10 + 1)


def test_second_legs_too_are_within_the_budget_when_everybody_is_silent() -> None:
    """Three tries at two models, two legs each, would be twelve attempts a call (I12)."""
    calls = 400

    async def main() -> tuple[int, int, float]:
        async with routed(fleet(SILENT, SILENT), stacks.interactive(), [CHAT]) as router:
            make_known(router, **{target.name: 0.5 for target in router.fleet})
            ends = await at_a_steady_rate(in_pieces, router, hello(budget_s=8.0), calls, every_s=1 / 8)
        attempts = [attempt for end in ends for attempt in end.error.attempts]
        return len(attempts), sum(attempt.hedge for attempt in attempts), virtual_clock()

    attempts, second_legs, ended_s = run(main)
    assert second_legs > 0
    assert attempts <= 1.1 * calls + 10 * (ended_s // 10 + 1)


# -- when all is full


@each
def test_when_all_is_full_for_good_a_call_is_shed_and_nothing_is_sent(ask: Ask, stack: Stack) -> None:
    providers = fleet(QUICK, QUICK, slots=1)

    async def main() -> Told:
        async with routed(providers, stack(), [CHAT]) as router:
            for target in router.fleet:
                target.slots.acquire_over_limit()
            return await told(ask, router, hello(budget_s=300.0))

    end = run(main)
    failures = (
        [failure for _, failure in end.error.failures] if isinstance(end.error, EveryModelFailed) else [end.error]
    )
    assert [failure.rule for failure in failures if isinstance(failure, Overloaded)] == [Shed.IN_VAIN] * len(failures)
    assert end.at_s == WAITS_S[stack.__name__]
    assert end.error.attempts == []


@each
def test_a_slot_that_comes_free_in_time_is_used(ask: Ask, stack: Stack) -> None:
    async def main() -> Told:
        async with routed(fleet(QUICK, QUICK, slots=1), stack(), [CHAT]) as router:
            busy = [target.slots.acquire_over_limit() for target in router.fleet]
            call = asyncio.create_task(told(ask, router, hello()))
            await anyio.sleep(1.0)
            for lease in busy:
                lease.release()
            return await call

    end = run(main)
    assert (end.answer.text, end.at_s) == ("quick", 1.25)


@each
def test_ten_times_as_many_calls_as_it_bears_are_answered_as_far_as_it_bears(stack: Stack) -> None:
    """Two endpoints of each model, four slots each, half a second a call: 16 (or 32) calls a second are borne."""
    calls = 600

    async def main() -> tuple[list[Told], Router]:
        async with routed(fleet(answers(0.5), answers(0.5), slots=4), stack(), [CHAT]) as router:
            ends = await at_a_steady_rate(in_pieces, router, hello(budget_s=4.0), calls, every_s=1 / 256)
        return ends, router

    ends, router = run(main)
    served = sum(not isinstance(end.given, CallError) for end in ends)
    assert served >= 32
    assert all(
        isinstance(end.given, AttemptFailed | DeadlineExceeded | EveryModelFailed | NoEndpoint)
        for end in ends
        if isinstance(end.given, CallError)
    )
    assert all((target.in_flight, target.slots.waiting) == (0, 0) for target in router.fleet)


# -- one deadline


@settings(max_examples=60)
@given(
    stack=st.sampled_from(ALL),
    quarters=st.integers(1, 40),
    full=st.booleans(),
    known=st.booleans(),
    way=st.sampled_from([whole, in_pieces]),
)
def test_whatever_is_silent_or_full_no_call_outlives_its_deadline(
    stack: Stack, quarters: int, full: object, known: object, way: Ask
) -> None:
    budget_s = quarters / 4

    async def main() -> Told:
        async with routed(fleet(SILENT, SILENT, slots=2), stack(), [CHAT]) as router:
            if known:
                make_known(router, **{target.name: 0.5 for target in router.fleet})
            for target in router.fleet:
                if full:
                    target.slots.acquire_over_limit(2)
            return await told(way, router, hello(budget_s=budget_s))

    end = run(main)
    assert end.at_s <= budget_s
    if not full and not known:
        assert end.at_s == budget_s
        assert isinstance(end.error, DeadlineExceeded | EveryModelFailed)
