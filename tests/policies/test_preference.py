"""What is preferred among endpoints that will do, and how far being near counts."""

from __future__ import annotations

import pytest

from paceline.policies.preference import nearer
from paceline.router import Target
from paceline.router.testing import Scripted, endpoint

from .asking import routed

NEAR, FAR = 2, 4


def targets() -> list[Target]:
    """The first two are near."""
    return list(routed([endpoint(f"e{number}", Scripted()) for number in range(NEAR + FAR)], []).fleet)


def busy(some: list[Target], calls: int) -> None:
    for target in some:
        for _ in range(calls):
            target.slots.acquire_over_limit()


@pytest.mark.parametrize(
    ("near_calls", "far_calls", "keeps"),
    [(2, 0, True), (3, 0, False), (10, 4, True), (11, 4, False), (20, 9, True), (21, 9, False)],
)
def test_the_near_are_preferred_up_to_half_more_than_the_mean_and_one(
    near_calls: int, far_calls: int, *, keeps: bool
) -> None:
    equals = targets()
    busy(equals[:NEAR], near_calls)
    busy(equals[NEAR:], far_calls)

    assert nearer(equals, tuple(equals[:NEAR])) == (equals[:NEAR] if keeps else equals)


def test_where_nobody_or_everybody_is_near_all_are_equal() -> None:
    equals = targets()

    assert nearer(equals, ()) == equals
    assert nearer(equals, tuple(equals)) == equals
