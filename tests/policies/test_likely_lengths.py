"""How long an answer is reckoned with: as the caller says, as the route's answers have been, or as most are."""

from __future__ import annotations

import pytest

from paceline.policies.expectation import likely_lengths
from paceline.router import Call, Chunk, Priority, Request, Route, Usage
from paceline.router.request import DEFAULT_EXPECTED_TOKENS
from paceline.router.testing import Say, Script, Scripted, endpoint, run, virtual_clock

from .asking import hello, pushed, routed
from .between import Seen

HABIT = (20, 60, 100, 140, 180)
"""Middles of five parts of answers of 2 to 200 tokens."""


def lengths_of(request: Request, *, route: Route | None = None, habit: bool = False) -> tuple[int, ...]:
    """What a call of this request is reckoned to give. *habit*: the route has given a hundred answers."""
    seen = Seen()

    async def main() -> tuple[int, ...]:
        async with routed([endpoint("a", Scripted())], [seen], [route or Route(name="chat", models="m")]) as router:
            if habit:
                for tokens in range(2, 202, 2):
                    router.fleet.lengths["chat"].record(tokens, virtual_clock(), cut_off=False)
            await pushed(router, request)
        call: Call = seen.calls[0]
        return likely_lengths(call, request.priority or call.route.priority, virtual_clock())

    return run(main)


def test_as_the_caller_says() -> None:
    assert lengths_of(hello(expected_tokens=300), habit=True) == (300,)


def test_as_the_routes_answers_have_been() -> None:
    assert lengths_of(hello(), habit=True) == HABIT


def test_as_most_answers_are_where_nothing_is_known() -> None:
    assert lengths_of(hello()) == (DEFAULT_EXPECTED_TOKENS,)


@pytest.mark.parametrize("habit", [False, True])
def test_as_long_as_is_allowed_for_a_call_that_is_after_throughput(*, habit: bool) -> None:
    assert lengths_of(hello(priority=Priority.THROUGHPUT, max_tokens=2000), habit=habit) == (2000,)


def test_after_throughput_without_a_cap_the_habit_stands() -> None:
    assert lengths_of(hello(priority=Priority.THROUGHPUT), habit=True) == HABIT


@pytest.mark.parametrize(
    ("request_", "habit", "capped"),
    [
        pytest.param(hello(max_tokens=110), True, (20, 60, 100, 110, 110), id="habit"),
        pytest.param(hello(max_tokens=100), False, (100,), id="default"),
        pytest.param(hello(max_tokens=100, expected_tokens=300), False, (100,), id="callers word"),
        pytest.param(hello(max_tokens=4000), True, HABIT, id="a cap alone says little"),
        pytest.param(hello(max_tokens=4000), False, (DEFAULT_EXPECTED_TOKENS,), id="a cap far away"),
    ],
)
def test_never_longer_than_the_cap(request_: Request, capped: tuple[int, ...], *, habit: bool) -> None:
    assert lengths_of(request_, habit=habit) == capped


def test_the_routes_own_cap_holds_too() -> None:
    assert lengths_of(hello(), route=Route(name="chat", models="m", max_tokens=50), habit=True) == (20, 50, 50, 50, 50)


def ended(reason: str, tokens: int) -> Script:
    return (Say(0.25, Chunk("a")), Say(0.25, Chunk(finish_reason=reason, usage=Usage(output_tokens=tokens))))


@pytest.mark.parametrize(("reason", "likely"), [("stop", (10, 10, 10, 20, 20)), ("length", (20,) * 5)])
def test_an_answer_that_was_cut_at_its_cap_would_have_been_longer(reason: str, likely: tuple[int, ...]) -> None:
    provider = Scripted(*[ended("stop", 20)] * 30, *[ended(reason, 10)] * 30)

    async def main() -> tuple[int, ...] | None:
        async with routed([endpoint("a", provider)], [], [Route(name="chat", models="m")]) as router:
            for _ in range(60):
                await pushed(router, hello(route="chat"))
            return router.fleet.lengths["chat"].likely(virtual_clock())

    assert run(main) == likely
