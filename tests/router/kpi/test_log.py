"""The ring of rows: nothing is lost before its time, nothing twice, and nothing grows beyond its bound."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import CallRow, HistoryShape
from paceline.router.errors import ConfigurationError

from .telling import answered, cancelled, failed, log

TEN_S = HistoryShape(period_s=10.0, periods=6, rows=100)
FEW = HistoryShape(period_s=10.0, periods=3, rows=8)

gaps = st.lists(st.integers(min_value=0, max_value=200).map(lambda tenths: tenths / 4.0), min_size=1, max_size=60)


def ends(gaps_s: list[float]) -> list[float]:
    at_s, found = 0.0, list[float]()
    for gap_s in gaps_s:
        at_s += gap_s
        found.append(at_s)
    return found


def times(rows: list[CallRow]) -> list[float]:
    return [row.ended_s for row in rows]


def test_a_row_comes_back_as_it_was_kept() -> None:
    rows = [answered(1.0, retries=("timeout",), cap=64), failed(2.0), cancelled(3.0)]

    assert log(TEN_S, *rows).rows(0.0, 3.0) == rows


def test_a_window_holds_what_ended_after_its_beginning_and_up_to_its_end() -> None:
    kept = log(TEN_S, *(answered(at_s) for at_s in (0.0, 5.0, 10.0, 10.5, 20.0)))

    assert times(kept.rows(-1.0, 20.0)) == [0.0, 5.0, 10.0, 10.5, 20.0]
    assert times(kept.rows(0.0, 10.0)) == [5.0, 10.0]
    assert times(kept.rows(10.0, 20.0)) == [10.5, 20.0]
    assert times(kept.rows(10.0, 10.0)) == times(kept.rows(20.0, 30.0)) == []


@given(gaps, st.lists(st.floats(min_value=-10.0, max_value=3200.0)))
def test_neighbouring_windows_lose_nothing_and_see_nothing_twice(gaps_s: list[float], cuts_s: list[float]) -> None:
    shape = HistoryShape(period_s=10.0, periods=1000, rows=100)
    kept = log(shape, *map(answered, ends(gaps_s)))

    found = [
        row for from_s, until_s in pairwise([-10.0, *sorted(cuts_s), 3200.0]) for row in kept.rows(from_s, until_s)
    ]

    assert times(found) == ends(gaps_s)


@given(gaps)
def test_the_ring_lets_go_of_what_is_too_old_and_of_nothing_else(gaps_s: list[float]) -> None:
    kept = log(TEN_S, *map(answered, ends(gaps_s)))
    now_s = ends(gaps_s)[-1]

    oldest_s = TEN_S.oldest_s(now_s)

    assert now_s - 60.0 <= oldest_s <= now_s - 50.0
    assert times(kept.rows(oldest_s, now_s)) == [end_s for end_s in ends(gaps_s) if end_s > oldest_s]
    assert times(kept.rows(-1.0, oldest_s)) == []


@given(gaps, st.integers(min_value=0, max_value=1000))
def test_counts_are_of_all_and_rows_are_bounded(gaps_s: list[float], seed: int) -> None:
    shape = HistoryShape(period_s=500.0, periods=100, rows=4)
    rows = [answered(end_s, output_tokens=7, retries=("timeout",)) for end_s in ends(gaps_s)]
    kept = log(shape, *rows, seed=seed)

    weighed, totals = kept.weighed(-1.0, ends(gaps_s)[-1])

    assert totals.all.answered == len(rows)
    assert totals.all.output_tokens == 7 * len(rows)
    assert totals.all.retried_from == {("here", "timeout"): len(rows)}
    assert all(len(some) <= 4 for some, _ in weighed)
    assert sum(len(some) * weight for some, weight in weighed) == pytest.approx(len(rows))


def test_chance_keeps_every_row_of_a_crowded_period_as_likely_as_any_other() -> None:
    kept_of = [0] * 32
    for seed in range(2000):
        for row in log(FEW, *(answered(1.0, total_s=float(number)) for number in range(32)), seed=seed).rows(0.0, 1.0):
            kept_of[int(row.total_s)] += 1

    assert sum(kept_of) == 8 * 2000
    assert all(abs(count - 500) < 5 * 20 for count in kept_of)  # sd of a binomial of 2,000 with 1/4 is 19.4


def test_a_window_that_cuts_a_sampled_period_takes_it_whole() -> None:
    crowded = log(FEW, *(answered(11.0 + number / 16.0) for number in range(64)))
    quiet = log(FEW, *(answered(11.0 + number) for number in range(8)))

    assert (crowded.whole_from(12.0), quiet.whole_from(12.0)) == (10.0, 12.0)
    assert (crowded.whole_from(10.0), crowded.whole_from(9.0), crowded.whole_from(20.0)) == (10.0, 9.0, 20.0)
    assert crowded.weighed(10.0, 20.0)[1].all.answered == 64


def test_what_nobody_ever_asks_for_stays_within_bounds() -> None:
    kept = log(FEW, *(answered(number / 64.0) for number in range(64 * 300)))

    assert len(kept._periods) == 3
    assert sum(len(period.rows) for period in kept._periods) == 3 * 8
    assert kept.weighed(0.0, 300.0)[1].all.answered == 64 * 30 - 1  # the last two periods, and what there is of a third


def test_a_clock_that_rounds_at_the_edge_of_a_period_opens_no_second_one() -> None:
    shape = HistoryShape(period_s=0.1, periods=100, rows=1000)
    dice = random.Random(3)
    edges = [number * 0.1 for number in range(50)]
    at = sorted(edge + dice.choice([-1e-15, 0.0, 1e-15]) for edge in edges for _ in range(20))

    kept = log(shape, *map(answered, at))

    assert len(kept._periods) <= 51
    assert times(kept.rows(-1.0, 5.0)) == at


@pytest.mark.parametrize(
    ("fields", "wrong"), [({"period_s": 0.0}, "period_s"), ({"periods": 0}, "periods"), ({"rows": 0}, "rows")]
)
def test_a_shape_that_keeps_nothing_is_refused(fields: dict[str, float], wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=f"HistoryShape: {wrong} must be"):
        HistoryShape(**fields)  # type: ignore[arg-type]
