"""`Regions` on a second try: it prefers what does not fail together with the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from paceline.policies import LatencyBudget, Regions, Retry, Slots
from paceline.router import Limits
from paceline.router.errors import ConnectFailed, ProviderError, ProviderOverloaded, ProviderTimeout, RateLimited
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, run

from .asking import Ask, Told, asked, hello, routed

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Endpoint, Handler
    from paceline.router.errors import AttemptFailed

HELLO = hello(model="m", budget_s=60.0)
WELL = answers(0.25)
NEAREST_FIRST = {("here", "near"): 0.01, ("here", "far"): 0.08, ("here", "farther"): 0.2}


def retried(ask: Ask, *endpoints: Endpoint) -> Told:
    return asked(ask, HELLO, endpoints, [Retry(), Regions(here="here", rtt_s=NEAREST_FIRST)])


def tried(end: Told) -> list[str]:
    """The endpoints that were asked, in order."""
    return [attempt.endpoint.name for attempt in end.answer.attempts]


def broken(vendor: str = "scripted", failure: type[AttemptFailed] = ProviderError) -> Scripted:
    return Scripted(fails(0.25, failure), name=vendor)


def well(vendor: str = "scripted") -> Scripted:
    return Scripted(WELL, name=vendor)


def test_a_domain_is_a_vendors_site_unless_the_endpoint_says_otherwise() -> None:
    assert endpoint("a", Scripted(name="openai"), region="eu").domain == "openai/eu"
    assert endpoint("a", Scripted(), domain="our gateway").domain == "our gateway"


@pytest.mark.parametrize("failure", [ConnectFailed, ProviderError, ProviderOverloaded, ProviderTimeout])
def test_a_retry_keeps_out_of_the_domain_that_failed(ask: Ask, failure: type[AttemptFailed]) -> None:
    end = retried(
        ask,
        endpoint("near", broken(failure=failure), region="near"),
        endpoint("near too", well(), region="near"),
        endpoint("far", well(), region="far"),
    )
    assert tried(end) == ["near", "far"]
    assert "Regions: keeps out of scripted/near, where this call met trouble or still waits" in end.answer.story()


def test_a_retry_keeps_out_of_the_domain_that_was_too_slow(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", Scripted(SILENT), region="near", limits=Limits(total_s=1.0)),
        endpoint("near too", well(), region="near"),
        endpoint("far", well(), region="far"),
    )
    assert tried(end) == ["near", "far"]


def test_a_spent_quota_is_nobody_elses_trouble(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", broken(failure=RateLimited), region="near"),
        endpoint("near too", well(), region="near"),
        endpoint("far", well(), region="far"),
    )
    assert tried(end) == ["near", "near too"]
    assert "keeps out" not in end.answer.story()


def test_another_vendor_in_the_same_region_is_another_domain(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", broken("one"), region="near"),
        endpoint("near too", well("other"), region="near"),
        endpoint("far", well("one"), region="far"),
    )
    assert tried(end) == ["near", "near too"]


def test_what_is_said_to_fail_together_is_one_domain_wherever_it_is(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", broken("one"), region="near", domain="our gateway"),
        endpoint("far", well("other"), region="far", domain="our gateway"),
        endpoint("farther", well(), region="farther"),
    )
    assert tried(end) == ["near", "farther"]


def test_trouble_with_two_vendors_in_a_region_is_taken_for_the_regions(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", broken("one"), region="near"),
        endpoint("near too", broken("other"), region="near"),
        endpoint("near three", well("third"), region="near"),
        endpoint("far", well("fourth"), region="far"),
    )
    assert tried(end) == ["near", "near too", "far"]


def test_trouble_of_a_vendor_in_two_regions_is_taken_for_the_vendors(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", broken("one"), region="near"),
        endpoint("far", broken("one"), region="far"),
        endpoint("farther", well("one"), region="farther"),
        endpoint("farthest", well("other"), region="farthest"),
    )
    assert tried(end) == ["near", "far", "farthest"]


def test_two_endpoints_of_one_domain_are_one_trouble(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", broken("one", RateLimited), region="near"),
        endpoint("near too", broken("one"), region="near"),
        endpoint("far", well("one"), region="far"),
        endpoint("near three", well("other"), region="near"),
    )
    assert tried(end) == ["near", "near too", "near three"]


def test_where_all_share_something_only_the_domains_are_kept_out_of(ask: Ask) -> None:
    end = retried(
        ask,
        endpoint("near", broken(), region="near"),
        endpoint("near too", well(), region="near"),
        endpoint("far", broken(), region="far"),
        endpoint("farther", well(), region="farther"),
    )
    assert tried(end) == ["near", "far", "farther"]


def test_where_there_is_no_other_domain_the_same_one_is_asked_again(ask: Ask) -> None:
    end = retried(ask, endpoint("near", broken(), region="near"), endpoint("near too", well(), region="near"))
    assert tried(end) == ["near", "near too"]
    assert "keeps out" not in end.answer.story()


def test_a_domain_that_is_not_good_enough_is_no_alternative(ask: Ask) -> None:
    endpoints = [
        endpoint("near", broken(), region="near", quality=1),
        endpoint("near too", well(), region="near", quality=1),
        endpoint("far", well(), region="far", quality=0),
    ]
    request = hello(model="m", min_quality=1, budget_s=60.0)
    policies = [Retry(), Regions(here="here", rtt_s=NEAREST_FIRST), LatencyBudget()]
    assert asked(ask, request, endpoints, policies).answer.endpoint == "near too"


class AfterASecond:
    """A second leg beside the first, if that is silent for a second; the first to answer wins."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async def leg(after_s: float) -> None:
            await anyio.sleep(after_s)
            await next(call, emit)
            race.cancel_scope.cancel()

        async with anyio.create_task_group() as race:
            race.start_soon(leg, 0.0)
            race.start_soon(leg, 1.0)


def test_a_second_leg_keeps_out_of_the_domain_where_the_first_still_waits(ask: Ask) -> None:
    endpoints = [
        endpoint("near", Scripted(SILENT), region="near"),
        endpoint("near too", well(), region="near"),
        endpoint("far", well(), region="far"),
    ]
    end = asked(ask, HELLO, endpoints, [AfterASecond(), Regions(here="here", rtt_s=NEAREST_FIRST)])
    assert (end.at_s, tried(end)) == (1.25, ["near", "far"])


def test_waiting_is_no_trouble_of_what_two_domains_share(ask: Ask) -> None:
    endpoints = [
        endpoint("near", Scripted(SILENT, name="one"), region="near"),
        endpoint("near too", well("other"), region="near"),
        endpoint("far", well("one"), region="far"),
    ]
    end = asked(ask, HELLO, endpoints, [AfterASecond(), Regions(here="here", rtt_s=NEAREST_FIRST)])
    assert tried(end) == ["near", "near too"]


def test_a_domain_without_room_is_no_alternative(ask: Ask) -> None:
    endpoints = [
        endpoint("near", Scripted(SILENT), region="near"),
        endpoint("near too", well(), region="near"),
        endpoint("far", well(), region="far", slots=1),
    ]
    policies = [AfterASecond(), Regions(here="here", rtt_s=NEAREST_FIRST), Slots()]

    async def main() -> list[str]:
        async with routed(endpoints, policies) as router:
            with router.fleet["far"].slots.acquire_over_limit():
                return [attempt.endpoint.region for attempt in (await ask(router, HELLO)).attempts]

    assert run(main) == ["near", "near"]
