"""`Slots` with every balancer: whoever picks, the unknown get few calls, and who fails gets none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.policies import (
    Balancer,
    HotCold,
    InTurn,
    LeastLoaded,
    PeakEwma,
    PowerOfTwo,
    Regions,
    Slots,
    Weighted,
)
from paceline.router.errors import ConfigurationError, ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails, run

from .asking import Ask, at_a_steady_rate, hello, routed, served
from .changing import Changing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paceline.router import Call, Target

M = hello(model="m")
WELL = answers(0.25)
MAKERS: list[Callable[[], Balancer]] = [
    PowerOfTwo,
    PeakEwma,
    LeastLoaded,
    HotCold,
    InTurn,
    lambda: Weighted(weights={"a": 1.0}),
]
every_balancer = pytest.mark.parametrize(
    "make", MAKERS, ids=["power of two", "peak ewma", "least loaded", "hot cold", "in turn", "weighted"]
)


def test_the_default_is_the_power_of_two() -> None:
    assert Slots().balancer == PowerOfTwo()


@every_balancer
def test_a_balancer_can_be_told_from_what_is_none(make: Callable[[], Balancer]) -> None:
    assert isinstance(make(), Balancer)


@pytest.mark.parametrize("wrong", ["power_of_two", PowerOfTwo, None])
def test_what_is_no_balancer_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="Slots: balancer"):
        Slots(balancer=wrong)  # type: ignore[arg-type]


@every_balancer
def test_one_probe_at_a_time_finds_out_about_the_unknown(make: Callable[[], Balancer], ask: Ask) -> None:
    known, new = Scripted(WELL), Scripted(answers(7.0))

    async def main() -> None:
        endpoints = [endpoint("a", known, region="eu"), endpoint("new", new, region="us")]
        async with routed(endpoints, [Regions(), Slots(balancer=make())]) as router:
            await ask(router, hello(model="m", residency={"eu"}))
            await at_a_steady_rate(ask, router, M, 27, every_s=0.25)

    run(main)
    assert new.calls == 1


@every_balancer
def test_who_begins_to_fail_at_once_gets_next_to_nothing_from_then_on(make: Callable[[], Balancer], ask: Ask) -> None:
    bad = Changing((0.0, WELL), (20.0, fails(1 / 1024, ProviderError)))
    endpoints = [endpoint("a", bad), endpoint("b", Scripted(WELL)), endpoint("c", Scripted(WELL))]

    async def main() -> None:
        async with routed(endpoints, [Slots(balancer=make())]) as router:
            await at_a_steady_rate(ask, router, hello(model="m", budget_s=8.0), 8 * 60, every_s=0.125)

    run(main)
    assert bad.calls_between(20.0, 60.0) < 0.25 * 8 * 40 / 3


@every_balancer
def test_never_more_calls_are_under_way_than_there_are_slots(make: Callable[[], Balancer], ask: Ask) -> None:
    a, b = Scripted(WELL), Scripted(answers(0.5))

    async def main() -> dict[str, int]:
        endpoints = [endpoint("a", a, slots=3), endpoint("b", b, slots=2)]
        async with routed(endpoints, [Slots(balancer=make(), max_wait_s=60.0)]) as router:
            return served(await at_a_steady_rate(ask, router, M, 60, every_s=0.0))

    assert sum(run(main).values()) == 60
    assert (a.most_live, b.most_live) == (3, 2)


class First:
    """The simplest of balancers: whoever stands first. Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        self.asked.append([target.name for target in targets])
        return targets[0]


def test_a_balancer_of_ones_own_is_asked_of_the_tied_and_then_of_those_that_can(ask: Ask) -> None:
    first = First()

    async def main() -> dict[str, int]:
        endpoints = [endpoint(name, Scripted(WELL), slots=1) for name in "abc"]
        async with routed(endpoints, [Slots(balancer=first)]) as router:
            return served(await at_a_steady_rate(ask, router, M, 3, every_s=0.0))

    assert run(main) == {"a": 1, "b": 1, "c": 1}
    assert first.asked == [["a", "b", "c"], ["a", "b", "c"], ["b", "c"], ["a", "b", "c"], ["c"]]
