"""Everything learned about one endpoint: its distributions, its last few calls, and the outlook both make.

`dispatch` tells it what attempts came to; policies ask it for an outlook. A failure is no latency, however fast; what
was cut off is a latency of at least so long; and an answer whose reader was slow says nothing of the endpoint.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from ..ledger import CANCELLED, OK, TIMED_OUT
from ..operation import EMBEDDING
from .by_load import ByLoad
from .by_size import BySize
from .crowding import Crowding
from .hdr import MILLISECONDS_TO_AN_HOUR, TEN_MICROSECONDS_TO_A_MINUTE
from .interval import Series
from .latency import Latency
from .memory import Memory
from .outlook import Outlook
from .recent import Recent
from .slowness import Lately
from .under_way import UnderWay
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..ledger import Attempt
    from ..profile import Profile
    from ..remembered import Pulse
    from .interval import Interval
    from .window import WindowShape

SLOW_READER = 0.1
"""Share of an attempt's time that the caller may have held it up by, for its times to count."""

NETWORK_WEIGHT = 0.2
"""Weight of one new connection in the smoothed network time."""

FRESH_S = 0.01
"""Seconds an outlook is good for. Balancers look at it for every call, while rankings are kept for longer."""

SHORTEST_S = 0.001
"""What took less counts as this long: it is not out of range."""


METRICS = {
    "ttft": MILLISECONDS_TO_AN_HOUR,
    "total": MILLISECONDS_TO_AN_HOUR,
    "tpot": TEN_MICROSECONDS_TO_A_MINUTE,
    "gap": MILLISECONDS_TO_AN_HOUR,
    "slot_wait": MILLISECONDS_TO_AN_HOUR,
    "network": MILLISECONDS_TO_AN_HOUR,
}
"""What is measured of an endpoint, with the scale of its histograms."""


class Load(Protocol):
    """What an endpoint is at."""

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        ...


