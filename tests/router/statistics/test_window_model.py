"""`Window` against a plain list of its samples, whatever is done to it: nothing is lost, nothing counted twice."""

import math
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from paceline.router import Fold, Window, WindowShape
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.hdr import Filled, Histogram, bucket_of
from paceline.router.statistics.interval import Interval
from paceline.router.statistics.window import REFOLD_AFTER_S

from .keeping import histogram

SHAPE = WindowShape(periods=4, period_s=8.0)
UNITS = st.integers(1, 3_600_000)
SHARES = (0.05, 0.5, 0.9, 0.99, 1.0)


def filled(units: list[int]) -> list[Filled]:
    return sorted(Counter(map(bucket_of, units)).items())


class WindowAgainstAList(RuleBasedStateMachine):
    """The model: every sample with the number of the period it belongs to, its value, and whether it was cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.window = Window(MS, SHAPE)
        self.samples: list[tuple[int, int, bool]] = []

    @property
    def period(self) -> int:
        return int(self.now_s // SHAPE.period_s)

    def live(self, *, cut: bool, period: int | None = None) -> list[int]:
        return [
            units
            for at, units, was_cut in self.samples
            if at > self.period - SHAPE.periods and was_cut is cut and period in {None, at}
        ]

    @rule(units=UNITS, cut=st.booleans())
    def record(self, units: int, cut: bool) -> None:  # noqa: FBT001  hypothesis passes names
        (self.window.record_censored if cut else self.window.record)(units / 1000, self.now_s)
        self.samples.append((self.period, units, cut))

    @rule(eighths=st.integers(1, 100))
    def time_passes(self, eighths: int) -> None:
        self.now_s += eighths / 8

    @rule()
    def nothing_happens_for_long(self) -> None:
        self.now_s += SHAPE.periods * SHAPE.period_s

    @rule()
    def somebody_reads(self) -> None:
        self.window.fold(self.now_s)

    @rule()
    def somebody_reads_a_quarter_of_a_second_later(self) -> None:
        self.now_s += REFOLD_AFTER_S
        fold = self.window.fold(self.now_s)

        events, cut = self.live(cut=False), self.live(cut=True)
        expected = Fold.of(histogram(*events), histogram(*cut))
        assert (fold.count, fold.censored) == (len(events), len(cut))
        assert [fold.quantile(q) for q in SHARES] == [expected.quantile(q) for q in SHARES]
        if events and not cut:
            exact = [sorted(events)[max(1, math.ceil(q * len(events) - 1e-9)) - 1] for q in SHARES]
            found = [round(1000 * (fold.quantile(q) or 0.0)) for q in SHARES]
            assert all(value <= most <= value * 1.01 for value, most in zip(exact, found, strict=True))

    @rule(eighths=st.integers(0, 400), events=st.lists(UNITS, max_size=5), cut=st.lists(UNITS, max_size=3))
    def another_process_tells(self, eighths: int, events: list[int], cut: list[int]) -> None:
        ended_s = self.now_s - eighths / 8
        period = min(self.period, math.ceil(ended_s / SHAPE.period_s) - 1)
        told = Interval(age_s=eighths / 8, length_s=1.0, events=histogram(*events), censored=histogram(*cut))

        too_old = self.window.merge([told], self.now_s)

        assert (too_old == [told]) is (period <= self.period - SHAPE.periods)
        if not too_old:
            self.samples += [(period, units, False) for units in events]
            self.samples += [(period, units, True) for units in cut]

    @rule()
    def everything_moves_to_another_window(self) -> None:
        """As in a restart: what one window gives, another takes, and knows the same."""
        other = Window(MS, SHAPE)
        assert other.merge(self.window.intervals(self.now_s), self.now_s) == []
        self.window = other
        if self.now_s % SHAPE.period_s == 0.0:  # what has just begun ends now, and so with the period before
            self.samples = [(min(at, self.period - 1), units, cut) for at, units, cut in self.samples]

    @invariant()
    def it_holds_what_is_live(self) -> None:
        events, censored = self.window.filled(self.now_s)

        assert events == filled(self.live(cut=False))
        assert censored == filled(self.live(cut=True))
        assert self.window.is_empty(self.now_s) is (not events and not censored)
        assert self.window.clamped == 0

    @invariant()
    def its_intervals_are_its_periods_the_oldest_first(self) -> None:
        told = self.window.intervals(self.now_s)

        periods = sorted({at for at, _, _ in self.samples if at > self.period - SHAPE.periods})
        assert [(each.events.filled(), [] if each.censored is None else each.censored.filled()) for each in told] == [
            (filled(self.live(cut=False, period=period)), filled(self.live(cut=True, period=period)))
            for period in periods
        ]
        assert [each.age_s for each in told] == [max(0.0, self.now_s - (at + 1) * SHAPE.period_s) for at in periods]
        assert all(0.0 < each.length_s <= SHAPE.period_s for each in told)


WindowAgainstAList.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_a_window_holds_what_a_list_would_whatever_is_done_to_it = WindowAgainstAList.TestCase


def test_a_period_keeps_its_samples_apart_from_its_sum() -> None:
    """A histogram that was given away is nobody's to change any more."""
    window = Window(MS, SHAPE)
    window.record(0.25, 0.0)
    given: Histogram = window.intervals(0.0)[0].events

    window.record(0.25, 0.0)

    assert given.count == 1
    assert window.intervals(0.0)[0].events.count == 2
