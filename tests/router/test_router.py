"""`Router`: what it admits, what it hands down, and how it describes itself."""

import asyncio
import random

import pytest

from paceline.policies import Regions, Slots
from paceline.router import Answer, Call, Emit, Handler, Priority, Request, Route, Router
from paceline.router.errors import (
    CallError,
    ConfigurationError,
    PolicyFailed,
    ProviderError,
    ResidencyUnmet,
    RouterClosed,
    UnknownRoute,
)
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, run, virtual_clock

from .stack import Ear, ask, full_stack, routed


class Probe:
    """Sees every call that passes."""

    def __init__(self) -> None:
        self.seen: list[Call] = []

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self.seen.append(call)
        await next(call, emit)


class AnswersItself:
    """Never calls next."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        call.note("AnswersItself", "keeps it")


class Broken:
    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        call.note("Broken", "about to fail")
        raise LookupError("a bug")


class BrokenGroup:
    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fail())

    async def _fail(self) -> None:
        raise ProviderError("one leg")


def test_the_three_ways_to_ask_give_the_same_answer() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted(answers(0.25, "a", "b"))), policies=full_stack()) as router:
            whole, ear = await router.complete(ask()), Ear()
            await router.send(ask(), ear)
            async with router.stream(ask()) as chunks:
                pulled = [chunk.text async for chunk in chunks]

        assert isinstance(whole, Answer)
        assert whole.text == ear.text == "".join(pulled) == "ab"

    run(main)


@pytest.mark.parametrize(
    ("asked_s", "route_s", "router_s", "expected_s"),
    [(1.0, 2.0, 3.0, 1.0), (None, 2.0, 3.0, 2.0), (None, None, 3.0, 3.0), (8.0, 2.0, 3.0, 8.0)],
)
def test_the_budget_is_the_requests_else_the_routes_else_the_routers(
    asked_s: float | None, route_s: float | None, router_s: float, expected_s: float
) -> None:
    async def main() -> None:
        a = endpoint("a", Scripted(SILENT))
        route = Route(name="chat", models=("m",), budget_s=route_s)
        async with Router([a], [route], budget_s=router_s, clock=virtual_clock) as router:
            await asyncio.sleep(0.5)
            with pytest.raises(CallError):
                await router.complete(Request(messages="hello", budget_s=asked_s))

            assert virtual_clock() == 0.5 + expected_s

    run(main)


@pytest.mark.parametrize("budget_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_that_is_no_time_is_refused(budget_s: float) -> None:
    with pytest.raises(ConfigurationError, match="Router: budget_s must be a number above 0"):
        Router([endpoint("a", Scripted())], budget_s=budget_s)


@pytest.mark.parametrize(
    ("asked", "routes", "allowed"),
    [(None, None, None), ({"eu"}, None, {"eu"}), (None, {"eu"}, {"eu"}), ({"eu", "us"}, {"eu", "ch"}, {"eu"})],
)
def test_a_call_may_use_the_regions_that_request_and_route_both_allow(
    asked: set[str] | None, routes: set[str] | None, allowed: set[str] | None
) -> None:
    async def main() -> None:
        probe = Probe()
        route = Route(name="chat", models=("m",), residency=None if routes is None else frozenset(routes))
        a = endpoint("a", Scripted(), region="eu")
        async with routed(a, routes=(route,), policies=[probe, Regions()]) as router:
            await router.complete(Request(messages="hello", residency=None if asked is None else frozenset(asked)))

        assert probe.seen[0].residency == allowed

    run(main)


def test_regions_that_have_none_in_common_are_told_before_anything_is_sent() -> None:
    async def main() -> None:
        provider = Scripted()
        route = Route(name="chat", models=("m",), residency=frozenset({"eu"}))
        async with routed(endpoint("a", provider, region="eu"), routes=(route,), policies=[Regions()]) as router:
            with pytest.raises(ResidencyUnmet, match="the request allows us and route 'chat' allows eu: no region"):
                await router.complete(Request(messages="hello", residency=frozenset({"us"})))

        assert provider.calls == 0

    run(main)


def test_outside_its_block_a_router_takes_no_call() -> None:
    async def main() -> None:
        router = routed(endpoint("a", Scripted()))

        with pytest.raises(RouterClosed, match="make calls inside 'async with router'"):
            await router.complete(ask())
        async with router:
            pass
        with pytest.raises(RouterClosed):
            await router.send(ask(), Ear())

    run(main)


def test_a_router_is_entered_once_at_a_time() -> None:
    async def main() -> None:
        router = routed(endpoint("a", Scripted()))
        async with router:
            with pytest.raises(RouterClosed, match="already open: enter it once"):
                await router.__aenter__()

        async with router:
            assert (await router.complete(ask())).text == "ok"

    run(main)


def test_a_bug_in_a_policy_is_told_as_one_with_its_cause_and_its_story() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted()), policies=[Broken()]) as router:
            with pytest.raises(PolicyFailed, match="a policy raised LookupError: see the cause") as caught:
                await router.complete(ask())

        assert isinstance(caught.value.__cause__, LookupError)
        assert [str(decision) for decision in caught.value.decisions] == ["Broken: about to fail"]

    run(main)


def test_a_bug_in_a_policy_is_told_as_one_to_who_is_sent_the_answer_too() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted()), policies=[Broken()]) as router:
            with pytest.raises(PolicyFailed):
                await router.send(ask(), Ear())

    run(main)


def test_no_group_of_errors_reaches_a_caller() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted()), policies=[BrokenGroup()]) as router:
            with pytest.raises(PolicyFailed) as caught:
                await router.complete(ask())

        assert isinstance(caught.value.__cause__, ExceptionGroup)

    run(main)


def test_a_policy_that_neither_answers_nor_raises_is_told_with_its_story() -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted()), policies=[AnswersItself()]) as router:
            with pytest.raises(PolicyFailed, match="a policy returned without an answer: it must call next") as caught:
                await router.complete(ask())

        assert [str(decision) for decision in caught.value.decisions] == ["AnswersItself: keeps it"]

    run(main)


def test_an_error_carries_every_attempt_and_every_decision() -> None:
    async def main() -> None:
        provider = Scripted(fails(0.25, ProviderError))
        targets = [endpoint(name, provider, slots=1) for name in "abc"]
        async with routed(*targets, policies=full_stack()) as router:
            with pytest.raises(CallError) as caught:
                await router.complete(ask())

        error = caught.value
        assert sorted(attempt.endpoint.name for attempt in error.attempts) == ["a", "b", "c"]
        assert {decision.by for decision in error.decisions} >= {"Retry", "LatencyBudget", "Slots"}

    run(main)


def test_two_routers_in_one_process_do_not_meet() -> None:
    async def main() -> None:
        a = endpoint("a", Scripted(answers(0.25)))
        async with routed(a) as one, routed(a) as other:
            await one.complete(ask())

            assert one.fleet["a"].learned.ttft.overall.samples(1.0) == 1
            assert other.fleet["a"].learned.ttft.overall.samples(1.0) == 0

    run(main)


def test_without_dice_and_clock_of_its_own_it_takes_real_ones() -> None:
    router = Router([endpoint("a", Scripted())])

    assert isinstance(router._dice, random.Random)
    assert router._clock() <= router._clock()


def test_it_describes_its_stack_its_routes_and_its_endpoints() -> None:
    router = routed(
        endpoint("a", Scripted(name="openai"), slots=4, region="eu", api_key="sk-hidden"),
        endpoint("b", Scripted(name="vertex"), model="n"),
        routes=(Route(name="chat", models=("m", "n"), priority=Priority.TOTAL),),
        policies=[Slots(max_wait_s=1.0)],
    )

    lines = router.describe().splitlines()

    assert lines[0].startswith("Router: 2 endpoints, budget 60 s")
    assert lines[1].split()[0] == "Slots"
    assert "max_wait_s=1.0" in lines[1]
    assert lines[2].split()[0] == "dispatch"
    assert lines[3].split()[:2] == ["extra", "attempts"]
    assert lines[4:] == [
        "route chat: m > n, fast means total",
        "endpoint a: m of openai in eu, 4 slots",
        "endpoint b: n of vertex in here, no slot limit",
    ]


@pytest.mark.parametrize("request_", [Request(messages="hello"), Request(messages="hello", route="nowhere")])
def test_what_cannot_be_admitted_is_refused_by_every_way_to_ask(request_: Request) -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted())) as router:
            with pytest.raises(UnknownRoute):
                await router.complete(request_)
            with pytest.raises(UnknownRoute):
                await router.send(request_, Ear())
            with pytest.raises(UnknownRoute):
                router.stream(request_)

    run(main)
