"""`RoundRobin`: each in turn, blind to everything else. The control the others are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paceline.policies import Regions, Retry, RoundRobin
from paceline.router import Route
from paceline.router.errors import NoEndpoint, ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails, run

from .asking import Ask, asked, at_a_steady_rate, hello, routed
from .between import nobody

if TYPE_CHECKING:
    from paceline.router import Endpoint, Policy

M = hello(model="m")


def three() -> list[Endpoint]:
    return [endpoint(name, Scripted(answers(0.25))) for name in "abc"]


def turns(ask: Ask, endpoints: list[Endpoint], policies: list[Policy], models: str, routes: list[Route]) -> str:
    """Who answers each of these calls, one after another."""

    async def main() -> str:
        async with routed(endpoints, policies, routes) as router:
            return "".join([(await ask(router, hello(route=route))).endpoint for route in models])

    return run(main)


def test_each_endpoint_has_its_turn(ask: Ask) -> None:
    assert turns(ask, three(), [RoundRobin()], "xxxxxxx", [Route(name="x", models="m")]) == "abcabca"


def test_each_route_has_turns_of_its_own(ask: Ask) -> None:
    routes = [Route(name="x", models="m"), Route(name="y", models="m")]
    assert turns(ask, three(), [RoundRobin()], "xyxyxy", routes) == "aabbcc"


def test_a_slow_endpoint_keeps_its_full_share(ask: Ask) -> None:
    slow = Scripted(answers(8.0))

    async def main() -> None:
        async with routed([endpoint("slow", slow), *three()], [RoundRobin()]) as router:
            await at_a_steady_rate(ask, router, M, 40, every_s=0.25)

    run(main)
    assert slow.calls == 10


def test_it_is_blind_to_load(ask: Ask) -> None:
    small = Scripted(answers(1.0))

    async def main() -> int:
        async with routed([endpoint("small", small, slots=1)], [RoundRobin()]) as router:
            await at_a_steady_rate(ask, router, M, 5, every_s=0.0)
            return router.fleet["small"].in_flight

    assert run(main) == 0
    assert small.most_live == 5


def test_a_retry_goes_to_the_next_of_those_not_tried(ask: Ask) -> None:
    bad = endpoint("bad", Scripted(fails(0.25, ProviderError)))
    answer = asked(ask, M, [bad, *three()], [Retry(), RoundRobin()]).answer
    assert [attempt.endpoint.name for attempt in answer.attempts] == ["bad", "b"]  # the second turn of a, b, c


def test_it_stays_among_the_candidates_it_is_given(ask: Ask) -> None:
    endpoints = [endpoint(region, Scripted(answers(0.25)), region=region) for region in ("eu", "us", "uk")]

    async def main() -> list[str]:
        async with routed(endpoints, [Regions(), RoundRobin()]) as router:
            return [(await ask(router, hello(model="m", residency={"us", "uk"}))).region for _ in range(4)]

    assert run(main) == ["us", "uk", "us", "uk"]


def test_the_decision_says_whose_turn_it_was(ask: Ask) -> None:
    answer = asked(ask, M, three(), [RoundRobin()]).answer
    assert [str(decision) for decision in answer.decisions] == ["RoundRobin: the turn of a"]


def test_without_a_candidate_nobody_has_a_turn(ask: Ask) -> None:
    assert isinstance(asked(ask, M, three(), [nobody, RoundRobin()]).error, NoEndpoint)
