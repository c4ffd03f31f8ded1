"""An endpoint that has returned gets its traffic back little by little, and nobody loses a call by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from paceline.policies import Breaker, LatencyBudget, Regions, RoundRobin, Slots
from paceline.router.errors import QuotaExhausted
from paceline.router.testing import Scripted, answers, endpoint, run

from .ailing import REQUEST, WELL, attempted, fall_ill, several, watched
from .asking import Ask, at_a_steady_rate, routed, served, told
from .between import Seen

if TYPE_CHECKING:
    from paceline.router import Policy


@pytest.mark.parametrize(
    "inside", [[Slots()], [LatencyBudget(), Slots()], [RoundRobin()]], ids=["slots", "budget_and_slots", "round_robin"]
)
def test_one_that_returns_is_eased_in_whatever_stands_inside(ask: Ask, inside: list[Policy]) -> None:
    breaker = Breaker()

    async def main() -> list[float]:
        async with routed(several("abcd"), [breaker, *inside]) as router:
            fall_ill(watched(router, breaker), "a", error=lambda: QuotaExhausted("", retry_after_s=600.0))
            await anyio.sleep(600.0)
            attempted(router.fleet["a"])
            ends = await at_a_steady_rate(ask, router, REQUEST, 40 * 64, every_s=1 / 64)
        return [served(ends[64 * begin : 64 * (begin + 10)]).get("a", 0) / 640 for begin in (0, 10, 20, 30)]

    first, second, third, after = run(main)
    assert first < second < third
    assert first <= 2 * 0.18 * 0.25 + 0.01  # of ten seconds in which its weight is 0.18 on average
    assert third >= 0.7 * 0.25
    assert after == pytest.approx(0.25, rel=0.2)


def test_without_one_that_is_eased_in_the_others_keep_their_tie(ask: Ask) -> None:
    near, far = several("ab", region="eu"), several("cd", region="us")
    seen, breaker = Seen(), Breaker()

    async def main() -> set[tuple[str, int]]:
        regions = Regions(here="eu", rtt_s={("eu", "us"): 0.1})
        async with routed(near + far, [regions, breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "a")
            await anyio.sleep(5.0)
            attempted(router.fleet["a"])
            await at_a_steady_rate(ask, router, REQUEST, 50, every_s=1 / 64)
        return {("".join(target.name for target in call.candidates), call.tied) for call in seen.calls}

    assert run(main) == {("abcd", 2), ("bcd", 1)}


def test_those_that_return_together_share_the_calls_between_them(ask: Ask) -> None:
    breaker = Breaker()

    async def main() -> dict[str, int]:
        async with routed(several("ab"), [breaker, RoundRobin()]) as router:
            fall_ill(watched(router, breaker), "a", "b", error=lambda: QuotaExhausted("", retry_after_s=600.0))
            await anyio.sleep(600.0)
            for target in router.fleet:
                attempted(target)
            return served(await at_a_steady_rate(ask, router, REQUEST, 100, every_s=1 / 64))

    assert run(main) == {"a": 50, "b": 50}


def test_one_that_is_eased_in_elsewhere_is_no_concern_of_a_call(ask: Ask) -> None:
    breaker, seen = Breaker(), Seen()

    async def main() -> list[str]:
        async with routed([*several("ab"), *several("cd", model="n")], [breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "c")
            await anyio.sleep(10.0)
            attempted(router.fleet["c"])
            await told(ask, router, REQUEST)
        return seen.order

    assert run(main) == ["a", "b"]


def test_one_that_is_eased_in_takes_all_when_the_others_are_full(ask: Ask) -> None:
    endpoints = [endpoint("back", Scripted(WELL)), endpoint("full", Scripted(answers(60.0)), slots=1)]
    breaker = Breaker()

    async def main() -> dict[str, int]:
        async with routed(endpoints, [breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "back")
            await anyio.sleep(10.0)
            attempted(router.fleet["back"])
            router.fleet["full"].slots.acquire_over_limit()
            return served(await at_a_steady_rate(ask, router, REQUEST, 20, every_s=1 / 64))

    assert run(main) == {"back": 20}


def test_where_all_return_each_is_seen_as_often_as_its_weight_is_to_the_fullest(ask: Ask) -> None:
    """One is at a sixth and one at a half when they are looked at."""
    breaker, seen = Breaker(), Seen()

    async def main() -> None:
        async with routed(several("ab"), [breaker, seen, RoundRobin()]) as router:
            quota = 600.0
            fall_ill(watched(router, breaker), "a", "b", error=lambda: QuotaExhausted("", retry_after_s=quota))
            await anyio.sleep(quota)
            attempted(router.fleet["b"])
            await anyio.sleep(10.0)
            attempted(router.fleet["a"])
            await anyio.sleep(5.0)
            await at_a_steady_rate(ask, router, REQUEST, 300, every_s=1 / 1024)

    run(main)
    sees = [{target.name for target in call.candidates} for call in seen.calls]
    assert sum("a" in names for names in sees) / len(sees) == pytest.approx(1 / 3, abs=0.08)
    assert all("b" in names for names in sees)


def test_one_is_spared_as_long_as_somebody_else_has_room_and_the_decision_says_so(ask: Ask) -> None:
    endpoints = [*several("ab"), endpoint("full", Scripted(WELL), slots=1)]
    breaker = Breaker()

    async def main() -> list[str]:
        async with routed(endpoints, [breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "a")
            await anyio.sleep(10.0)
            attempted(router.fleet["a"])
            router.fleet["full"].slots.acquire_over_limit()
            ends = await at_a_steady_rate(ask, router, REQUEST, 20, every_s=1 / 64)
        return [decision.reason for end in ends for decision in end.answer.decisions if decision.by == "Breaker"]

    reasons = run(main)
    assert "spares a, to ease it in" in reasons
