"""The two jitters, drawn with seeded dice."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import AsyncRetrying, RetryCallState, wait_exponential, wait_fixed

from paceline.policies import DecorrelatedJitter, FullJitter, Jitter
from paceline.router.errors import ConfigurationError


def waits(jitter: Jitter, count: int, seed: int = 1) -> list[float]:
    state, dice, before_s = RetryCallState(AsyncRetrying(), None, (), {}), random.Random(seed), None
    drawn = list[float]()
    for _ in range(count):
        before_s = jitter.wait_s(state, before_s, dice)
        drawn.append(before_s)
        state.prepare_for_next_attempt()
    return drawn


def test_full_jitter_draws_below_a_doubling_ceiling() -> None:
    dice = random.Random(1)
    ceilings = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]

    assert waits(FullJitter(), 8) == [dice.uniform(0.0, ceiling_s) for ceiling_s in ceilings]


def test_full_jitter_does_not_collapse() -> None:
    """Each ceiling is the formula's, not the draw before: on average a wait is half of its ceiling, for ever."""
    lates = [waits(FullJitter(), 10, seed)[-1] for seed in range(2000)]

    assert sum(lates) / len(lates) == pytest.approx(4.0, rel=0.05)
    assert min(lates) < 0.1
    assert max(lates) > 7.9


def test_decorrelated_jitter_draws_between_its_base_and_three_times_the_wait_before() -> None:
    dice, expected, before_s = random.Random(1), list[float](), 0.25
    for _ in range(8):
        before_s = min(8.0, dice.uniform(0.25, 3.0 * before_s))
        expected.append(before_s)

    assert waits(DecorrelatedJitter(), 8) == expected


@given(st.integers(0, 10_000))
def test_decorrelated_jitter_stays_within_its_bounds(seed: int) -> None:
    drawn = waits(DecorrelatedJitter(base_s=0.5, cap_s=4.0), 20, seed)

    assert all(0.5 <= wait_s <= 4.0 for wait_s in drawn)
    assert drawn[0] <= 1.5


def test_decorrelated_jitter_may_have_its_base_for_a_ceiling() -> None:
    assert DecorrelatedJitter(base_s=1.0, cap_s=1.0).cap_s == 1.0


def test_decorrelated_jitter_can_shrink_again() -> None:
    drawn = waits(DecorrelatedJitter(), 50)

    assert any(later < before for before, later in pairwise(drawn))


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        ({"base_s": 0.0}, "base_s must be a number above 0"),
        ({"cap_s": -1.0}, "cap_s must be a number above 0"),
        ({"base_s": 2.0, "cap_s": 1.0}, r"cap_s must be at least base_s \(2\), not 1"),
    ],
)
def test_a_jitter_that_cannot_work_is_refused(wrong: dict[str, float], mend: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DecorrelatedJitter: {mend}"):
        DecorrelatedJitter(**wrong)


def test_a_ceiling_is_one_of_tenacitys_waits() -> None:
    with pytest.raises(ConfigurationError, match="FullJitter: ceiling must be wait_base, not float"):
        FullJitter(1.0)  # type: ignore[arg-type]
    assert repr(FullJitter(wait_fixed(1))) == "FullJitter(wait_fixed(wait_fixed=1.0))"
    assert "max=8" in repr(FullJitter(wait_exponential(max=8)))
