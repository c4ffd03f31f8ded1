"""Failing fast must not look fast (I23): an endpoint that fails in a millisecond attracts no traffic by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.policies import LatencyBudget, Slots
from paceline.router import Objective, Profile, Route
from paceline.router.errors import AuthenticationFailed, ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails, run

from .asking import Ask, at_a_steady_rate, hello, routed
from .changing import Changing

if TYPE_CHECKING:
    from paceline.router import Endpoint, Policy
    from paceline.router.errors import AttemptFailed

CHAT = Route(name="chat", models="m", objective=Objective(ttft_s=0.75))
WELL = answers(0.25)

both_stacks = pytest.mark.parametrize(
    "policies", [[Slots()], [LatencyBudget(), Slots()]], ids=["slots", "budget_and_slots"]
)


def calls_of(ask: Ask, endpoints: list[Endpoint], policies: list[Policy], calls: int) -> None:
    async def main() -> None:
        async with routed(endpoints, policies, [CHAT]) as router:
            await at_a_steady_rate(ask, router, hello(budget_s=8.0), calls, every_s=0.125)

    run(main)


@pytest.mark.parametrize("fault", [ProviderError, AuthenticationFailed])
@both_stacks
def test_one_that_has_always_failed_gets_no_more_than_its_share(
    ask: Ask, policies: list[Policy], fault: type[AttemptFailed]
) -> None:
    bad = Scripted(fails(1 / 1024, fault))
    calls_of(ask, [endpoint("a", bad), endpoint("b", Scripted(WELL)), endpoint("c", Scripted(WELL))], policies, 300)
    assert bad.calls <= 300 / 3


@both_stacks
def test_one_that_was_believed_to_be_fast_and_has_always_failed_gets_next_to_nothing(
    ask: Ask, policies: list[Policy]
) -> None:
    bad = Scripted(fails(1 / 1024, ProviderError))
    endpoints = [endpoint(name, Scripted(WELL), profile=Profile(ttft_s=0.25)) for name in "bc"]
    calls_of(ask, [endpoint("a", bad, profile=Profile(ttft_s=0.125)), *endpoints], policies, 300)
    assert bad.calls < 0.1 * 300 / 3


@both_stacks
def test_one_that_begins_to_fail_gets_next_to_nothing_from_then_on(ask: Ask, policies: list[Policy]) -> None:
    bad = Changing((0.0, WELL), (20.0, fails(1 / 1024, ProviderError)))
    calls_of(ask, [endpoint("a", bad), endpoint("b", Scripted(WELL)), endpoint("c", Scripted(WELL))], policies, 8 * 60)
    assert bad.calls_between(20.0, 60.0) < 0.1 * 8 * 40 / 3


def test_one_that_fails_every_other_call_gets_less_than_half_its_share(ask: Ask) -> None:
    bad = Scripted(*[WELL, fails(1 / 1024, ProviderError)] * 300)
    endpoints = [endpoint("a", bad), endpoint("b", Scripted(WELL)), endpoint("c", Scripted(WELL))]
    calls_of(ask, endpoints, [LatencyBudget(), Slots()], 300)
    assert bad.calls < 0.5 * 300 / 3


def test_one_that_has_stopped_failing_is_used_again(ask: Ask) -> None:
    bad = Changing((0.0, WELL), (20.0, fails(1 / 1024, ProviderError)), (30.0, WELL))
    calls_of(ask, [endpoint("a", bad), endpoint("b", Scripted(WELL))], [LatencyBudget(), Slots()], 8 * 120)
    assert bad.calls_between(90.0, 120.0) > 0.4 * 8 * 30
