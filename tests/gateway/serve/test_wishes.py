"""What a caller says in headers: read, bounded, or refused by its name."""

from __future__ import annotations

import asyncio

import pytest

from paceline.gateway.dialects.refused import Mistake
from paceline.gateway.serve.wishes import retries_so_far, with_wishes
from paceline.router import Priority, Request, Route, Urgency
from paceline.router.testing import Scripted, answers, endpoint

from .gateways import ASKED, serving


def request() -> Request:
    return Request(messages="x", model="m")


def test_a_request_without_wishes_is_left_as_it_is() -> None:
    given = request()

    assert with_wishes(given, {}) is given


def test_wishes_become_what_the_router_knows() -> None:
    wished = with_wishes(
        request(),
        {
            "x-paceline-budget-ms": "2500.5",
            "x-paceline-route": "chat",
            "x-paceline-priority": "TOTAL",
            "x-paceline-urgency": "background",
            "x-paceline-residency": " eu-west,eu-north ,",
            "x-paceline-location": "eu-west",
            "x-paceline-user": "u-1",
            "x-paceline-min-quality": "0",
            "x-paceline-expected-tokens": "300",
        },
    )

    assert wished.budget_s == 2.5005
    assert (wished.route, wished.model) == ("chat", "m")
    assert wished.priority is Priority.TOTAL
    assert wished.urgency is Urgency.BACKGROUND
    assert wished.residency == {"eu-west", "eu-north"}
    assert (wished.location, wished.user) == ("eu-west", "u-1")
    assert (wished.min_quality, wished.expected_tokens) == (0, 300)


def test_a_route_by_header_and_as_the_model_is_named_once() -> None:
    wished = with_wishes(Request(messages="x", model="chat"), {"x-paceline-route": "chat"})

    assert (wished.route, wished.model) == ("chat", None)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-paceline-budget-ms", "0"),
        ("x-paceline-budget-ms", "-5"),
        ("x-paceline-budget-ms", "nan"),
        ("x-paceline-budget-ms", "inf"),
        ("x-paceline-budget-ms", "soon"),
        ("x-paceline-budget-ms", "1e12"),
        ("x-paceline-priority", "fast"),
        ("x-paceline-urgency", ""),
        ("x-paceline-residency", ","),
        ("x-paceline-residency", ""),
        ("x-paceline-route", ""),
        ("x-paceline-user", "x" * 257),
        ("x-paceline-min-quality", "-1"),
        ("x-paceline-min-quality", "٣"),
        ("x-paceline-expected-tokens", "0"),
        ("x-paceline-expected-tokens", "9" * 5000),
    ],
)
def test_a_wish_that_cannot_be_read_is_refused_by_its_name(header: str, value: str) -> None:
    with pytest.raises(Mistake, match=header) as caught:
        with_wishes(request(), {header: value})
    assert caught.value.param == header


@pytest.mark.parametrize(("told", "count"), [("2", 2), ("0", 0), ("", None), ("many", None), ("9" * 9, None)])
def test_the_sdks_own_count_is_taken_where_it_is_one(told: str, count: int | None) -> None:
    assert retries_so_far({"x-stainless-retry-count": told}) == count


def test_a_budget_is_kept() -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(answers(60.0)))]) as scene:
            heard = await scene.ask(x_paceline_budget_ms="200")
            assert heard.status == 504
            assert heard.error["code"] == "deadline_exceeded"
            assert heard.headers["x-should-retry"] == "false"

    asyncio.run(main())


def test_a_wish_that_is_wrong_is_a_400_that_names_it() -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(answers(0.0)))]) as scene:
            heard = await scene.ask(x_paceline_priority="fastest")
            assert heard.status == 400
            assert heard.error["param"] == "x-paceline-priority"

    asyncio.run(main())


def test_regions_that_no_endpoint_lies_in_are_not_left() -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.0))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            heard = await scene.ask(x_paceline_residency="moon")
            assert heard.status == 400
            assert heard.error["code"] == "residency_unmet"
            assert vendor.calls == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("sdk_s", "budget_s", "most_s"),
    [("600", 8.0, 8.0), ("2", 8.0, 1.8), ("10", None, 9.75), ("nonsense", 8.0, 8.0), ("-1", 8.0, 8.0)],
)
def test_the_sdks_patience_only_ever_shortens_a_budget(sdk_s: str, budget_s: float | None, most_s: float) -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.0))
        routes = [Route(name="chat", models=("m",), budget_s=budget_s)]
        async with serving(endpoints=[endpoint("a", vendor)], routes=routes) as scene:
            await scene.ask({**ASKED, "model": "chat"}, x_stainless_read_timeout=sdk_s)
            (call,) = vendor.seen
            assert call.deadline_s - call.ledger.began_s == pytest.approx(most_s)

    asyncio.run(main())


def test_a_budget_that_was_asked_for_counts_more_than_the_sdks_patience() -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.0))
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            await scene.ask(x_stainless_timeout="2", x_paceline_budget_ms="5000")
            (call,) = vendor.seen
            assert call.deadline_s - call.ledger.began_s == pytest.approx(5.0)

    asyncio.run(main())
