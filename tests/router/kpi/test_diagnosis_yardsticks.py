"""What a call usually takes, what a token of its prompt costs, how sizes have grown, and two windows of one mix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import CallOutcome
from paceline.router.kpi.diagnosis_line import price, through
from paceline.router.kpi.diagnosis_mix import of_one_mix
from paceline.router.kpi.diagnosis_parts import headline_s, parts_of
from paceline.router.kpi.diagnosis_result import Headline
from paceline.router.kpi.diagnosis_sizes import Growth
from paceline.router.kpi.diagnosis_usual import Key, yardsticks
from paceline.router.kpi.row import CallRow

from .days import PACE, Day

A: Key = ("a", True)


def call(
    *, tokens: int = 1_000, first_s: float = 0.3, endpoint: str = "a", output: int | None = 100, tpot_s: float = 0.02
) -> CallRow:
    return CallRow(
        ended_s=0.0,
        outcome=CallOutcome.ANSWERED,
        endpoint=endpoint,
        ttft_s=first_s,
        total_s=first_s + 100 * tpot_s,
        first_token_s=first_s,
        generation_s=100 * tpot_s,
        input_tokens=tokens,
        output_tokens=output,
    )


def linear(*, start_s: float = 0.2, per_token_s: float = 1e-4, endpoint: str = "a") -> list[CallRow]:
    return [call(tokens=n, first_s=start_s + n * per_token_s, endpoint=endpoint) for n in range(100, 10_100, 100)]


def test_a_line_is_found_through_outliers() -> None:
    line = through([*linear(), *[call(tokens=500 * n, first_s=60.0) for n in range(1, 6)]])

    assert line is not None
    assert line.per_token_s == pytest.approx(1e-4, rel=0.1)


@pytest.mark.parametrize("rows", [linear()[:29], [call() for _ in range(100)], [call(tokens=n) for n in range(10, 40)]])
def test_of_few_or_like_prompts_no_line_is_drawn(rows: list[CallRow]) -> None:
    assert through(rows) is None


def test_where_short_prompts_are_slower_a_token_costs_nothing() -> None:
    line = through(linear(per_token_s=-1e-5))

    assert line is not None
    assert line.per_token_s == 0.0


def test_no_line_is_no_price() -> None:
    assert price([]) == 0.0


def test_endpoints_are_measured_by_the_window_before_and_a_newcomer_by_this_one() -> None:
    before, now = linear(), [*linear(start_s=5.0), *linear(start_s=0.4, endpoint="new")]

    yards = yardsticks(before, now)

    assert yards.by_key[A].start_s == pytest.approx(0.2)
    assert yards.by_key["new", True].start_s == pytest.approx(0.4)
    assert yards.by_key[A].per_output_s == pytest.approx(0.02)
    assert not yards.guessed


def test_an_endpoint_with_few_calls_is_measured_by_the_route() -> None:
    yards = yardsticks([*linear(), call(endpoint="rare", first_s=9.0)], linear())

    assert yards.by_key["rare", True].start_s == pytest.approx(0.2)


def test_the_price_of_prompts_of_two_sizes_is_guessed_from_the_two_windows() -> None:
    yards = yardsticks([call(tokens=1_000, first_s=0.3)] * 50, [call(tokens=5_000, first_s=0.7)] * 50)

    assert yards.guessed
    assert yards.per_input_s == pytest.approx(1e-4)


def test_made_up_endpoints_are_measured_as_they_were_made() -> None:
    yards = yardsticks(Day().calls("before", 4_000), Day().calls("now", 4_000))

    for name, pace in PACE.items():
        assert yards.by_key[name, True].start_s == pytest.approx(0.25 * pace, rel=0.2)
        assert yards.by_key[name, True].per_output_s == pytest.approx(0.02 * pace, rel=0.1)
        assert yards.by_key[name, True].per_input_s == pytest.approx(0.0002, rel=0.2)


@pytest.mark.parametrize("of", Headline)
def test_the_parts_of_each_call_add_up_to_its_seconds(of: Headline) -> None:
    rows = Day(cached=0.3, queue_s={"east-1": 1.0}, waits_s=1.0, retried=0.2, held_s=1.0).calls("a day")
    yards = yardsticks(rows, rows)

    for row in rows:
        assert sum(parts_of(row, of, yards).values()) == pytest.approx(headline_s(row, of), abs=1e-9)


def test_an_answer_that_was_not_counted_was_written_at_the_usual_speed() -> None:
    rows = [*[call()] * 99, call(output=None)]

    assert yardsticks(rows, rows).by_key[A].tokens(rows[-1]) == pytest.approx(100.0)


def test_an_answer_that_was_not_counted_where_none_takes_any_time_has_no_length() -> None:
    rows = [*[call(tpot_s=0.0)] * 99, call(output=None, tpot_s=0.0)]

    assert yardsticks(rows, rows).by_key[A].tokens(rows[-1]) == 0.0


def test_growth_goes_by_rank() -> None:
    growth = Growth([10, 20, 30], [100, 200, 300])

    assert [growth.of_one_before(size) for size in (10, 20, 30)] == [90, 180, 270]
    assert [growth.of_one_now(size) for size in (100, 200, 300)] == [90, 180, 270]


@given(st.lists(st.integers(0, 100), min_size=1))
def test_sizes_that_are_what_they_were_have_not_grown(sizes: list[int]) -> None:
    growth = Growth(sizes, sizes)

    for size in sizes:
        assert growth.of_one_before(size) == pytest.approx(0.0, abs=1e-9)
        assert growth.of_one_now(size) == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.integers(1, 10_000), min_size=1), st.integers(1, 9))
def test_all_that_grow_by_a_factor_grow_by_it_each(sizes: list[int], factor: int) -> None:
    growth = Growth(sizes, [size * factor for size in sizes])

    for size in sizes:
        assert growth.of_one_before(size) == pytest.approx(size * (factor - 1))


def test_both_windows_get_the_mean_of_their_mixes() -> None:
    before, now = ["a"] * 80 + ["b"] * 20, ["a"] * 40 + ["b"] * 60

    mixed = of_one_mix(before, now)

    assert mixed is not None
    for names, weights in zip((before, now), mixed, strict=True):
        assert sum(weight for name, weight in zip(names, weights, strict=True) if name == "a") == pytest.approx(0.6)
        assert sum(weights) == pytest.approx(1.0)


def test_who_is_new_or_gone_has_no_weight() -> None:
    mixed = of_one_mix(["a"] * 60 + ["gone"] * 40, ["a"] * 60 + ["new"] * 5)

    assert mixed is not None
    assert mixed[0][60:] == [0.0] * 40
    assert mixed[1][60:] == [0.0] * 5


def test_windows_without_an_endpoint_in_common_cannot_be_brought_to_one_mix() -> None:
    assert of_one_mix(["a"] * 100, ["b"] * 100) is None
    assert of_one_mix(["a"] * 100, ["a"] * 20 + ["b"] * 80) is None
