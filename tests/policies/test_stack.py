"""All five policies together: what holds of the whole stack, whatever happens to the endpoints."""

from __future__ import annotations

import asyncio
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from tenacity import stop_after_attempt

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, RoundRobin, Slots
from paceline.router import Chunk, Profile, Route
from paceline.router.errors import EveryModelFailed, ImpossibleOrder, ProviderError, RateLimited
from paceline.router.testing import (
    Cut,
    Fail,
    Say,
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    run,
)

from .asking import Ask, asked, at_a_steady_rate, hello, in_a_second, in_pieces, pushed, routed, served, told, whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from paceline.router import Policy, Request, Router

CHAT = Route(name="chat", models=("best", "fast"))


def five() -> list[Policy]:
    return [Fallback(), Retry(), Regions(here="eu", rtt_s={("eu", "us"): 0.08}), LatencyBudget(), Slots()]


def test_describe_prints_the_stack_from_the_caller_inwards() -> None:
    router = routed([endpoint("a", Scripted(), model="best"), endpoint("b", Scripted(), model="fast")], five(), [CHAT])
    lines = router.describe().splitlines()
    assert [line.split()[0] for line in lines[1:8]] == [
        "Fallback",
        "Retry",
        "Regions",
        "LatencyBudget",
        "Slots",
        "dispatch",
        "extra",
    ]
    assert "Fallback(start_within_s=2.0)" in lines[1]
    assert "route chat: best > fast, fast means ttft" in lines


@pytest.mark.parametrize("left_out", [few for count in range(6) for few in combinations(range(5), count)], ids=str)
def test_any_layer_may_be_left_out(ask: Ask, left_out: tuple[int, ...]) -> None:
    policies = [policy for number, policy in enumerate(five()) if number not in left_out]
    answer = asked(ask, hello(model="m"), [endpoint("a", Scripted(answers(0.25, "ok")))], policies).answer
    assert answer.text == "ok"


@pytest.mark.parametrize(("outer", "inner"), list(combinations(range(5), 2)))
def test_no_two_layers_may_change_places(outer: int, inner: int) -> None:
    policies = five()
    with pytest.raises(ImpossibleOrder):
        routed([endpoint("a", Scripted())], [policies[inner], policies[outer]])


@pytest.mark.parametrize("second", [Slots(), RoundRobin()])
def test_two_that_take_a_slot_are_refused(second: Policy) -> None:
    with pytest.raises(ImpossibleOrder):
        routed([endpoint("a", Scripted())], [*five(), second])


@pytest.mark.parametrize("tries", [1, 3])
def test_when_everything_fails_there_are_as_many_attempts_as_models_times_tries(ask: Ask, tries: int) -> None:
    models = ("best", "fast", "spare")
    endpoints = [endpoint(f"{m}{n}", Scripted(fails(0.0, ProviderError)), model=m) for m in models for n in range(5)]
    policies = [Fallback(), Retry(stop=stop_after_attempt(tries)), *five()[2:]]
    end = asked(ask, hello(), endpoints, policies, [Route(name="chat", models=models)])
    assert isinstance(end.error, EveryModelFailed)
    assert len(end.error.attempts) == len(models) * tries


def test_the_answer_tells_the_whole_story(ask: Ask) -> None:
    endpoints = [
        endpoint("a", Scripted(fails(0.25, in_a_second)), model="best", region="eu"),
        endpoint("b", Scripted(fails(0.25, ProviderError)), model="best", region="us"),
        endpoint("c", Scripted(answers(0.25)), model="fast", region="eu"),
    ]
    policies = [Fallback(), Retry(stop=stop_after_attempt(2)), *five()[2:]]
    answer = asked(ask, hello(), endpoints, policies, [CHAT]).answer
    assert [decision.by for decision in answer.decisions] == [
        *["Regions", "LatencyBudget", "Slots"],
        *["Retry", "Regions", "LatencyBudget", "Slots"],
        *["Fallback", "Regions", "LatencyBudget", "Slots"],
    ]
    assert [attempt.endpoint.name for attempt in answer.attempts] == ["a", "b", "c"]
    assert (answer.retries, [left.model for left in answer.fallbacks]) == (("rate_limited",), ["best"])
    assert (answer.ttft_s, answer.total_s) == (0.75, 0.75)


def test_two_runs_with_one_seed_tell_the_same_story(ask: Ask) -> None:
    async def main() -> list[str]:
        bad = Scripted(answers(0.25), fails(0.125, ProviderError), answers(0.5), fails(0.25, RateLimited))
        endpoints = [endpoint(name, Scripted(answers(0.25)), model="best", slots=2) for name in "abc"]
        async with routed([*endpoints, endpoint("d", bad, model="fast")], five(), [CHAT]) as router:
            ends = await at_a_steady_rate(ask, router, hello(), 50, every_s=1 / 64)
        return [end.answer.story() for end in ends]

    assert run(main) == run(main)


