"""Figures of a run, and how sure they are."""

import random

import pytest

from paceline.gateway.replay.figures import BLOCKS, blocks_of, differences, estimates
from paceline.gateway.replay.recording import AttemptRecord, CallRecord

LIMITED = AttemptRecord(endpoint="a", at_s=0.0, outcome="failed", total_s=1.0, reason="rate_limited")


def call(at_s: float, ttft_s: float, *, outcome: str = "answered", in_time: bool = True) -> CallRecord:
    return CallRecord(
        at_s=at_s,
        route="chat",
        outcome=outcome,
        total_s=ttft_s + 1.0,
        ttft_s=ttft_s,
        budget_s=9.0,
        prompt_tokens=9,
        in_time=in_time,
        attempts=(LIMITED,),
    )


def test_figures_are_of_all_calls_together() -> None:
    calls = [call(float(number), 0.001 * (number + 1)) for number in range(100)]

    found = estimates(blocks_of(calls, "chat", 100.0))

    assert found["ttft_p50_s"].value == pytest.approx(0.050)
    assert found["ttft_p95_s"].value == pytest.approx(0.095)
    assert found["limited_per_call"].value == 1.0
    assert found["success"].value == 1.0


def test_callers_who_left_are_neither_success_nor_failure() -> None:
    calls = [call(0.0, 0.1), call(1.0, 0.1, outcome="failed", in_time=False), call(2.0, 0.1, outcome="cancelled")]

    found = estimates(blocks_of(calls, "chat", 3.0))

    assert found["success"].value == 0.5
    assert found["attempts_per_call"].value == 1.0


def test_a_route_without_calls_has_no_figures() -> None:
    found = estimates(blocks_of([call(0.0, 0.1)], "other", 1.0))

    assert {estimate.value for estimate in found.values()} == {None}


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_the_truth_and_is_no_wider_than_need_be(seed: int) -> None:
    dice = random.Random(seed)
    calls = [call(at_s, 0.5, in_time=dice.random() < 0.8) for at_s in range(2400)]

    share = estimates(blocks_of(calls, "chat", 2400.0))["in_time"]

    assert share.low is not None
    assert share.high is not None
    assert share.low - 0.01 < 0.8 < share.high + 0.01
    assert 0.015 < share.high - share.low < 0.06  # 95 % of a binomial of 2,400 calls: 0.032


def test_a_difference_leaves_out_what_both_runs_share() -> None:
    """A slow half hour makes each run's interval wide; that the other was a tenth faster throughout is certain."""
    slow = [call(float(at_s), 2.0 if at_s < 1200 else 0.5) for at_s in range(2400)]
    fast = [call(float(at_s), 1.8 if at_s < 1200 else 0.45) for at_s in range(2400)]
    here, there = blocks_of(fast, "chat", 2400.0), blocks_of(slow, "chat", 2400.0)

    difference = differences(here, there)["ttft_p95_s"]

    assert len(here) == BLOCKS
    assert difference.value == pytest.approx(-0.2, rel=0.05)
    assert difference.high is not None
    assert difference.high < 0.0


def test_blocks_against_themselves_differ_by_nothing() -> None:
    blocks = blocks_of([call(float(at_s), 0.5) for at_s in range(100)], "chat", 100.0)

    assert {estimate.value for estimate in differences(blocks, blocks).values()} <= {0.0, None}
