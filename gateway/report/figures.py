"""Statistics of one or more files in figures: distributions are added up first, quantiles are taken of the sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from ...router.errors import CorruptStatistics
from ...router.statistics import hlog
from ...router.statistics.fold import Fold
from ...router.statistics.hdr import Histogram, Scale
from ...router.statistics.hlog_reader import Recorded
from ...router.statistics.interval import Series
from ...router.statistics.snapshot import pour

MOST_SERIES = 20_000
"""Distributions of a report. Each takes up to 20 KB of memory."""

TOUCHING_S = 0.002
"""What rounding to milliseconds may leave between two intervals."""

METRICS = ("ttft", "total", "tpot", "gap", "slot_wait", "network")
"""In the order in which they are shown; others come after them."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One distribution. Seconds; None: not known.

    size: class of prompt sizes, None: all. count: latencies seen to their end. censored: those cut off.
    p50_s to p99_s: with those cut off taken into account; None where so many were that it lies beyond all others.
    max_s: the longest seen to its end. longest_censored_s: when the longest was cut off.
    from_epoch_s, until_epoch_s: seconds since 1970 UTC. covered_s: what of the time between was recorded.
    """

    endpoint: str
    metric: str
    size: int | None
    count: int
    censored: int
    p50_s: float | None
    p90_s: float | None
    p95_s: float | None
    p99_s: float | None
    max_s: float | None
    longest_censored_s: float | None
    from_epoch_s: float
    until_epoch_s: float
    covered_s: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that the files hold: a row for each endpoint, metric and class of prompt sizes."""

    files: list[str]
    rows: list[Row]


def read(files: Sequence[Path]) -> Report:
    """The report of these files together.

    Raises:
        CorruptStatistics: a file cannot be used.
        OSError: a file cannot be read.
    """
    held: dict[tuple[str, Series], _Held] = {}
    for path in files:
        for recorded in hlog.read(path):
            key = recorded.tag.endpoint, recorded.tag.series
            if key not in held:
                if len(held) == MOST_SERIES:
                    raise CorruptStatistics(f"more than {MOST_SERIES:,} distributions: report fewer files at once")
                held[key] = _Held(recorded.histogram.scale)
            held[key].add(recorded)
    rows = [each.row(endpoint, series) for (endpoint, series), each in held.items()]
    return Report(files=[_text(str(path)) for path in files], rows=sorted(rows, key=_place))


def _place(row: Row) -> tuple[str, int, str, int]:
    known = METRICS.index(row.metric) if row.metric in METRICS else len(METRICS)
    return row.endpoint, known, row.metric, -1 if row.size is None else row.size


class _Held:
    """One distribution, added up."""

    __slots__ = ("_censored", "_events", "_times")

    def __init__(self, scale: Scale) -> None:
        self._events = Histogram(scale)
        self._censored = Histogram(scale)
        self._times: list[tuple[float, float]] = []

    def add(self, recorded: Recorded) -> None:
        pour(recorded.histogram, self._censored if recorded.tag.censored else self._events)
        time = recorded.start_epoch_s, recorded.end_epoch_s
        if not self._times or self._times[-1] != time:
            self._times.append(time)

    def row(self, endpoint: str, series: Series) -> Row:
        events, censored = self._events, self._censored
        fold = Fold.of(events, censored)
        times = list(_united(self._times))
        return Row(
            endpoint=_text(endpoint),
            metric=series.metric,
            size=series.size,
            count=events.count,
            censored=censored.count,
            p50_s=_rounded(fold.quantile(0.50)),
            p90_s=_rounded(fold.quantile(0.90)),
            p95_s=_rounded(fold.quantile(0.95)),
            p99_s=_rounded(fold.quantile(0.99)),
            max_s=_rounded(_longest_s(events)),
            longest_censored_s=_rounded(_at_least_s(censored)),
            from_epoch_s=times[0][0],
            until_epoch_s=times[-1][1],
            covered_s=round(sum(until_s - from_s for from_s, until_s in times), 3),
        )


def _longest_s(histogram: Histogram) -> float | None:
    filled = histogram.filled()
    return histogram.highest_s(filled[-1][0]) if filled else None


def _at_least_s(histogram: Histogram) -> float | None:
    """What the longest was at least: the smallest value of its bucket."""
    filled = histogram.filled()
    return histogram.highest_s(filled[-1][0] - 1) + histogram.scale.unit_s if filled else None


def _rounded(seconds: float | None) -> float | None:
    """To whole microseconds: 51 units of a millisecond are 0.051000000000000004 s."""
    return None if seconds is None else round(seconds, 6)


def _text(name: str) -> str:
    """A name that can be encoded, whatever it was made of."""
    return name.encode("utf-8", "backslashreplace").decode()


def _united(times: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The same stretches of time in order, those that overlap or touch as one."""
    ordered = iter(sorted(times))
    from_s, until_s = next(ordered)
    for next_from_s, next_until_s in ordered:
        if next_from_s > until_s + TOUCHING_S:
            yield from_s, until_s
            from_s, until_s = next_from_s, next_until_s
        until_s = max(until_s, next_until_s)
    yield from_s, until_s