class Learned:
    """What is known of one endpoint. All times are seconds on the router's clock.

    ttft: time to first token, by size of prompt. total: whole answers. tpot: time per output token, by load.
    crowding: what load does to the time to first token.
    gap: the longest gap of each answer; of one that was given up, at least that and the last.
    slot_wait: for a slot, of those that waited. network: to open a connection.
    recent: its last few calls. under_way: those of its answers that come slowly.
    network_s: smoothed seconds to open a connection, None before the first. connections:
    how many of them were measured.
    """

    __slots__ = (
        "_expires_s", "_lately", "_load", "_outlooks", "_pulse", "_thought_unknown", "connections",
        "crowding", "gap", "network", "network_s", "recent", "slot_wait", "total", "tpot", "ttft",
        "under_way",
    )  # fmt: skip

    def __init__(self, profile: Profile | None, shape: WindowShape, pulse: Pulse, load: Load) -> None:
        self.ttft = BySize(METRICS["ttft"], shape, None if profile is None else profile.ttft())
        self.total = Latency(Window(METRICS["total"], shape), None if profile is None else profile.total())
        self.tpot = ByLoad(METRICS["tpot"], shape, None if profile is None else profile.tpot())
        self.gap = Window(METRICS["gap"], shape)
        self.slot_wait = Window(METRICS["slot_wait"], shape)
        self.network = Window(METRICS["network"], shape)
        self.crowding = Crowding()
        self.recent = Recent()
        self.under_way = UnderWay()
        self.network_s: float | None = None
        self.connections = 0
        self._pulse = pulse
        self._load = load
        self._outlooks: dict[int | None, Outlook] = {}
        self._expires_s = -math.inf
        self._lately: Lately | None = None
        self._thought_unknown = False

    # -- what is asked

    def outlook(self, now_s: float, size: int | None = None) -> Outlook:
        """What a call sent now may expect; at most a hundredth of a second old.

        size: octave of its prompt's size; None: any.
        """
        lately = self._lately
        if lately is None or now_s >= self._expires_s:
            lately = self._look_again(now_s)
        outlook = self._outlooks.get(size)
        if outlook is None:
            outlook = self._outlooks[size] = Outlook(
                self.ttft.of(size),
                self.total,
                self.tpot.at(self._load.in_flight + 1),
                lately,
                now_s,
                crowd=self.crowding.of(self._load.in_flight + 1),
            )
        return outlook

    def _look_again(self, now_s: float) -> Lately:
        self._outlooks.clear()
        self._expires_s = now_s + FRESH_S
        known = self.ttft.is_known(now_s) or self.total.measured.count(now_s) > 0
        self._thought_unknown = not known
        self._lately = Lately(self.ttft, self.tpot, self.recent, self.under_way, now_s, known=known)
        return self._lately

    def series(self) -> Iterator[tuple[Series, Window]]:
        """Every distribution there is."""
        for size, window in self.ttft.windows():
            yield Series("ttft", size), window
        for metric, window in self._unsized().items():
            yield Series(metric), window

    def restore(self, known: Mapping[Series, Sequence[Interval]], now_s: float) -> None:
        """Take in what was learned before, or elsewhere; a metric that is not known here is left.

        What is as young as the windows goes into them. What is older is believed, where there are enough samples of it,
        in place of the profile: it was measured.
        """

        def of(metric: str) -> Sequence[Interval]:
            return known.get(Series(metric), ())

        sizes = {series.size: intervals for series, intervals in known.items() if series.metric == "ttft"}
        self.ttft.merge({size: intervals for size, intervals in sizes.items() if size is not None}, now_s)
        self.tpot.merge(of("tpot"), now_s)
        remembered = Memory.of(self.total.measured.merge(of("total"), now_s))
        if remembered is not None:
            self.total.believe(remembered)
        for metric, window in (("gap", self.gap), ("slot_wait", self.slot_wait), ("network", self.network)):
            window.merge(of(metric), now_s)
        self._expires_s = -math.inf

    def _unsized(self) -> dict[str, Window]:
        return {
            "total": self.total.measured,
            "tpot": self.tpot.overall.measured,
            "gap": self.gap,
            "slot_wait": self.slot_wait,
            "network": self.network,
        }

    # -- what dispatch tells

    def sent(self, attempt: Attempt) -> None:
        """An attempt is on its way. One asked for in one piece is silent until it ends, and says nothing by that."""
        if attempt.streamed:
            self.recent.sent(attempt, attempt.sent_s)
        if attempt.slot_wait_s > 0.0:
            self.slot_wait.record(max(SHORTEST_S, attempt.slot_wait_s), attempt.sent_s)

    def spoke(self, attempt: Attempt, now_s: float) -> None:
        """An attempt has its first progress."""
        if not attempt.streamed:
            return
        ttft_s = now_s - attempt.sent_s
        ratio = self.ttft.record(ttft_s, attempt.size, now_s)
        times = self.crowding.sample(ratio, attempt.in_flight)
        self.recent.spoke(attempt, ttft_s / times, now_s)  # so that a step is told from a crowd
        if self._thought_unknown:
            self._thought_unknown = False
            self._startle(now_s)

    def finished(self, attempt: Attempt, now_s: float, *, blame: bool) -> None:
        """An attempt is over; its outcome says how. *blame*: a failure is the endpoint's, not the caller's."""
        if attempt.connect_s is not None:
            self._measure_network(attempt.connect_s, now_s)
        if attempt.first_progress_s is None and attempt.streamed:
            self._never_spoke(attempt, now_s)
        self._measure_answer(attempt, now_s)
        if self.under_way.dragging:
            self._no_longer_under_way(attempt, now_s)
        if attempt.outcome is OK or blame:
            self.recent.outcome(failed=blame, now_s=now_s)
        if blame or attempt.outcome is TIMED_OUT:
            self._startle(now_s)

    def goes_on(self, attempt: Attempt, now_s: float) -> None:
        """An attempt is still under way: if its answer comes much slower than usual, that is known before its end."""
        if attempt.held_s <= SLOW_READER * (now_s - attempt.sent_s):
            self.under_way.goes_on(attempt, self.tpot.at(attempt.in_flight).quantile(0.5, now_s))

    def _no_longer_under_way(self, attempt: Attempt, now_s: float) -> None:
        """One that dragged may be over, or be overtaken. What was cut off tells its pace all the same."""
        pace_s = self.under_way.over(attempt)
        if attempt.outcome is not OK:
            if pace_s is not None:
                self.recent.tpot.sample(pace_s, attempt.in_flight, now_s)
        elif attempt.tpot_s is not None:
            self.under_way.overtaken(attempt, attempt.tpot_s, self.tpot.at(attempt.in_flight).quantile(0.5, now_s))

    def _never_spoke(self, attempt: Attempt, now_s: float) -> None:
        self.recent.forget(attempt)
        after_s = now_s - attempt.sent_s
        if attempt.outcome is TIMED_OUT:
            self.recent.timed_out(attempt, after_s, now_s)
        if _is_cut_off(attempt):
            self.ttft.record_censored(after_s, attempt.size, now_s)

    def _measure_answer(self, attempt: Attempt, now_s: float) -> None:
        after_s = now_s - attempt.sent_s
        if attempt.held_s > SLOW_READER * after_s:
            return  # how long it took says more about the reader than about the endpoint
        if attempt.operation is EMBEDDING and not attempt.streamed:
            return  # of an endpoint that writes as well: its time is no answer's
        gap_s, outcome = attempt.longest_gap_s, attempt.outcome
        if outcome is TIMED_OUT and attempt.last_progress_s is not None:
            self.gap.record_censored(max(gap_s or 0.0, now_s - attempt.last_progress_s), now_s)
        elif gap_s is not None:
            self.gap.record(gap_s if gap_s > SHORTEST_S else SHORTEST_S, now_s)  # noqa: FURB136  the hot path
        if outcome is OK:
            self.total.measured.record(after_s, now_s)
            tpot_s = attempt.tpot_s
            if tpot_s is not None:
                self.tpot.record(tpot_s, attempt.in_flight, now_s)
                self.recent.tpot.sample(tpot_s, attempt.in_flight, now_s)
                self.under_way.ended(attempt)
        elif _is_cut_off(attempt) or attempt.first_progress_s is not None:
            self.total.measured.record_censored(after_s, now_s)

    def _startle(self, now_s: float) -> None:
        """Something happened that must be seen at once."""
        self._expires_s = -math.inf
        self._pulse.beat(now_s)

    def _measure_network(self, connect_s: float, now_s: float) -> None:
        self.network.record(max(SHORTEST_S, connect_s), now_s)
        before_s = connect_s if self.network_s is None else self.network_s
        self.network_s = before_s + NETWORK_WEIGHT * (connect_s - before_s)
        self.connections += 1


def _is_cut_off(attempt: Attempt) -> bool:
    return attempt.outcome is TIMED_OUT or attempt.outcome is CANCELLED
