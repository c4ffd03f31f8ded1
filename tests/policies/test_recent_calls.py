"""Calls of late: they fade, all together."""

from __future__ import annotations

import math

import pytest

from paceline.policies.recent_calls import FADES_IN_S, RecentCalls
from paceline.router import Target
from paceline.router.testing import Scripted, endpoint

from .asking import routed


@pytest.fixture
def ab() -> tuple[Target, ...]:
    return tuple(routed([endpoint("a", Scripted()), endpoint("b", Scripted())], []).fleet)


def test_a_call_counts_for_one_and_for_less_a_minute_later(ab: tuple[Target, ...]) -> None:
    recent = RecentCalls()
    recent.sent(ab[0], recent.one(100.0))
    assert recent.of(ab[0]) / recent.one(100.0) == 1.0
    assert recent.of(ab[0]) / recent.one(100.0 + FADES_IN_S) == pytest.approx(1 / math.e)
    assert recent.of(ab[1]) == 0.0


def test_several_add_up_and_one_that_was_not_sent_is_taken_back(ab: tuple[Target, ...]) -> None:
    recent = RecentCalls()
    one = recent.one(0.0)
    for target in (ab[0], ab[0], ab[1]):
        recent.sent(target, one)
    assert recent.totals(ab) == (3.0, 0)
    recent.not_sent(ab[0], one)
    recent.not_sent(ab[1], 2 * one)
    assert (recent.of(ab[0]), recent.of(ab[1])) == (1.0, 0.0)


@pytest.mark.parametrize("for_s", [230 * FADES_IN_S, 240 * FADES_IN_S, 100_000 * FADES_IN_S])
def test_days_go_by(ab: tuple[Target, ...], for_s: float) -> None:
    recent = RecentCalls()
    recent.sent(ab[0], recent.one(0.0))
    recent.sent(ab[1], recent.one(for_s))
    assert recent.of(ab[1]) / recent.one(for_s) == pytest.approx(1.0)
    assert recent.of(ab[0]) / recent.one(for_s) < 1e-90
    assert recent.of(ab[1]) / recent.one(for_s + FADES_IN_S) == pytest.approx(1 / math.e)
