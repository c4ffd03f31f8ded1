"""`LatencyBudget`: who is kept, and who is preferred. How it learns is in test_latency_budget_learns.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.policies import LatencyBudget, Otherwise, Prefer, Retry
from paceline.router import Objective, Profile, Route
from paceline.router.errors import ConfigurationError, DeadlineInsufficient, NoEndpoint, ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails

from .asking import Ask, Told, asked, hello
from .between import Seen, nobody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paceline.router import Endpoint

M = hello(model="m")
REFUSE = LatencyBudget(otherwise=Otherwise.REFUSE)


def promising(ttft_s: float, **fields: object) -> Route:
    """A route of model m that promises a first token within *ttft_s*."""
    return Route(name="chat", models="m", objective=Objective(ttft_s=ttft_s), **fields)  # type: ignore[arg-type]


def believed(**ttft_s: float) -> list[Endpoint]:
    """Endpoints by name, each believed to start after this median, and in 95 of 100 cases after 1.6 times that."""
    return [endpoint(name, Scripted(), profile=Profile(ttft_s=median_s)) for name, median_s in ttft_s.items()]


def judged(ask: Ask, budget: LatencyBudget, endpoints: list[Endpoint], route: Route, *, seed: int = 1) -> Seen:
    seen = Seen()
    asked(ask, hello(), endpoints, [budget, seen], [route], seed=seed).answer  # noqa: B018  raises what went wrong
    return seen


def test_those_that_can_make_it_are_kept_and_the_slow_are_dropped(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(), believed(slow=1.0, quick=0.25, tardy=0.5), promising(0.5))
    assert seen.order == ["quick"]


def test_where_the_end_is_promised_too_who_starts_soon_and_writes_slowly_is_dropped(ask: Ask) -> None:
    quick = endpoint("quick", Scripted(), profile=Profile(ttft_s=0.25, tokens_per_s=5.0))
    brisk = endpoint("brisk", Scripted(), profile=Profile(ttft_s=0.5, tokens_per_s=50.0))
    begins = Route(name="chat", models="m", objective=Objective(ttft_s=1.0))
    ends = Route(name="chat", models="m", objective=Objective(ttft_s=1.0, total_s=5.0))

    orders = [judged(ask, LatencyBudget(), [quick, brisk], route).order for route in (begins, ends)]

    assert orders == [["quick", "brisk"], ["brisk"]]


@pytest.mark.parametrize(("target", "kept"), [(0.5, ["a", "b", "c"]), (0.9, ["a", "b"]), (0.99, ["a"])])
def test_the_chance_an_endpoint_must_have_can_be_said(ask: Ask, target: float, kept: list[str]) -> None:
    # chances to start within 0.5 s: 99.2 %, 96.5 % and 73.6 %
    seen = judged(ask, LatencyBudget(target=target), believed(a=0.25, b=0.3, c=0.4375), promising(0.5))
    assert seen.order == kept


def test_the_fastest_comes_first_and_those_about_as_fast_are_tied(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(), believed(d=0.9, c=0.51, b=0.5, a=0.4), promising(10.0))
    assert (seen.order, seen.tied) == (["a", "b", "c", "d"], {"a", "b"})


def test_how_much_slower_is_about_as_fast_can_be_said(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(tied_within=0.0), believed(b=0.5, a=0.4), promising(10.0))
    assert seen.tied == {"a"}


def priced(*prices: float | None) -> list[Endpoint]:
    """Endpoints with these prices, each faster than the one before it."""
    return [
        endpoint(name, Scripted(), profile=Profile(ttft_s=ttft_s), price_in_per_m=price, price_out_per_m=price)
        for name, price, ttft_s in zip("abcd", prices, (1.0, 0.75, 0.5, 0.25), strict=False)
    ]


def test_the_cheapest_that_makes_it_can_be_preferred(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(prefer=Prefer.CHEAPEST), priced(0.5, 3.0, 1.0, 2.0), promising(1.25))
    assert (seen.order, seen.tied) == (["c", "d", "b"], {"c"})  # a is the cheapest, and too slow


def test_equal_prices_are_tied_and_an_unknown_one_stands_last(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(prefer=Prefer.CHEAPEST), priced(None, 3.0, 1.0, 1.0), promising(10.0))
    assert (seen.order, seen.tied) == (["c", "d", "b", "a"], {"c", "d"})


def test_prices_nobody_knows_are_no_reason_to_prefer_anyone(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(prefer=Prefer.CHEAPEST), priced(None, None), promising(10.0))
    assert seen.tied == {"a", "b"}


def of_quality(*tiers: int) -> list[Endpoint]:
    """Endpoints of these tiers, each faster than the one before it."""
    return [
        endpoint(name, Scripted(), profile=Profile(ttft_s=ttft_s), quality=tier)
        for name, tier, ttft_s in zip("abcd", tiers, (1.0, 0.75, 0.5, 0.25), strict=False)
    ]


def test_the_best_that_makes_it_can_be_preferred(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(prefer=Prefer.BEST), of_quality(9, 2, 3, 3), promising(1.25))
    assert (seen.order, seen.tied) == (["c", "d", "b"], {"c", "d"})  # a is the best, and too slow


@pytest.mark.parametrize(
    ("route_s", "request_s", "kept"), [(0, None, 4), (2, None, 3), (0, 3, 2), (2, 3, 2), (3, 2, 2), (3, 0, 2)]
)
def test_the_higher_of_the_routes_and_the_requests_quality_counts(
    ask: Ask, route_s: int, request_s: int | None, kept: int
) -> None:
    seen = Seen()
    route = promising(10.0, min_quality=route_s)
    asked(ask, hello(min_quality=request_s), of_quality(1, 2, 3, 4), [LatencyBudget(), seen], [route])
    assert len(seen.order) == kept


def test_a_quality_nobody_has_is_an_error_that_says_so(ask: Ask) -> None:
    end = asked(ask, hello(model="m", min_quality=5), of_quality(1, 2), [LatencyBudget()])
    assert isinstance(end.error, NoEndpoint)
    assert "no candidate has a quality of at least 5" in str(end.error)
    assert end.error.attempts == []


def test_if_none_can_make_it_the_best_chance_is_tried_first(ask: Ask) -> None:
    # chances to start within 0.5 s: 22 %, 21 %, 16 % and 0
    seen = judged(ask, LatencyBudget(), believed(d=9.0, c=0.665, b=0.63, a=0.625), promising(0.5))
    assert (seen.order, seen.tied) == (["b", "a", "c", "d"], {"a", "b"})


def test_if_none_has_a_chance_the_fastest_is_tried_first(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(), believed(c=4.0, a=2.0, b=2.25), promising(0.5))
    assert (seen.order, seen.tied) == (["a", "b", "c"], {"a", "b"})


def refused(ask: Ask, endpoints: list[Endpoint]) -> Told:
    return asked(ask, hello(), endpoints, [REFUSE], [promising(0.5)])


def test_if_none_can_make_it_the_call_can_be_refused_with_nothing_sent(ask: Ask) -> None:
    end = refused(ask, believed(a=0.5, b=2.0))
    assert isinstance(end.error, DeadlineInsufficient)
    assert (end.at_s, end.error.attempts) == (0.0, [])
    assert "no endpoint has a chance of 90% to answer within 0.500 s, the best has 50%" in str(end.error)


def test_nothing_is_refused_while_one_can_make_it(ask: Ask) -> None:
    assert refused(ask, believed(a=0.25, b=2.0)).answer.endpoint == "a"


def test_nothing_is_refused_while_something_may_yet_be_found_out(ask: Ask) -> None:
    assert refused(ask, [*believed(a=2.0), endpoint("new", Scripted())]).answer.endpoint == "new"


def test_an_endpoint_of_which_nothing_is_known_is_kept_for_a_probe_and_not_as_a_favourite(ask: Ask) -> None:
    endpoints = [endpoint("new", Scripted()), *believed(slow=9.0, quick=0.25, b=0.4)]
    seen = judged(ask, LatencyBudget(), endpoints, promising(0.75))
    assert (seen.order, seen.tied) == (["quick", "new", "b"], {"quick", "new"})


def test_where_nothing_is_known_all_are_tied(ask: Ask) -> None:
    seen = judged(ask, LatencyBudget(), [endpoint("b", Scripted()), endpoint("a", Scripted())], promising(0.5))
    assert (seen.order, seen.tied) == (["b", "a"], {"a", "b"})


@pytest.mark.parametrize(
    ("endpoints", "reason"),
    [
        (believed(slow=1.0, quick=0.25), "1 of 2 can make 0.500 s, quick first"),
        (believed(slow=1.0, slower=2.0), "none can make 0.500 s, the best chance is 0.01"),
        ([endpoint("new", Scripted())], "nothing is known yet of 1 endpoints"),
    ],
    ids=["kept", "best_effort", "unknown"],
)
def test_the_decision_has_its_reason(ask: Ask, endpoints: list[Endpoint], reason: str) -> None:
    answer = asked(ask, hello(), endpoints, [LatencyBudget()], [promising(0.5)]).answer
    assert [str(decision) for decision in answer.decisions] == [f"LatencyBudget: {reason}"]


MANY = believed(**{f"e{number}": 0.2 + number / 1000 for number in range(200)})


def test_of_very_many_endpoints_a_draw_is_judged_and_each_call_draws_anew(ask: Ask) -> None:
    tops = {judged(ask, LatencyBudget(), MANY, promising(0.75), seed=seed).order[0] for seed in range(20)}
    seen = judged(ask, LatencyBudget(), MANY, promising(0.75))

    assert len(seen.order) == 64
    assert len(tops) > 5
    assert all(int(name[1:]) < 25 for name in tops)  # the best of 64 drawn from 200


def test_where_more_than_speed_counts_all_are_judged(ask: Ask) -> None:
    for policy in (LatencyBudget(prefer=Prefer.CHEAPEST), LatencyBudget(otherwise=Otherwise.REFUSE)):
        assert len(judged(ask, policy, MANY, promising(0.75)).order) == 200


def test_a_call_that_is_late_already_goes_where_it_is_quickest_and_says_so(ask: Ask) -> None:
    quick = endpoint("quick", Scripted(fails(1.0, ProviderError), answers(0.25)), profile=Profile(ttft_s=0.25))
    slow = endpoint("slow", Scripted(answers(1.0)), profile=Profile(ttft_s=1.0))

    answer = asked(ask, hello(), [slow, quick], [Retry(), LatencyBudget()], [promising(0.5)]).answer

    assert "LatencyBudget: the objective was missed 0.500 s ago, so the quickest first: " in answer.story()


def test_without_a_candidate_there_is_nothing_to_judge(ask: Ask) -> None:
    assert isinstance(asked(ask, M, believed(a=0.25), [nobody, LatencyBudget()]).error, NoEndpoint)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"target": 0.0}, "target must be a share above 0"),
        ({"target": 1.5}, "target must be a share above 0 and up to 1"),
        ({"prefer": "fastest"}, "prefer must be Prefer, not str"),
        ({"otherwise": "refuse"}, "otherwise must be Otherwise, not str"),
        ({"tied_within": -0.25}, "tied_within must be a number of at least 0"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LatencyBudget(**wrong)  # type: ignore[arg-type]
