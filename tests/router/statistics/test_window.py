"""`Window`: what is recorded is there until its period leaves the ring; nothing is lost, nothing counted twice."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.router import Window, WindowShape
from paceline.router.errors import ConfigurationError
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.window import REFOLD_AFTER_S

SHAPE = WindowShape(periods=3, period_s=2.0)
SHARES = (0.1, 0.5, 0.9, 0.95, 1.0)


def window() -> Window:
    return Window(MS, SHAPE)


def test_what_is_recorded_is_counted_in_its_window() -> None:
    latencies = window()

    latencies.record(0.25, 0.0)
    latencies.record_censored(1.0, 0.0)

    fold = latencies.fold(0.0)
    assert (fold.count, fold.censored) == (1, 1)


def test_an_empty_window_is_unknown() -> None:
    assert window().fold(0.0).quantile(0.5) is None


@pytest.mark.parametrize(("at_s", "count"), [(0.0, 1), (5.75, 1), (6.0, 0), (7.75, 0), (600.0, 0)])
def test_a_sample_leaves_with_its_period(at_s: float, count: int) -> None:
    latencies = window()
    latencies.record(0.25, 0.0)

    assert latencies.fold(at_s).count == count


def test_an_idle_gap_longer_than_the_window_empties_all_of_it() -> None:
    latencies = window()
    for at_s in (0.0, 2.0, 4.0):
        latencies.record(0.25, at_s)
        latencies.record_censored(0.25, at_s)

    latencies.record(0.5, 600.0)

    fold = latencies.fold(600.0)
    assert (fold.count, fold.censored) == (1, 0)


@pytest.mark.parametrize(
    ("value_s", "found_s", "clamped"), [(-1.0, 0.001, 1), (0.0, 0.001, 1), (3600.0, 3600.0, 0), (3600.5, 3600.0, 1)]
)
def test_a_value_outside_the_range_is_recorded_at_its_edge_and_counted(
    value_s: float, found_s: float, clamped: int
) -> None:
    latencies = window()

    latencies.record(value_s, 0.0)

    fold = latencies.fold(0.0)
    found = fold.quantile(1.0)
    assert fold.count == 1
    assert found is not None
    assert found_s <= found <= found_s * 1.01
    assert latencies.clamped == clamped


def test_what_was_cut_off_is_clamped_and_counted_alike() -> None:
    latencies = window()

    latencies.record_censored(7200.0, 0.0)

    assert latencies.fold(0.0).censored == 1
    assert latencies.clamped == 1


def test_a_few_samples_are_seen_at_once_and_many_within_a_quarter_of_a_second() -> None:
    latencies = window()
    for _ in range(10):
        latencies.record(0.25, 0.0)
    before = latencies.fold(0.0)

    latencies.record(0.5, 0.0)

    assert latencies.fold(0.125) is before
    assert latencies.fold(REFOLD_AFTER_S).count == 11


def test_among_many_samples_a_few_new_ones_may_wait_for_two_seconds_and_many_may_not() -> None:
    shape = WindowShape(periods=2, period_s=60.0)
    few, many = Window(MS, shape), Window(MS, shape)
    for latencies in (few, many):
        for _ in range(1000):
            latencies.record(0.25, 0.0)
        assert latencies.fold(0.0).count == 1000

    few.record(0.5, 0.1)
    for _ in range(40):
        many.record(0.5, 0.1)

    assert (few.fold(0.5).count, many.fold(0.5).count) == (1000, 1040)
    assert few.fold(2.0).count == 1001


def test_what_another_process_tells_is_seen_at_once_however_much_is_known() -> None:
    latencies, other = window(), window()
    for _ in range(1000):
        latencies.record(0.25, 1.0)
    other.record(0.5, 1.0)
    assert latencies.fold(1.0).count == 1000

    latencies.merge(other.intervals(1.0), 1.0)

    assert latencies.fold(1.0).count == 1001


def test_nothing_new_is_not_folded_again() -> None:
    latencies = window()
    latencies.record(0.25, 0.0)

    assert latencies.fold(0.0) is latencies.fold(1.75)


def test_what_leaves_the_window_is_seen_to_leave_at_once() -> None:
    latencies = window()
    latencies.record(0.25, 1.875)
    assert latencies.fold(5.9375).count == 1

    assert latencies.fold(6.0).count == 0


def test_who_looks_at_all_of_it_hides_nothing_new_from_who_asks_for_its_distribution() -> None:
    latencies = window()
    latencies.record(0.25, 0.0)
    assert latencies.fold(0.0).count == 1

    latencies.record(0.5, 1.0)
    latencies.filled(1.0)

    assert latencies.fold(1.0).count == 2


def test_a_sample_at_the_edge_of_the_range_moves_to_another_window_without_being_out_of_it() -> None:
    latencies, other = window(), window()
    latencies.record(3600.0, 1.0)

    other.merge(latencies.intervals(1.0), 1.0)

    assert (other.fold(1.0).count, other.clamped) == (1, 0)


EIGHTHS = st.integers(0, 40).map(lambda eighths: eighths / 8) | st.sampled_from([0.0, 0.0, 6.0, 60.0])
SAMPLES = st.lists(st.tuples(EIGHTHS, st.integers(1, 3_600_000), st.booleans(), st.booleans()), max_size=60)


@settings(max_examples=300)
@given(SAMPLES)
def test_a_window_holds_what_a_list_of_its_samples_would(samples: list[tuple[float, int, bool, bool]]) -> None:
    latencies, now_s = window(), 0.0
    seen: list[tuple[int, int, bool]] = []  # period, milliseconds, whether cut off
    for gap_s, units, cut, read in samples:
        now_s += gap_s
        (latencies.record_censored if cut else latencies.record)(units / 1000, now_s)
        seen.append((int(now_s // SHAPE.period_s), units, cut))
        if read:
            now_s += REFOLD_AFTER_S
            latencies.fold(now_s)

    now_s += REFOLD_AFTER_S
    fold = latencies.fold(now_s)

    oldest = int(now_s // SHAPE.period_s) - SHAPE.periods + 1
    live = [(units, cut) for period, units, cut in seen if period >= oldest]
    events = sorted(units for units, cut in live if not cut)
    assert (fold.count, fold.censored) == (len(events), len(live) - len(events))
    assert latencies.clamped == 0
    if events and not fold.censored:
        for q in SHARES:
            exact = events[max(1, math.ceil(Fraction(str(q)) * len(events))) - 1]
            found = fold.quantile(q)
            assert found is not None
            assert exact <= round(found * 1000) <= exact * 1.01


@pytest.mark.parametrize(("field", "value"), [("periods", 1), ("periods", 2.5), ("period_s", 0.0), ("period_s", "10")])
def test_a_shape_that_cannot_turn_is_refused(field: str, value: object) -> None:
    fields: dict[str, object] = {field: value}
    with pytest.raises(ConfigurationError, match=f"WindowShape: {field} must be"):
        WindowShape(**fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
