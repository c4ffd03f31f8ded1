"""`Latency`: what was measured, leaning on what was believed, and neither taken for the other."""

import pytest

from paceline.router import Prior, Window, WindowShape
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.latency import BELIEF_WEIGHT, Latency
from paceline.router.statistics.window import REFOLD_AFTER_S

BELIEVED = Prior(1.0, 2.0)


def latency(*values_s: float, prior: Prior | None = None, cut_s: tuple[float, ...] = ()) -> Latency[Window]:
    made = Latency(Window(MS, WindowShape()), prior)
    for value_s in values_s:
        made.measured.record(value_s, 0.0)
    for value_s in cut_s:
        made.measured.record_censored(value_s, 0.0)
    return made


def test_with_neither_samples_nor_a_prior_nothing_is_known() -> None:
    unknown = latency()

    assert unknown.quantile(0.5, 0.0) is None
    assert unknown.within(10.0, 0.0) is None
    assert unknown.samples(0.0) == 0


def test_without_samples_the_prior_stands_alone() -> None:
    believed = latency(prior=BELIEVED)

    assert believed.quantile(0.5, 0.0) == pytest.approx(1.0)
    assert believed.quantile(0.95, 0.0) == pytest.approx(2.0)
    assert believed.within(1.0, 0.0) == pytest.approx(0.5)


def test_without_a_prior_the_samples_stand_alone() -> None:
    measured = latency(0.25, 0.25, 0.25, 1.0)

    assert measured.quantile(0.5, 0.0) == 0.25
    assert measured.within(0.5, 0.0) == 0.75


def test_both_are_weighed_by_their_number_of_samples() -> None:
    both = latency(*[0.25] * BELIEF_WEIGHT, prior=BELIEVED)

    assert both.quantile(0.5, 0.0) == pytest.approx((0.25 + 1.0) / 2)
    assert both.within(1.0, 0.0) == pytest.approx((1.0 + 0.5) / 2)


def test_many_samples_outweigh_the_prior() -> None:
    measured = latency(*[0.25] * 99 * BELIEF_WEIGHT, prior=BELIEVED)

    assert measured.quantile(0.5, 0.0) == pytest.approx(0.25 * 0.99 + 1.0 * 0.01)


def test_what_was_cut_off_is_counted_apart() -> None:
    cut = latency(0.25, cut_s=(1.0, 2.0))

    assert cut.samples(0.0) == 1
    assert cut.censored(0.0) == 2


def test_a_prior_does_not_hide_that_most_calls_are_cut_off() -> None:
    always_cut = latency(prior=BELIEVED, cut_s=(30.0,) * 1000)

    chance, p95_s = always_cut.within(4.0, 0.0), always_cut.quantile(0.95, 0.0)

    assert chance is not None
    assert chance < 0.1
    assert p95_s is None or p95_s >= 4.0


def test_a_prior_does_not_hide_that_the_slow_half_is_cut_off() -> None:
    half_cut = latency(*[0.25] * 1000, prior=BELIEVED, cut_s=(30.0,) * 1000)

    p95_s = half_cut.quantile(0.95, 0.0)

    assert p95_s is None or p95_s >= 4.0


@pytest.mark.parametrize("prior", [None, BELIEVED, Prior(1.0, 1.0)], ids=["none", "spread", "certain"])
def test_the_mean_chance_of_several_times_is_that_of_their_chances(prior: Prior | None) -> None:
    distribution = latency(*[0.25] * 5, 0.5, 3.0, prior=prior, cut_s=(1.0,)).as_of(0.0)
    times_s = (-1.0, 0.0, 0.25, 0.7, 1.0, 2.0, 8.0)
    assert distribution is not None

    mean = distribution.mean_within(times_s)

    assert mean == pytest.approx(sum(distribution.within(t_s) for t_s in times_s) / len(times_s))


def test_a_distribution_stays_the_same_object_until_something_changes() -> None:
    few = latency(0.25, prior=BELIEVED)
    before = few.as_of(0.0)

    assert few.as_of(0.0) is before
    for _ in range(3):
        few.measured.record(0.5, 0.0)

    assert few.as_of(0.0) is not before


def test_of_many_samples_nothing_need_be_looked_at_for_a_quarter_of_a_second() -> None:
    many = latency(*[0.25] * 1000, prior=BELIEVED)
    before = many.as_of(1.0)
    for _ in range(1000):
        many.measured.record(4.0, 1.0)

    assert many.as_of(1.0 + REFOLD_AFTER_S / 2) is before
    assert many.within(1.0, 1.0 + REFOLD_AFTER_S) == pytest.approx((1000 + 20 * 0.5) / 2020)


def test_another_belief_is_leaned_on_at_once() -> None:
    many = latency(*[0.25] * 180, prior=BELIEVED)
    assert many.within(0.5, 0.0) == pytest.approx(0.9, abs=0.01)

    many.believe(Prior(0.1, 0.2))

    assert many.within(0.5, 0.0) == pytest.approx(1.0, abs=0.001)
