"""`BySize`: a size is judged by its own kind where there are enough of it, and by what all have in common where not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Prior, WindowShape
from paceline.router.statistics.by_size import BySize
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.latency import BELIEF_WEIGHT, Belief
from paceline.router.statistics.size_class import class_of, middle_of

from .keeping import interval

NOW_S = 0.5
SHORT, MIDDLE, LONG = 7, 9, 11
"""Octaves of three classes: 128, 512 and 2,048 tokens and up."""

SHARES = (0.1, 0.5, 0.9)


def true_s(octave: int) -> float:
    return 0.2 + 0.000_2 * middle_of(octave)


def by_size(*samples: tuple[float, int], believed: Belief | None = None) -> BySize:
    made = BySize(MS, WindowShape(), believed)
    for value_s, octave in samples:
        made.record(value_s, octave, 0.0)
    return made


def mixed(samples: int, *octaves: int) -> list[tuple[float, int]]:
    """So many samples of each octave, in turn, spread by a tenth around what their size takes."""
    dice = random.Random(7)
    return [(true_s(octave) * dice.uniform(0.9, 1.1), octave) for _ in range(samples) for octave in octaves]


def p50(of: BySize, octave: int | None, now_s: float = NOW_S) -> float:
    found = of.of(octave).quantile(0.5, now_s)
    assert found is not None
    return found


def test_before_the_first_sample_every_size_is_as_believed() -> None:
    believed = by_size(believed=Prior(1.0, 2.0))

    assert p50(believed, SHORT) == p50(believed, LONG) == p50(believed, None) == pytest.approx(1.0)


def test_with_neither_samples_nor_a_belief_no_size_is_known() -> None:
    assert by_size().of(SHORT).quantile(0.5, NOW_S) is None
    assert by_size().of(None).within(60.0, NOW_S) is None


@pytest.mark.parametrize("octave", [SHORT, MIDDLE, LONG])
def test_a_common_size_is_judged_by_its_own_kind(octave: int) -> None:
    known = by_size(*mixed(500, SHORT, MIDDLE, LONG))

    assert p50(known, octave) == pytest.approx(true_s(octave), rel=0.02)


def test_a_common_size_that_lies_off_the_line_is_still_judged_by_its_own_kind() -> None:
    slow_s = 4.0 * true_s(MIDDLE)
    known = by_size(*mixed(500, SHORT, LONG), *[(slow_s, MIDDLE)] * 2000)

    assert p50(known, MIDDLE) == pytest.approx(slow_s, rel=0.02)


@pytest.mark.parametrize("samples", [1, 5, 20, 100])
@pytest.mark.parametrize("t_s", [0.5, 0.65, 0.9])
def test_a_rare_size_leans_on_the_others_at_its_own_level_by_its_number(samples: int, t_s: float) -> None:
    """(n * P_own + k * P_common) / (n + k): those of its own that made it, and the ratios of all at its own size."""
    known = by_size(*mixed(500, SHORT, MIDDLE))
    own = [(0.6 + 0.2 * number / samples, LONG) for number in range(samples)]
    for value_s, octave in own:
        known.record(value_s, octave, 0.0)

    measured = sum(round(value_s * 1000) <= round(t_s * 1000) for value_s, _ in own) / samples
    common = known._relative.at(middle_of(LONG)).within(t_s, NOW_S)
    assert common is not None
    assert known.of(LONG).within(t_s, NOW_S) == pytest.approx(
        (samples * measured + BELIEF_WEIGHT * common) / (samples + BELIEF_WEIGHT), abs=0.01
    )
    assert known._relative.at(middle_of(LONG)).quantile(0.5, NOW_S) == pytest.approx(true_s(LONG), rel=0.15)


@pytest.mark.parametrize("octave", [5, 9, 13])
def test_a_size_that_was_never_seen_is_neither_unknown_nor_fast(octave: int) -> None:
    known = by_size(*mixed(300, SHORT, LONG))

    for q in SHARES:
        found_s = known.of(octave).quantile(q, NOW_S)
        assert found_s is not None
        assert found_s == pytest.approx(true_s(octave) * (0.9 + 0.2 * q), rel=0.08)
    assert known.of(octave).within(0.8 * true_s(octave), NOW_S) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("octave", [SHORT, LONG, 13])
def test_with_one_size_seen_another_is_taken_to_be_alike(octave: int) -> None:
    assert p50(by_size(*mixed(300, MIDDLE)), octave) == pytest.approx(true_s(MIDDLE), rel=0.02)


def test_without_a_size_all_are_meant() -> None:
    known = by_size(*[(0.25, SHORT)] * 60, *[(4.0, LONG)] * 40)

    assert known.of(None) is known.overall
    assert known.overall.samples(NOW_S) == 100
    assert known.overall.within(0.3, NOW_S) == pytest.approx(0.6)


def test_what_was_cut_off_is_of_its_own_size_first() -> None:
    known = by_size(*mixed(200, SHORT, LONG))
    for _ in range(200):
        known.record_censored(30.0, LONG, 0.0)

    short, long = known.of(SHORT).within(10.0, NOW_S), known.of(LONG).within(10.0, NOW_S)

    assert short is not None
    assert long is not None
    assert short > 0.95
    assert long == pytest.approx(0.5, abs=0.05)
    assert known.overall.censored(NOW_S) == 200


def test_a_class_that_is_idle_for_a_window_is_forgotten_and_its_memory_given_back() -> None:
    known = by_size(*mixed(100, SHORT, MIDDLE, LONG))
    assert {size for size, _ in known.windows()} == {class_of(SHORT), class_of(MIDDLE), class_of(LONG)}

    for at_s in range(5, 65, 5):
        known.record(true_s(SHORT), SHORT, float(at_s))
    known.overall.samples(64.0)

    assert [size for size, _ in known.windows()] == [class_of(SHORT)]
    assert known.overall.samples(64.0) == 11


def test_a_size_that_is_forgotten_is_neither_unknown_nor_fast() -> None:
    known = by_size(*mixed(300, SHORT, LONG))

    for number in range(300):
        known.record(true_s(SHORT), SHORT, number / 4)
    known.overall.samples(75.0)

    assert 0.7 * true_s(LONG) < p50(known, LONG, 75.0) < 1.1 * true_s(LONG)


def test_a_size_that_comes_back_is_learned_anew() -> None:
    known = by_size(*mixed(300, SHORT, LONG))
    known.overall.samples(120.0)
    assert list(known.windows()) == []

    for _ in range(400):
        known.record(3.0 * true_s(LONG), LONG, 120.0)

    assert p50(known, LONG, 120.5) == pytest.approx(3.0 * true_s(LONG), rel=0.05)


def test_when_everything_has_left_the_belief_is_back() -> None:
    known = by_size(*mixed(300, SHORT, LONG), believed=Prior(1.0, 2.0))
    assert p50(known, LONG) == pytest.approx(true_s(LONG), rel=0.1)

    assert p50(known, None, 60.0) == p50(known, LONG, 60.0) == pytest.approx(1.0)


def test_what_was_recorded_elsewhere_counts_like_its_own() -> None:
    """Prompts in the middle of their class, since another process tells no more than the class."""
    other, known = by_size(*mixed(300, SHORT, LONG)), by_size()

    known.merge({size: window.intervals(NOW_S) for size, window in other.windows()}, NOW_S)

    for octave in (SHORT, LONG):
        for q in SHARES:
            assert known.of(octave).quantile(q, NOW_S) == pytest.approx(other.of(octave).quantile(q, NOW_S), rel=0.03)
    assert known.overall.samples(NOW_S) == 600
    assert p50(known, 13) == pytest.approx(p50(other, 13), rel=0.45)
    assert true_s(LONG) < p50(known, 13)


def test_what_was_cut_off_elsewhere_is_cut_off() -> None:
    other, known = by_size(*mixed(100, SHORT)), by_size()
    for _ in range(100):
        other.record_censored(30.0, SHORT, 0.0)

    known.merge({size: window.intervals(NOW_S) for size, window in other.windows()}, NOW_S)

    for octave in (SHORT, MIDDLE):
        assert known.of(octave).within(10.0, NOW_S) == pytest.approx(0.5, abs=0.01)


def test_what_was_recorded_long_ago_is_believed_by_size() -> None:
    known = by_size(believed=Prior(10.0, 20.0))
    known.record(0.7, LONG, 0.0)

    known.merge({class_of(SHORT): [interval(*[200] * 100, age_s=3600.0)]}, NOW_S)
    known.merge(
        {
            class_of(SHORT): [interval(*[200] * 100, age_s=3600.0)],
            class_of(LONG): [interval(*[800] * 100, age_s=3600.0)],
        },
        NOW_S,
    )

    assert known.overall.samples(NOW_S) == 1
    assert p50(known, SHORT) == pytest.approx(0.2, rel=0.1)
    assert p50(known, LONG) == pytest.approx(0.8, rel=0.02)
    assert known.overall.within(0.5, 120.0) == pytest.approx(0.5)


def test_few_old_samples_are_not_believed() -> None:
    known = by_size(believed=Prior(10.0, 20.0))

    known.merge({class_of(SHORT): [interval(*[200] * (BELIEF_WEIGHT - 1), age_s=3600.0)]}, NOW_S)

    assert p50(known, SHORT) == p50(known, None) == pytest.approx(10.0)


def test_values_out_of_range_are_counted_over_all_sizes() -> None:
    assert by_size((7200.0, SHORT), (0.0, LONG), (0.25, LONG)).clamped == 2


def test_asking_for_all_sizes_hides_nothing_from_one_of_them() -> None:
    known = by_size((0.25, SHORT))
    assert known.of(SHORT).samples(0.0) == 1

    known.record(0.25, SHORT, 0.5)
    known.overall.samples(0.5)

    assert known.of(SHORT).samples(0.5) == 2


def test_a_few_samples_are_seen_at_once_and_many_within_a_quarter_of_a_second() -> None:
    known = by_size(*[(0.25, SHORT)] * 10)
    assert known.overall.samples(0.0) == 10

    known.record(0.25, LONG, 0.125)

    assert known.overall.samples(0.125) == 10
    assert known.overall.samples(0.25) == 11


@given(st.lists(st.tuples(st.integers(1, 100_000), st.integers(0, 20), st.booleans()), min_size=1, max_size=80))
def test_all_sizes_together_hold_what_each_of_them_holds(samples: list[tuple[int, int, bool]]) -> None:
    known = by_size()
    for units, octave, cut in samples:
        (known.record_censored if cut else known.record)(units / 1000, octave, 0.0)

    whole = known.overall.measured.fold(NOW_S)

    assert whole.count == sum(not cut for _, _, cut in samples) == sum(w.fold(NOW_S).count for _, w in known.windows())
    assert whole.censored == sum(cut for _, _, cut in samples)
    for size, window in known.windows():
        assert window.fold(NOW_S).samples == sum(class_of(octave) == size for _, octave, _ in samples)
