"""`Capacities`: ill at once, well again only when it is sure, and back in full only after a while."""

from __future__ import annotations

import pytest

from paceline.policies.health import Capacities
from paceline.router import Fleet, Target, WindowShape
from paceline.router.health.ejection import Ejection
from paceline.router.health.health import Health
from paceline.router.health.rules import HealthRules
from paceline.router.testing import Scripted, endpoint


def target() -> Target:
    fleet = Fleet([endpoint("a", Scripted())], [], lambda: 0.0, WindowShape())
    return fleet["a"]


def fail(target: Target, times: int, at_s: float) -> None:
    for _ in range(times):
        target.learned.recent.outcome(failed=True, now_s=at_s)


def test_an_endpoint_nothing_bad_is_known_of_can_take_all_of_its_share() -> None:
    assert Capacities().of(target(), 0.0) == 1.0


def test_three_failures_in_a_row_are_no_illness_and_four_are() -> None:
    capacities, it = Capacities(), target()

    fail(it, 3, at_s=0.0)
    before = capacities.of(it, 0.1)
    fail(it, 1, at_s=0.1)

    assert (before, capacities.of(it, 0.2)) == (1.0, 0.0)


def test_it_stays_ill_until_its_failures_are_nearly_forgotten() -> None:
    capacities, it = Capacities(), target()
    fail(it, 4, at_s=0.0)

    seen = [capacities.of(it, at_s) for at_s in (0.0, 5.0, 10.0, 17.0, 18.0)]  # 0.59 fades to below 0.1 in 17.8 s

    assert seen == [0.0, 0.0, 0.0, 0.0, 0.1]


def test_it_comes_back_slowly_and_then_is_as_ever() -> None:
    capacities, it = Capacities(), target()
    fail(it, 4, at_s=0.0)
    capacities.of(it, 0.0)

    seen = [capacities.of(it, at_s) for at_s in (20.0, 23.0, 26.0, 35.0, 50.0, 50.5)]

    assert seen == pytest.approx([0.1, 0.1, 0.2, 0.5, 1.0, 1.0])


def test_failures_while_it_comes_back_put_it_back_to_the_beginning() -> None:
    capacities, it = Capacities(), target()
    fail(it, 4, at_s=0.0)
    capacities.of(it, 0.0)
    capacities.of(it, 20.0)

    fail(it, 4, at_s=30.0)
    again = [capacities.of(it, at_s) for at_s in (30.0, 50.0, 56.0)]

    assert again == pytest.approx([0.0, 0.1, 0.2])


def test_one_failure_while_it_comes_back_does_not() -> None:
    capacities, it = Capacities(), target()
    fail(it, 4, at_s=0.0)
    capacities.of(it, 0.0)
    capacities.of(it, 20.0)

    fail(it, 1, at_s=30.0)

    assert capacities.of(it, 35.0) == pytest.approx(0.5)


def test_endpoints_are_judged_one_by_one() -> None:
    capacities, ill, well = Capacities(), target(), target()
    fail(ill, 4, at_s=0.0)

    assert (capacities.of(ill, 0.0), capacities.of(well, 0.0)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("pause", "seen"), [(False, [1.0, 0.0, 0.0, 0.1, 0.1]), (True, [1.0, 1.0, 1.0, 1.0, 1.0])], ids=["out", "pause"]
)
def test_one_that_is_ejected_takes_nothing_until_it_may_be_tried(*, pause: bool, seen: list[float]) -> None:
    capacities, it = Capacities(), target()
    it.health = Health(HealthRules())
    before = capacities.of(it, 0.0)

    it.health.ejection = Ejection(since_s=1.0, until_s=6.0, told=False, reason="r", why="w", pause=pause)

    assert [before, *(capacities.of(it, at_s) for at_s in (1.0, 5.9, 6.0, 6.1))] == pytest.approx(seen)
