"""Quantiles, shares and intervals, on calls that were made up."""

import pytest

from benchmarks.routing.figures import drawn_anew, figures, interval, quantiles
from benchmarks.routing.playing import Row
from benchmarks.routing.verdicts import regret


def row(first_s: float, *, answered: bool = True, total_s: float = 2.0, hedges: int = 0) -> Row:
    return Row(0.0, first_s, total_s, answered, 0, hedges, 0.001, "a")


def test_a_quantile_is_the_least_value_below_which_that_share_lies() -> None:
    runs = [[row(float(value)) for value in range(1, 51)], [row(float(value)) for value in range(51, 101)]]

    assert [quantiles(runs, lambda each: each.first_s, q, [[1, 1]])[0] for q in (0.5, 0.95, 0.999)] == [
        50.0,
        95.0,
        100.0,
    ]


def test_a_seed_that_is_drawn_twice_counts_twice() -> None:
    runs = [[row(1.0)] * 10, [row(5.0)] * 10]

    assert quantiles(runs, lambda each: each.first_s, 0.5, [[2, 0], [0, 2]]) == [1.0, 5.0]


def test_the_interval_is_wide_where_seeds_differ_and_narrow_where_they_do_not() -> None:
    alike = figures([[row(1.0)] * 20] * 5)
    unlike = figures([[row(seconds)] * 20 for seconds in (1.0, 1.0, 1.0, 9.0, 9.0)])

    assert alike.ttft_s[0.5].low == alike.ttft_s[0.5].high == 1.0
    assert unlike.ttft_s[0.5].low < unlike.ttft_s[0.5].high


def test_a_call_that_failed_is_not_within_whatever_its_times() -> None:
    told = figures([[row(0.1), row(0.1, answered=False), row(0.1, total_s=16.0), row(1.6)]])

    assert told.within.value == pytest.approx(0.25)
    assert told.errors.value == pytest.approx(0.25)


def test_the_first_draw_is_the_seeds_as_they_are() -> None:
    draws = drawn_anew(4)

    assert draws[0] == [1, 1, 1, 1]
    assert all(sum(draw) == 4 for draw in draws)
    assert interval([3.0, 1.0, 2.0, 4.0]).value == 3.0


@pytest.mark.parametrize(("mine", "left"), [(4.0, 1.0), (2.0, 0.0), (3.0, 0.5)])
def test_regret_is_what_is_left_of_the_way_to_the_oracle(mine: float, left: float) -> None:
    assert regret(mine, 4.0, 2.0) == left
    assert regret(mine, 2.0, 2.0) is None
