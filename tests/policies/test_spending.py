"""`Spending`: windows, what is spent and reserved in them, and who is warned when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.bill import Bill
from paceline.policies.spending import CostLimit, Spending
from paceline.router import Usage
from paceline.router.errors import ConfigurationError
from paceline.router.ledger import Attempt
from paceline.router.testing import Scripted, endpoint

LIMIT = CostLimit(money=100.0, window_s=60.0)

UNIT = endpoint("a", Scripted(), price_in_per_m=1e6, price_out_per_m=1e6)
"""Where a token costs one."""


def settle(spending: Spending, reserved: float, spent: float, now_s: float) -> None:
    """End a call for which so much was reserved, and which cost so much."""
    usage = Usage(input_tokens=0, output_tokens=spent)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    paid = Attempt(UNIT, 1, 0.0, usage=usage)
    call: Any = None  # it is not asked where usage says it all
    Bill(call, spending, None, 0.0, reserved, differ=False, attempts=[paid]).settle(now_s)


def test_a_call_fits_as_long_as_all_that_run_could_cost_their_most() -> None:
    spending = Spending(LIMIT, 0.0)
    assert spending.fits(100.0, 0.0)
    assert not spending.fits(100.1, 0.0)
    spending.reserve(60.0)
    assert spending.fits(40.0, 0.0)
    assert not spending.fits(41.0, 0.0)
    settle(spending, 60.0, 10.0, 1.0)
    assert spending.fits(90.0, 1.0)


def test_a_window_begins_where_the_one_before_ends_and_what_runs_is_paid_in_its_own() -> None:
    spending = Spending(LIMIT, 5.0)
    assert spending.ends_s == 65.0
    spending.reserve(30.0)
    settle(spending, 0.0, 70.0, 10.0)
    assert not spending.fits(1.0, 64.9)
    assert spending.fits(70.0, 65.0)
    assert not spending.fits(70.1, 65.0)
    settle(spending, 30.0, 25.0, 65.0)
    assert (spending.spent, spending.reserved, spending.ends_s) == (25.0, 0.0, 125.0)
    assert spending.fits(100.0, 1000.0)
    assert spending.ends_s == 1025.0


def test_each_threshold_is_passed_once_a_window() -> None:
    spending = Spending(LIMIT, 0.0)
    assert spending.passed_by(79.9) == ()
    assert spending.passed_by(80.0) == (0.8,)
    assert spending.passed_by(80.0) == ()
    assert spending.passed_by(120.0) == (0.95,)
    assert spending.passed_by(120.0) == ()
    spending.fits(1.0, 60.0)
    assert spending.passed_by(200.0) == (0.8, 0.95)


@given(
    calls=st.lists(
        st.tuples(st.floats(0.1, 40.0), st.floats(0.0, 1.0), st.floats(0.0, 30.0), st.floats(0.0, 90.0)), max_size=60
    )
)
def test_no_window_costs_more_than_its_limit_and_nobody_is_refused_unwarned(
    calls: list[tuple[float, float, float, float]],
) -> None:
    """Calls that come one after the other, and cost a share of their most when they end, out of order."""
    spending, now_s, ends = Spending(LIMIT, 0.0), 0.0, list[tuple[float, float, float]]()
    booked: dict[float, float] = {}
    warned: set[tuple[float, float]] = set()

    def settle_all(until_s: float) -> None:
        for at_s, most, cost in sorted(ends):
            if at_s <= until_s:
                ends.remove((at_s, most, cost))
                settle(spending, most, cost, at_s)
                booked[spending.ends_s] = booked.get(spending.ends_s, 0.0) + cost

    for most, share, after_s, takes_s in calls:
        settle_all(now_s + after_s)
        now_s += after_s
        fits = spending.fits(most, now_s)
        warned |= {(spending.ends_s, threshold) for threshold in spending.passed_by(most)}
        if fits:
            spending.reserve(most)
            ends.append((now_s + takes_s, most, share * most))
        else:
            assert {(spending.ends_s, 0.8), (spending.ends_s, 0.95)} <= warned
    settle_all(now_s + 1000.0)

    assert spending.reserved == pytest.approx(0.0, abs=1e-9)
    assert all(cost <= LIMIT.money + 1e-9 for cost in booked.values())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"money": 0.0}, "money must be a number above 0"),
        ({"window_s": 0.0}, "window_s must be a number above 0"),
        ({"warn_at": (0.95, 0.8)}, "warn_at must rise"),
        ({"warn_at": (0.8, 0.8)}, "warn_at must rise"),
        ({"warn_at": (0.8, 1.0)}, "warn_at must be a share above 0 and below 1"),
        ({"warn_at": "soon"}, "warn_at must be a share"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        CostLimit(**{"money": 1.0, **wrong})  # type: ignore[arg-type]


def test_one_threshold_may_be_given_as_it_is_and_none_as_well() -> None:
    assert CostLimit(money=1.0, warn_at=0.5).warn_at == (0.5,)  # type: ignore[arg-type]
    assert CostLimit(money=1.0, warn_at=()).warn_at == ()
