"""`LatencyBudget` and `Slots` together: what they learn of an endpoint, how soon, and when they forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.policies import LatencyBudget, Slots
from paceline.router import Answer, Objective, Profile, Route
from paceline.router.testing import SILENT, Script, Scripted, answers, endpoint, run

from .asking import Ask, at_a_steady_rate, hello, routed
from .between import Seen
from .changing import Changing

if TYPE_CHECKING:
    from paceline.router import Endpoint

    from .asking import Told

CHAT = Route(name="chat", models="m", objective=Objective(ttft_s=0.75))
WELL = answers(0.25)
FIVE_TIMES_SLOWER = answers(1.25)
A_FEW = 4
"""Calls that an endpoint which has gone bad may get before it is noticed."""


def traffic(ask: Ask, endpoints: list[Endpoint], calls: int, *, every_s: float = 0.25) -> list[Told]:
    async def main() -> list[Told]:
        async with routed(endpoints, [LatencyBudget(), Slots()], [CHAT]) as router:
            return await at_a_steady_rate(ask, router, hello(budget_s=8.0), calls, every_s=every_s)

    return run(main)


def order_after(ask: Ask, endpoints: list[Endpoint], calls: int) -> list[str]:
    """Who is kept for the next call, after this many that were made one by one."""
    seen = Seen()

    async def main() -> None:
        async with routed(endpoints, [LatencyBudget(), seen, Slots()], [CHAT]) as router:
            for _ in range(calls + 1):
                await ask(router, hello())

    run(main)
    return seen.order


def test_what_was_measured_stands_alone_where_nothing_was_believed(ask: Ask) -> None:
    endpoints = [endpoint("slow", Scripted(FIVE_TIMES_SLOWER)), endpoint("quick", Scripted(WELL))]
    assert order_after(ask, endpoints, 2) == ["quick"]


def test_an_endpoint_that_is_slower_than_was_believed_is_found_out_within_a_few_calls(ask: Ask) -> None:
    boaster = Scripted(FIVE_TIMES_SLOWER)
    endpoints = [
        endpoint("boaster", boaster, profile=Profile(ttft_s=0.125)),
        endpoint("honest", Scripted(WELL), profile=Profile(ttft_s=0.25)),
    ]
    assert order_after(ask, endpoints, 20) == ["honest"]
    assert boaster.calls <= A_FEW


def test_an_endpoint_that_is_faster_than_was_believed_is_found_out_too(ask: Ask) -> None:
    endpoints = [endpoint("modest", Scripted(WELL), profile=Profile(ttft_s=1.25))]
    seen = Seen()

    async def main() -> Answer:
        async with routed(endpoints, [LatencyBudget(), seen], [CHAT]) as router:
            for _ in range(20):
                await ask(router, hello())
            return await ask(router, hello())

    assert run(main).decisions[0].reason == "1 of 1 can make 0.750 s, modest first"


def test_an_endpoint_that_answers_in_no_time_at_all_is_a_fast_one(ask: Ask) -> None:
    a, b = Scripted(answers(0.0)), Scripted(WELL)
    endpoints = [endpoint(name, provider, profile=Profile(ttft_s=0.25)) for name, provider in (("a", a), ("b", b))]
    assert order_after(ask, endpoints, 20)[0] == "a"


def test_an_endpoint_that_becomes_five_times_slower_is_left_within_a_few_calls(ask: Ask) -> None:
    a, b = Changing((0.0, WELL), (20.0, FIVE_TIMES_SLOWER)), Scripted(WELL)
    ends = traffic(ask, [endpoint("a", a), endpoint("b", b)], 400)
    assert a.calls_between(0.0, 20.0) > 20
    assert a.calls_between(20.0, 30.0) <= A_FEW
    assert all(end.answer.ttft_s in {0.25, 1.25} for end in ends)
    assert sum(end.answer.ttft_s == 0.25 for end in ends[80:]) >= 0.95 * len(ends[80:])


@pytest.mark.parametrize("every_s", [0.125, 0.5])
def test_an_endpoint_that_falls_silent_is_left_long_before_any_timeout(ask: Ask, every_s: float) -> None:
    a, b = Changing((0.0, WELL), (20.0, SILENT)), Scripted(WELL)
    traffic(ask, [endpoint("a", a), endpoint("b", b)], int(28.0 / every_s), every_s=every_s)
    assert a.calls_between(20.0, 28.0) <= A_FEW


def test_one_slow_answer_is_no_reason_to_leave(ask: Ask) -> None:
    a = Scripted(*[WELL] * 20, FIVE_TIMES_SLOWER, WELL)
    seen = Seen()

    async def main() -> None:
        async with routed(
            [endpoint("a", a), endpoint("b", Scripted(WELL))], [LatencyBudget(), seen, Slots()], [CHAT]
        ) as router:
            while a.calls < 24:
                await ask(router, hello())

    run(main)
    assert all(sorted(target.name for target in call.candidates) == ["a", "b"] for call in seen.calls)


@pytest.mark.parametrize("ill", [FIVE_TIMES_SLOWER, SILENT], ids=["slow", "silent"])
def test_an_endpoint_that_has_healed_is_used_again_when_the_window_has_passed(ask: Ask, ill: Script) -> None:
    a, b = Changing((0.0, WELL), (20.0, ill), (30.0, WELL)), Scripted(WELL)
    traffic(ask, [endpoint("a", a), endpoint("b", b)], 4 * 140)
    share = a.calls_between(110.0, 140.0) / (4 * 30)
    assert 0.4 < share < 0.6


def test_an_endpoint_that_stays_ill_is_only_asked_now_and_then(ask: Ask) -> None:
    a, b = Changing((0.0, WELL), (20.0, FIVE_TIMES_SLOWER)), Scripted(WELL)
    traffic(ask, [endpoint("a", a), endpoint("b", b)], 4 * 320)
    assert 1 <= a.calls_between(80.0, 320.0) <= 4 * 4  # four windows of a minute
