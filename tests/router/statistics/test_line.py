"""`Line`: what a latency is where nobody has measured it yet, from what it was elsewhere."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router.statistics.line import Line

SIZES = (100.0, 400.0, 1600.0, 6400.0)
BASE_S, SLOPE_S = 0.2, 0.000_1
"""A lone prompt of 6,400 tokens takes four times as long as an empty one."""

Samples = list[tuple[float, float]]


def true_s(x: float) -> float:
    return BASE_S + SLOPE_S * x


def line(*samples: tuple[float, float]) -> Line:
    made = Line()
    for value_s, x in samples:
        made.sample(value_s, x)
    return made


def at(of: Line, x: float) -> float:
    found = of.at(x)
    assert found is not None
    return found


def mixed(samples: int, *, noise: float = 0.0, stragglers: float = 0.0, seed: int = 7) -> Samples:
    """Samples of all sizes in turn. *noise*: sd of the logarithm. *stragglers*: share that takes 20 times longer."""
    dice = random.Random(seed)
    return [
        (
            true_s(SIZES[number % len(SIZES)])
            * dice.lognormvariate(0.0, noise)
            * (20.0 if dice.random() < stragglers else 1.0),
            SIZES[number % len(SIZES)],
        )
        for number in range(samples)
    ]


def test_before_the_first_sample_it_knows_nothing() -> None:
    assert Line().at(100.0) is None


def test_one_sample_says_nothing_of_how_it_grows() -> None:
    known = line((0.25, 1000.0))

    assert [at(known, x) for x in (1.0, 1000.0, 8000.0)] == pytest.approx([0.25] * 3)


@pytest.mark.parametrize("x", [50.0, 800.0, 3200.0, 12_800.0])
def test_a_size_that_was_never_seen_lies_on_the_line_of_those_that_were(x: float) -> None:
    assert at(line(*mixed(60)), x) == pytest.approx(true_s(x), rel=0.03)


@pytest.mark.parametrize("x", SIZES)
def test_noise_averages_out(x: float) -> None:
    assert at(line(*mixed(400, noise=0.25)), x) == pytest.approx(true_s(x), rel=0.12)


def test_where_the_size_does_not_matter_the_line_is_flat() -> None:
    dice = random.Random(7)
    known = line(*((0.25 * dice.lognormvariate(0.0, 0.25), dice.choice(SIZES)) for _ in range(400)))

    assert at(known, SIZES[-1]) == pytest.approx(at(known, SIZES[0]), rel=0.15)


def test_a_latency_that_falls_with_x_is_taken_for_constant_and_never_falls_below_nothing() -> None:
    known = line(*((0.5 / x, x) for _ in range(20) for x in (1.0, 2.0, 4.0)))

    assert at(known, 1.0) == pytest.approx(at(known, 1000.0))


@pytest.mark.parametrize("place", SIZES)
def test_a_straggler_twenty_times_as_long_moves_it_by_three_percent_at_most(place: float) -> None:
    known = line(*mixed(40))
    before_s = [at(known, x) for x in SIZES]

    known.sample(20.0 * true_s(place), place)

    assert [at(known, x) for x in SIZES] == pytest.approx(before_s, rel=0.03)


@pytest.mark.parametrize("x", SIZES)
def test_a_few_percent_of_stragglers_hardly_lift_it(x: float) -> None:
    assert at(line(*mixed(400, stragglers=0.02)), x) == pytest.approx(true_s(x), rel=0.04)


@pytest.mark.parametrize("x", SIZES)
def test_a_straggler_at_the_very_beginning_is_forgotten(x: float) -> None:
    known = line((20.0 * true_s(6400.0), 6400.0), *mixed(80))

    assert at(known, x) == pytest.approx(true_s(x), rel=0.05)


@pytest.mark.parametrize("x", SIZES)
def test_what_changes_for_good_is_followed(x: float) -> None:
    known = line(*((0.25, size) for _, size in mixed(100)))

    for value_s, size in mixed(400):
        known.sample(value_s, size)

    assert at(known, x) == pytest.approx(true_s(x), rel=0.03)


VALUES = st.floats(0.001, 3600.0)
XS = st.floats(1.0, 100_000.0)
ANY = st.lists(st.tuples(VALUES, XS), min_size=1, max_size=40)


@given(ANY, XS, XS)
def test_it_is_never_negative_and_never_falls(samples: Samples, x: float, y: float) -> None:
    known = line(*samples)

    low_s, high_s = at(known, min(x, y)), at(known, max(x, y))

    assert low_s >= 0.0
    assert low_s <= high_s * (1.0 + 1e-9) + 1e-9


@given(ANY, XS)
def test_it_stays_within_what_was_seen_where_it_was_seen(samples: Samples, x: float) -> None:
    low_s, high_s = min(value_s for value_s, _ in samples), max(value_s for value_s, _ in samples)
    known = line(*((value_s, x) for value_s, _ in samples))

    assert low_s * (1.0 - 1e-6) <= at(known, x) <= high_s * (1.0 + 1e-6)


@given(ANY, XS, st.sampled_from([0.01, 8.0]), st.sampled_from([0.5, 16.0]))
def test_neither_the_unit_of_time_nor_that_of_x_matters(
    samples: Samples, x: float, slower: float, larger: float
) -> None:
    known = line(*samples)
    scaled = line(*((value_s * slower, size * larger) for value_s, size in samples))

    assert at(scaled, x * larger) == pytest.approx(at(known, x) * slower, rel=1e-6)
