"""`Memory`: what was measured long ago is believed, until something is measured now."""

import pytest

from paceline.router import Window, WindowShape
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.latency import BELIEF_WEIGHT, Latency
from paceline.router.statistics.memory import Memory

from .keeping import interval


def remembered(*units: int, cut: tuple[int, ...] = ()) -> Memory:
    memory = Memory.of([interval(*units, cut=cut, age_s=86_400.0)])
    assert memory is not None
    return memory


def test_of_nothing_there_is_no_memory() -> None:
    assert Memory.of([]) is None


def test_fewer_samples_than_a_belief_is_worth_are_not_believed() -> None:
    assert Memory.of([interval(*[250] * (BELIEF_WEIGHT - 1))]) is None
    assert Memory.of([interval(*[250] * BELIEF_WEIGHT)]) is not None


def test_what_was_cut_off_alone_is_not_believed() -> None:
    assert Memory.of([interval(cut=[250] * 1000)]) is None


def test_intervals_are_added_up() -> None:
    memory = Memory.of([interval(*[100] * 30), interval(*[200] * 60, age_s=10.0), interval(*[300] * 10, age_s=20.0)])

    assert memory is not None
    assert [memory.within(t_s) for t_s in (0.1, 0.2, 0.3)] == pytest.approx([0.3, 0.9, 1.0])
    assert memory.mean_within((0.1, 0.2, 0.3)) == pytest.approx((0.3 + 0.9 + 1.0) / 3)
    assert [memory.quantile(q) for q in (0.3, 0.9)] == pytest.approx([0.1, 0.2])


def test_what_was_cut_off_is_remembered_as_such() -> None:
    half = remembered(*[100] * 50, cut=(1000,) * 50)

    assert half.within(60.0) == pytest.approx(0.5)
    assert half.quantile(0.9) is None


def test_it_does_not_age() -> None:
    memory = remembered(*[250] * 50)

    assert memory.as_of(0.0).quantile(0.5) == memory.as_of(1e9).quantile(0.5) == 0.25


def test_what_is_measured_now_soon_outweighs_it() -> None:
    latency = Latency(Window(MS, WindowShape()), remembered(*[1000] * 10_000))
    for _ in range(19 * BELIEF_WEIGHT):
        latency.measured.record(0.1, 0.0)

    assert latency.within(0.5, 0.5) == pytest.approx(0.95)
