"""The planned calls: like the published trace, and the same for the same seed."""

from __future__ import annotations

import random
from itertools import pairwise
from statistics import fmean, median, pstdev

import pytest

from paceline.gateway.demo.scene import CHAT_SHARE
from paceline.gateway.demo.traffic import arrivals, plan


def test_one_seed_plans_one_run() -> None:
    assert plan(seconds=20.0, rate=30.0, seed=3) == plan(seconds=20.0, rate=30.0, seed=3)
    assert plan(seconds=20.0, rate=30.0, seed=3) != plan(seconds=20.0, rate=30.0, seed=4)


def test_calls_are_numbered_in_the_order_of_their_arrival_within_the_run() -> None:
    calls = plan(seconds=10.0, rate=30.0, seed=1).calls

    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    assert all(earlier.at_s <= later.at_s for earlier, later in pairwise(calls))
    assert calls[0].at_s >= 0.0
    assert calls[-1].at_s < 10.0


def test_gaps_are_a_little_more_bursty_than_poisson() -> None:
    gaps = [later - earlier for earlier, later in pairwise(arrivals(2000.0, 5.53, random.Random(1)))]

    assert pstdev(gaps) / fmean(gaps) == pytest.approx(1.09, abs=0.06)


def test_the_rate_drifts_and_is_as_asked_over_many_runs() -> None:
    counts = [sum(1 for _ in arrivals(60.0, 10.0, random.Random(seed))) for seed in range(100)]

    assert fmean(counts) == pytest.approx(600.0, rel=0.05)
    assert pstdev(counts) > 2.0 * 600.0**0.5


def test_lengths_and_routes_are_shared_out_as_published() -> None:
    calls = plan(seconds=300.0, rate=30.0, seed=2).calls

    assert median(call.prompt_tokens for call in calls) == pytest.approx(1020, rel=0.08)
    assert median(call.answer_tokens for call in calls) == pytest.approx(129, rel=0.08)
    assert sum(call.route == "chat" for call in calls) / len(calls) == pytest.approx(CHAT_SHARE, abs=0.02)
