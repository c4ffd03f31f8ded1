"""Old knowledge is refreshed, and only calls that can afford it pay for that."""

import pytest

from paceline.policies import LatencyBudget, Slots
from paceline.router import Objective, Priority, Profile, Route
from paceline.router.testing import answers, endpoint, run

from .asking import Told, at_a_steady_rate, hello, in_pieces, routed
from .changing import Changing

WELL, SLOW, QUICK = answers(0.5), answers(2.5), answers(0.25)
HEALED_S = 30.0
EVERY_S = 0.5
PROFILE = Profile(ttft_s=0.5)


def served(explore_after_s: float | None, promised_s: float) -> list[Told]:
    """A minute of calls to ``steady`` and to ``healed``, which is slow for 30 s and then the faster one."""
    providers = {"steady": Changing((0.0, WELL)), "healed": Changing((0.0, SLOW), (HEALED_S, QUICK))}
    endpoints = [endpoint(name, provider, profile=PROFILE) for name, provider in providers.items()]
    route = Route(name="chat", models="m", priority=Priority.TTFT, objective=Objective(ttft_s=promised_s))

    async def main() -> list[Told]:
        policies = [LatencyBudget(explore_after_s=explore_after_s), Slots()]
        async with routed(endpoints, policies, [route]) as router:
            return await at_a_steady_rate(in_pieces, router, hello(), 120, every_s=EVERY_S)

    return run(main)


def first_use_after_healing(ends: list[Told]) -> float | None:
    for number, end in enumerate(ends):
        if number * EVERY_S >= HEALED_S and end.answer.endpoint == "healed":
            return number * EVERY_S
    return None


def test_calls_with_time_to_spare_find_out_that_an_endpoint_has_healed() -> None:
    found_s = first_use_after_healing(served(explore_after_s=10.0, promised_s=8.0))

    assert found_s is not None
    assert found_s <= HEALED_S + 10.0 + 2 * EVERY_S


def test_what_has_healed_is_used_as_soon_as_it_was_found_out() -> None:
    late = served(explore_after_s=10.0, promised_s=8.0)[-20:]

    assert [end.answer.endpoint for end in late].count("healed") >= 15


def test_without_exploration_nobody_finds_out_before_the_window_has_passed() -> None:
    assert first_use_after_healing(served(explore_after_s=None, promised_s=8.0)) is None


def test_a_call_in_a_hurry_never_pays_for_knowledge() -> None:
    assert first_use_after_healing(served(explore_after_s=10.0, promised_s=1.0)) is None


@pytest.mark.parametrize("promised_s", [1.0, 8.0])
def test_exploring_costs_no_call_its_promise(promised_s: float) -> None:
    ends = served(explore_after_s=10.0, promised_s=promised_s)[40:]

    assert all(end.answer.ttft_s is not None and end.answer.ttft_s <= promised_s for end in ends)


def test_an_endpoint_is_tried_by_one_call_at_a_time_and_the_decision_says_why() -> None:
    ends = served(explore_after_s=10.0, promised_s=8.0)

    told = [decision.reason for end in ends for decision in end.answer.decisions if decision.by == "LatencyBudget"]
    assert 1 <= sum("tries healed" in reason for reason in told) <= 9
