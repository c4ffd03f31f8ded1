"""`PeakEwma`: who was slow is left at once and forgiven in time; who fails fast does not look fast (I23)."""

from __future__ import annotations

import pytest

from paceline.policies import LeastLoaded, PeakEwma, PowerOfTwo
from paceline.policies.balancers.peak_ewma import cost

from .bench import answered, call_to, drawn, failed, targets


def test_one_slow_answer_is_enough_to_leave() -> None:
    once_slow, _ = among = targets({"once slow": None, "usual": None})
    for target in among:
        for number in range(50):
            answered(target, 0.25, number / 10)

    answered(once_slow, 2.0, 6.0)

    assert set(drawn(PeakEwma(), among, 20, now_s=6.0)) == {"usual"}
    assert len(drawn(PowerOfTwo(), among, 20, now_s=6.0)) == 2


def test_who_is_left_alone_is_forgiven() -> None:
    once_slow, usual = among = targets({"once slow": None, "usual": None})
    answered(once_slow, 2.0, 0.0)
    for second in range(60):
        answered(usual, 0.25, float(second))

    feared = {second: cost(once_slow, call_to(among), float(second)) for second in (1, 10, 20, 30)}

    assert feared[1] > feared[10] > 0.25 > feared[30]
    assert "once slow" in drawn(PeakEwma(), among, 20, now_s=30.0)


def test_the_busy_one_has_to_be_that_much_faster() -> None:
    quick, slow = among = targets({"quick": None, "slow": None})
    answered(quick, 0.25, 0.0)
    answered(slow, 0.625, 0.0)
    quick.slots.acquire_over_limit(2)

    assert set(drawn(PeakEwma(), among, 20)) == {"slow"}


def test_of_an_endpoint_never_heard_of_nothing_is_feared() -> None:
    known, _ = among = targets({"known": 0.25, "unknown": 0.25})
    answered(known, 0.25, 0.0)

    assert set(drawn(PeakEwma(), among, 20)) == {"unknown"}


def test_an_answer_in_one_piece_is_judged_by_what_is_expected() -> None:
    (target,) = targets({"a": 0.25})

    assert cost(target, call_to([target], stream=False), 0.0) == target.outlook(0.0).total_s


def test_in_a_run_of_failures_the_cost_never_falls() -> None:
    (target,) = among = targets({"a": 0.25})
    answered(target, 0.001, 0.0)
    call, costs = call_to(among), list[float]()

    for number in range(50):
        now_s = number / 10
        failed(target, now_s)
        costs.append(cost(target, call, now_s))

    assert costs == sorted(costs)
    assert costs[0] >= 5.0


@pytest.mark.parametrize(("retry_after_s", "at_least_s"), [(None, 5.0), (2.0, 5.0), (60.0, 60.0)])
def test_a_failure_counts_as_its_penalty(retry_after_s: float | None, at_least_s: float) -> None:
    (target,) = among = targets({"a": 0.25})
    answered(target, 0.25, 0.0)

    failed(target, 1.0, retry_after_s=retry_after_s)

    assert cost(target, call_to(among), 1.0) == at_least_s


def test_who_fails_fast_draws_everyone_where_load_alone_is_asked_and_nobody_here() -> None:
    failing, *_ = among = targets({"failing": None, "b": None, "c": None})
    for target in among:
        answered(target, 0.25, 0.0)
    for target in among[1:]:
        target.slots.acquire_over_limit()
    failed(failing, 0.5)

    assert drawn(LeastLoaded(), among, 3000, now_s=0.5)["failing"] > 0.6 * 3000
    assert drawn(PeakEwma(), among, 3000, now_s=0.5)["failing"] == 0
