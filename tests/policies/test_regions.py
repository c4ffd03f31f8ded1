"""`Regions`: the order of places. Who may not be asked at all is in test_residency.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.policies import Regions, Slots
from paceline.router.errors import ConfigurationError, NoEndpoint
from paceline.router.testing import SILENT, Script, Scripted, answers, endpoint, run

from .asking import Ask, asked, at_a_steady_rate, hello, routed
from .between import Seen, nobody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paceline.router import Call, Emit, Endpoint

M = hello(model="m")
FROM_EU = hello(model="m", location="eu")


class Connecting(Scripted):
    """A provider that has to open a connection for every call."""

    def __init__(self, connect_s: float, *scripts: Script) -> None:
        super().__init__(*scripts)
        self._connect_s = connect_s

    async def __call__(self, call: Call, emit: Emit) -> None:
        assert call.attempt is not None
        call.attempt.connect_s = self._connect_s
        await super().__call__(call, emit)


def in_regions(*regions: str) -> list[Endpoint]:
    return [endpoint(region, Scripted(), region=region) for region in regions]


def order(ask: Ask, regions: Regions, endpoints: list[Endpoint]) -> Seen:
    seen = Seen()
    asked(ask, FROM_EU, endpoints, [regions, seen])
    return seen


def test_the_nearest_region_comes_first(ask: Ask) -> None:
    rtt_s = {("eu", "us"): 0.08, ("eu", "asia"): 0.2}
    seen = order(ask, Regions(rtt_s=rtt_s), in_regions("asia", "us", "eu"))
    assert (seen.order, seen.tied) == (["eu", "us", "asia"], {"eu"})


def test_a_round_trip_is_as_long_either_way(ask: Ask) -> None:
    rtt_s = {("us", "eu"): 0.08, ("asia", "eu"): 0.2}
    assert order(ask, Regions(rtt_s=rtt_s), in_regions("asia", "us")).order == ["us", "asia"]


def test_a_round_trip_that_is_given_both_ways_is_taken_as_given(ask: Ask) -> None:
    rtt_s = {("eu", "us"): 0.08, ("us", "eu"): 0.3, ("eu", "asia"): 0.2}
    assert order(ask, Regions(rtt_s=rtt_s), in_regions("asia", "us")).order == ["us", "asia"]


def test_regions_that_cost_about_the_same_are_tied(ask: Ask) -> None:
    rtt_s = {("eu", "a"): 0.095, ("eu", "b"): 0.12, ("eu", "c"): 0.121}  # costs of 100, 125 and 126 ms
    seen = order(ask, Regions(rtt_s=rtt_s), in_regions("c", "b", "a"))
    assert (seen.order, seen.tied) == (["a", "b", "c"], {"a", "b"})


def test_how_much_is_about_the_same_can_be_said(ask: Ask) -> None:
    rtt_s = {("eu", "a"): 0.095, ("eu", "b"): 0.12}
    assert order(ask, Regions(rtt_s=rtt_s, tied_within=0.0), in_regions("a", "b")).tied == {"a"}


def test_endpoints_of_one_region_are_tied(ask: Ask) -> None:
    endpoints = [endpoint(name, Scripted(), region=name[0]) for name in ("b1", "a1", "b2", "a2")]
    seen = order(ask, Regions(rtt_s={("eu", "a"): 0.1, ("eu", "b"): 0.2}), endpoints)
    assert (seen.order, seen.tied) == (["a1", "a2", "b1", "b2"], {"a1", "a2"})


def test_a_region_of_unknown_latency_stands_behind_the_known_ones(ask: Ask) -> None:
    seen = order(ask, Regions(rtt_s={("eu", "asia"): 0.2}), in_regions("unknown", "asia"))
    assert (seen.order, seen.tied) == (["asia", "unknown"], {"asia"})


def test_where_nothing_is_known_the_order_stays_and_all_are_tied(ask: Ask) -> None:
    seen = order(ask, Regions(), in_regions("b", "a"))
    assert (seen.order, seen.tied) == (["b", "a"], {"a", "b"})


def test_a_caller_who_does_not_say_where_he_is_is_where_the_router_is(ask: Ask) -> None:
    seen = Seen()
    rtt_s = {("us", "eu"): 0.08}
    asked(ask, M, in_regions("eu", "us"), [Regions(here="us", rtt_s=rtt_s), seen])
    assert seen.order == ["us", "eu"]


def test_what_is_measured_from_here_comes_to_outweigh_what_is_configured(ask: Ask) -> None:
    x, y = Connecting(0.1, answers(0.25)), Connecting(0.02, answers(0.25))
    endpoints = [endpoint("x", x, region="x"), endpoint("y", y, region="y")]
    regions = Regions(here="home", rtt_s={("home", "x"): 0.01, ("home", "y"): 0.05})

    async def main() -> list[str]:
        async with routed(endpoints, [regions]) as router:
            return [(await ask(router, M)).endpoint for _ in range(6)]

    assert run(main) == ["x", "x", "x", "y", "y", "y"]  # x seems as far as 10, then 32.5, 46 and at last 55 ms


def test_a_region_is_as_near_as_the_nearest_of_its_endpoints(ask: Ask) -> None:
    measured_s = {"x far": 0.1, "y": 0.05, "x near": 0.02}
    seen = Seen()

    async def main() -> None:
        endpoints = [endpoint(name, Scripted(), region=name[0]) for name in measured_s]
        async with routed(endpoints, [Regions(here="home"), seen]) as router:
            for name, network_s in measured_s.items():
                router.fleet[name].learned.network_s = network_s
            await ask(router, M)

    run(main)
    assert seen.order == ["x far", "x near", "y"]


def test_what_is_measured_from_here_says_nothing_of_elsewhere(ask: Ask) -> None:
    endpoints = [endpoint("x", Connecting(0.1, answers(0.25)), region="x"), endpoint("y", Scripted(), region="y")]
    regions = Regions(here="home", rtt_s={("there", "x"): 0.01, ("there", "y"): 0.05})

    async def main() -> list[str]:
        async with routed(endpoints, [regions]) as router:
            return [(await ask(router, hello(model="m", location="there"))).endpoint for _ in range(3)]

    assert run(main) == ["x", "x", "x"]


@pytest.mark.parametrize("first", ["near", "far"])
def test_what_is_measured_of_one_region_does_not_keep_the_others_unknown(ask: Ask, first: str) -> None:
    connect_s = {"near": 0.01, "far": 0.2}
    endpoints = [
        endpoint(region, Connecting(connect_s[region], answers(0.25)), region=region)
        for region in sorted(connect_s, key=lambda region: region != first)
    ]

    async def main() -> list[str]:
        async with routed(endpoints, [Regions(here="home"), Slots()]) as router:
            return [(await ask(router, M)).region for _ in range(20)]

    assert run(main)[-10:] == ["near"] * 10


def test_a_near_region_that_fills_up_yields_to_a_farther_one(ask: Ask) -> None:
    near, far = Scripted(SILENT), Scripted(SILENT)
    endpoints = [endpoint("near", near, region="eu", slots=10), endpoint("far", far, region="us")]
    # far costs 26.5 ms: more than the near 5 ms at a load of 80 % (25 ms), less than at 90 % (50 ms)
    regions = Regions(rtt_s={("eu", "us"): 0.0215})

    async def main() -> None:
        async with routed(endpoints, [regions]) as router:
            await at_a_steady_rate(ask, router, hello(model="m", location="eu", budget_s=8.0), 20, every_s=0.125)

    run(main)
    assert (near.calls, far.calls) == (9, 11)


@pytest.mark.parametrize(("rtt_s", "served"), [(0.3, ["near", "far"]), (0.6, ["near", "near"])])
def test_a_region_that_is_full_costs_a_hundred_times_as_much_and_no_more(
    ask: Ask, rtt_s: float, served: list[str]
) -> None:
    endpoints = [
        endpoint("near", Scripted(SILENT), region="eu", slots=1),
        endpoint("far", Scripted(SILENT), region="us"),
    ]

    async def main() -> list[str]:
        async with routed(endpoints, [Regions(rtt_s={("eu", "us"): rtt_s})]) as router:
            request = hello(model="m", location="eu", budget_s=8.0)
            ends = await at_a_steady_rate(ask, router, request, 2, every_s=0.125)
        return [end.error.attempts[0].endpoint.name if end.error.attempts else "" for end in ends]

    assert run(main) == served


def test_the_load_of_a_region_is_that_of_all_its_endpoints(ask: Ask) -> None:
    busy, idle = Scripted(SILENT), Scripted(SILENT)
    endpoints = [
        endpoint("busy", busy, region="eu", slots=1),
        endpoint("idle", idle, region="eu", slots=1),
        endpoint("far", Scripted(), region="us"),
    ]
    seen = Seen()
    regions = Regions(rtt_s={("eu", "us"): 0.007})  # 12 ms, and eu costs 5 ms idle, 10 ms half full

    async def main() -> None:
        async with routed(endpoints, [regions, seen]) as router:
            await at_a_steady_rate(ask, router, hello(model="m", location="eu", budget_s=8.0), 2, every_s=0.125)

    run(main)
    assert seen.order == ["busy", "idle", "far"]


def test_the_decision_says_which_region_and_why(ask: Ask) -> None:
    answer = asked(ask, FROM_EU, in_regions("eu", "us"), [Regions(rtt_s={("eu", "us"): 0.1})]).answer
    assert [decision.by for decision in answer.decisions] == ["Regions"]
    assert answer.decisions[0].reason.startswith("eu is ")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rtt_s": {("eu", "us"): -0.1}}, "rtt_s must be a number of at least 0"),
        ({"rtt_s": {("eu", "us"): float("nan")}}, "rtt_s must be a number of at least 0"),
        ({"rtt_s": {"eu": 0.1}}, "rtt_s must be seconds by .location, region., not by 'eu'"),
        ({"here": ""}, "here must be a non-empty string"),
        ({"tied_within": -0.1}, "tied_within must be a number of at least 0"),
        ({"sticky_users": -1}, "sticky_users must be a whole number of at least 0"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Regions(**wrong)  # type: ignore[arg-type]


def test_without_a_candidate_there_is_nothing_to_order(ask: Ask) -> None:
    assert isinstance(asked(ask, M, in_regions("eu"), [nobody, Regions()]).error, NoEndpoint)