@pytest.mark.parametrize("seed", range(4))
def test_a_user_comes_back_to_the_region_that_served_them(ask: Ask, seed: int) -> None:
    endpoints = [endpoint(region, Scripted(answers(0.25)), region=region) for region in ("eu", "uk", "ie", "fr")]
    near = {("eu", region): 0.001 for region in ("uk", "ie", "fr")}

    async def main() -> dict[str, int]:
        policies = [Fallback(), Retry(), Regions(here="eu", rtt_s=near), LatencyBudget(), Slots()]
        async with routed(endpoints, policies, seed=seed) as router:
            return served(await at_a_steady_rate(ask, router, hello(model="m", user="ann"), 8, every_s=1.0))

    assert list(run(main).values()) == [8]


def test_of_regions_that_can_all_make_it_the_nearest_is_asked(ask: Ask) -> None:
    quick = Profile(ttft_s=0.25)
    endpoints = [
        endpoint(region, Scripted(answers(0.25)), region=region, profile=quick) for region in ("asia", "us", "eu")
    ]
    rtt_s = {("eu", "us"): 0.08, ("eu", "asia"): 0.2}

    async def main() -> dict[str, int]:
        policies = [Fallback(), Retry(), Regions(here="eu", rtt_s=rtt_s), LatencyBudget(), Slots()]
        async with routed(endpoints, policies) as router:
            return served(await at_a_steady_rate(ask, router, hello(model="m"), 8, every_s=1.0))

    assert run(main) == {"eu": 8}


def test_the_nearest_of_equals_is_preferred_and_not_crowded(ask: Ask) -> None:
    held = answers(0.25, "begun", "done", gap_s=15.0)
    endpoints = [
        endpoint(name, Scripted(held), region=name[0], profile=Profile(ttft_s=0.25)) for name in ("n", "f1", "f2", "f3")
    ]

    async def main() -> dict[str, int]:
        policies = [Regions(here="n", rtt_s={("n", "f"): 0.1}), LatencyBudget(), Slots()]
        async with routed(endpoints, policies) as router:
            return served(await at_a_steady_rate(ask, router, hello(model="m"), 24, every_s=0.5))

    assert 24 / 4 < run(main)["n"] <= 24 / 2


HALF_AN_ANSWER = (Say(0.125, Chunk("half")), Say(0.25, Chunk("way")), Cut(0.375))
NOTHING_AFTER_ALL = (Say(0.125, Chunk()), Fail(0.375, in_a_second))


@pytest.mark.parametrize(
    ("way", "second_try"),
    [(whole, HALF_AN_ANSWER), (whole, NOTHING_AFTER_ALL), (in_pieces, NOTHING_AFTER_ALL), (pushed, NOTHING_AFTER_ALL)],
    ids=["whole_cut_short", "whole", "in_pieces", "pushed"],
)
def test_wherever_a_call_is_cancelled_nothing_is_left_behind(
    way: Callable[[Router, Request], Awaitable[object]], second_try: tuple[Say | Cut | Fail, ...]
) -> None:
    """The call fails, waits for a slot, fails half-way, backs off, fails and falls back."""
    left: list[tuple[Router, list[Scripted]]] = []

    async def scenario() -> None:
        a = Scripted(fails(0.25, ProviderError))
        b = Scripted(answers(1.0), second_try, fails(0.25, in_a_second))
        c = Scripted(answers(0.25, "one", "two", "three", gap_s=0.25))
        endpoints = [
            endpoint("a", a, model="best", region="eu"),
            endpoint("b", b, model="best", region="us", slots=1),
            endpoint("c", c, model="fast", region="eu", slots=1),
        ]
        policies = [Fallback(start_within_s=16.0), *five()[1:]]
        async with routed(endpoints, policies, [CHAT]) as router, asyncio.TaskGroup() as others:
            left.append((router, [a, b, c]))
            others.create_task(told(whole, router, hello(model="best", residency={"us"})))
            await asyncio.sleep(0.5)
            await way(router, hello())
            assert (a.calls + b.calls, c.calls) == (1 + 3, 1)

    def nothing_is_left(point: int) -> None:
        router, providers = left[-1]
        assert [provider.live for provider in providers] == [0, 0, 0], point
        assert [target.in_flight for target in router.fleet] == [0, 0, 0], point
        assert [target.slots.waiting for target in router.fleet] == [0, 0, 0], point

    assert cancel_everywhere(scenario, nothing_is_left) >= (3 if way is in_pieces else 6)
