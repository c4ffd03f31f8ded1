"""Residency: an endpoint outside the regions a call may use is never called, whatever fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, Slots
from paceline.router import Route
from paceline.router.errors import (
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    EveryModelFailed,
    ProviderError,
    RateLimited,
    ResidencyUnmet,
)
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, run

from .asking import Ask, asked, at_a_steady_rate, cut_after, hello, in_pieces, routed, whole

if TYPE_CHECKING:
    from paceline.router import Policy

CHAT = Route(name="chat", models=("best", "fast"), residency={"eu", "uk"})

FATES = st.sampled_from(
    [
        answers(0.25),
        cut_after(0.25, "half"),
        SILENT,
        fails(0.0, ProviderError),
        fails(0.25, RateLimited),
        fails(0.25, AuthenticationFailed),
        fails(0.25, BadRequest),
    ]
)
RTT_S = {("uk", "eu"): 0.01, ("uk", "us"): 0.08}
PLACES = st.sampled_from(["eu", "uk", "us", "asia"])


def test_the_first_attempt_stays_inside(ask: Ask) -> None:
    outside, inside = Scripted(), Scripted(answers(0.25, "here"))
    endpoints = [endpoint("o", outside, region="us"), endpoint("i", inside, region="eu")]
    assert asked(ask, hello(model="m", residency={"eu"}), endpoints, [Regions()]).answer.text == "here"
    assert outside.calls == 0


def test_where_all_are_inside_nothing_is_said_to_be_dropped(ask: Ask) -> None:
    inside = endpoint("i", Scripted(answers(0.25)), region="eu")
    answer = asked(ask, hello(model="m", residency={"eu", "uk"}), [inside], [Regions()]).answer
    assert "dropped" not in answer.story()


def test_a_retry_stays_inside(ask: Ask) -> None:
    outside, inside, other = Scripted(), Scripted(fails(0.25, ProviderError)), Scripted(answers(0.25, "here"))
    endpoints = [
        endpoint("i", inside, region="eu"),
        endpoint("o", outside, region="us"),
        endpoint("j", other, region="eu"),
    ]
    end = asked(ask, hello(model="m", residency={"eu"}), endpoints, [Retry(), Regions()])
    assert (end.answer.text, outside.calls) == ("here", 0)


def test_a_fallback_stays_inside(ask: Ask) -> None:
    best, outside, inside = Scripted(fails(0.25, ProviderError)), Scripted(), Scripted(answers(0.25, "here"))
    endpoints = [
        endpoint("b", best, model="best", region="eu"),
        endpoint("o", outside, model="fast", region="us"),
        endpoint("i", inside, model="fast", region="uk"),
    ]
    end = asked(ask, hello(), endpoints, [Fallback(), Regions()], [CHAT])
    assert (end.answer.text, outside.calls) == ("here", 0)


def test_a_call_that_finds_no_endpoint_inside_fails_with_nothing_sent(ask: Ask) -> None:
    outside = Scripted()
    endpoints = [endpoint("o", outside, region="us")]
    end = asked(ask, hello(model="m", residency={"eu"}), endpoints, [Retry(), Regions()])
    assert isinstance(end.error, ResidencyUnmet)
    assert (end.at_s, outside.calls) == (0.0, 0)
    assert "Regions: dropped what is in us" in str(end.error.decisions[0])


def test_a_fallback_that_would_lead_outside_is_an_error(ask: Ask) -> None:
    best, outside = Scripted(fails(0.25, ProviderError)), Scripted()
    endpoints = [endpoint("b", best, model="best", region="eu"), endpoint("o", outside, model="fast", region="us")]
    end = asked(ask, hello(), endpoints, [Fallback(), Regions()], [CHAT])
    assert isinstance(end.error, EveryModelFailed)
    assert [type(failure) for _, failure in end.error.failures] == [ProviderError, ResidencyUnmet]
    assert outside.calls == 0


def test_a_call_may_use_the_regions_that_both_request_and_route_allow(ask: Ask) -> None:
    providers = {region: Scripted(answers(0.25, region)) for region in ("us", "eu", "uk")}
    endpoints = [endpoint(region, provider, model="best", region=region) for region, provider in providers.items()]
    route = Route(name="chat", models="best", residency={"eu", "uk"})
    end = asked(ask, hello(residency={"us", "uk"}), endpoints, [Regions()], [route])
    assert end.answer.region == "uk"


def test_a_request_and_a_route_without_a_common_region_allow_none(ask: Ask) -> None:
    inside = Scripted()
    route = Route(name="chat", models="best", residency={"eu"})
    end = asked(ask, hello(residency={"us"}), [endpoint("i", inside, model="best", region="eu")], [Regions()], [route])
    assert isinstance(end.error, ResidencyUnmet)
    assert inside.calls == 0


def test_a_bound_route_without_regions_in_the_stack_cannot_be_built() -> None:
    endpoints = [endpoint("b", Scripted(), model="best", region="eu"), endpoint("f", Scripted(), model="fast")]
    with pytest.raises(ConfigurationError, match=r"put Regions\(\) into it"):
        routed(endpoints, [Fallback(), Retry()], [CHAT])


def test_a_bound_request_without_regions_in_the_stack_goes_nowhere(ask: Ask) -> None:
    outside, inside = Scripted(), Scripted()
    endpoints = [endpoint("o", outside, region="us"), endpoint("i", inside, region="eu")]
    end = asked(ask, hello(model="m", residency={"eu"}), endpoints, [Retry()])
    assert isinstance(end.error, ResidencyUnmet)
    assert (outside.calls, inside.calls) == (0, 0)


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Scripted]:
    """Providers by ``model region``, each with the fates of its calls."""
    cells = st.tuples(st.sampled_from(["best", "fast"]), PLACES)
    inside = draw(cells.map(lambda cell: (cell[0], "eu")))
    others = draw(st.lists(cells, max_size=6))
    return {
        f"{model} {region} {number}": Scripted(*draw(st.lists(FATES, min_size=1, max_size=2)))
        for number, (model, region) in enumerate([("best", "uk"), ("fast", "us"), inside, *others])
    }


@settings(max_examples=150)
@given(fleet=fleets(), asked_for=st.none() | st.frozensets(PLACES, min_size=1), location=st.none() | PLACES)
@pytest.mark.parametrize("way", [whole, in_pieces])
def test_whatever_fails_nothing_outside_is_ever_called(
    way: Ask, fleet: dict[str, Scripted], asked_for: frozenset[str] | None, location: str | None
) -> None:
    endpoints = [
        endpoint(name, provider, model=name.split()[0], region=name.split()[1], slots=1)
        for name, provider in fleet.items()
    ]
    policies: list[Policy] = [Fallback(), Retry(), Regions(here="uk", rtt_s=RTT_S), LatencyBudget(), Slots()]
    request = hello(residency=asked_for, location=location, user="ann", budget_s=8.0)

    async def main() -> None:
        async with routed(endpoints, policies, [CHAT]) as router:
            await at_a_steady_rate(way, router, request, 4, every_s=0.25)

    run(main)
    allowed = {"eu", "uk"} & (asked_for or {"eu", "uk"})
    assert {name for name, provider in fleet.items() if provider.calls and name.split()[1] not in allowed} == set()
