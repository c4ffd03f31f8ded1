"""The report as a person reads it: a table for each endpoint, the same columns under one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ...router.statistics.size_class import told
from ..printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from .figures import Report, Row

COLUMNS = ("metric", "prompt", "count", "cut off", "p50", "p90", "p95", "p99", "max", "covers")
LEFT = 2
"""Columns of words, before those of figures."""

UNKNOWN = "-"

NOTES = (
    "prompt: class of prompt sizes, in tokens.",
    "cut off: calls ended before their time, known only to take longer; quantiles count",
    "them as that. >: more than this, too many were cut off to say how much.",
)


def show(report: Report, console: Console) -> None:
    """Print everything."""
    if not report.rows:
        console.print(f"{_files(report)}: no latencies.", markup=False, soft_wrap=True)
        return
    cells = {id(row): _cells(row) for row in report.rows}
    widths = [max(map(len, column)) for column in zip(COLUMNS, *cells.values(), strict=True)]
    if not console.is_terminal:
        console.width = max(console.width, sum(widths) + len(widths))  # a file or a pipe has no edge
    console.print(f"{_files(report)}: {_time(report.rows)}.", markup=False, soft_wrap=True)
    for endpoint, rows in groupby(report.rows, key=lambda row: row.endpoint):
        console.print()
        console.print(_table(endpoint, widths, [cells[id(row)] for row in rows]))
    console.print()
    for line in NOTES:
        console.print(Text(line, style="dim"), soft_wrap=True)


def _table(endpoint: str, widths: Sequence[int], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=Text(printable(endpoint), style="bold"), title_justify="left", box=None, padding=(0, 1, 0, 0))
    for place, (name, width) in enumerate(zip(COLUMNS, widths, strict=True)):
        table.add_column(name, min_width=width, justify="left" if place < LEFT else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _cells(row: Row) -> tuple[str, ...]:
    beyond = row.longest_censored_s
    quantiles = (row.p50_s, row.p90_s, row.p95_s, row.p99_s)
    return (
        row.metric,
        "all" if row.size is None else told(row.size).removesuffix(" tokens"),
        str(row.count),
        str(row.censored),
        *(_more_than(beyond) if seconds is None else latency(seconds) for seconds in quantiles),
        _longest(row.max_s, beyond),
        duration(row.covered_s),
    )


def _longest(seen_s: float | None, cut_off_s: float | None) -> str:
    if seen_s is None or (cut_off_s is not None and cut_off_s > seen_s):
        return _more_than(cut_off_s)
    return latency(seen_s)


def _more_than(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f">{latency(seconds)}"


def latency(seconds: float) -> str:
    """Three digits of seconds, or of milliseconds below one: ``3.70ms``, ``412ms``, ``12.3s``."""
    value, unit = (seconds * 1000.0, "ms") if seconds < 1.0 else (seconds, "s")
    digits = 2 if value < 10.0 else 1 if value < 100.0 else 0
    return f"{value:.{digits}f}{unit}"


def duration(seconds: float) -> str:
    """In the largest unit of which there are two: ``60s``, ``12min``, ``3.5h``."""
    if seconds < 120.0:
        return f"{seconds:.0f}s"
    return f"{seconds / 60.0:.0f}min" if seconds < 7200.0 else f"{seconds / 3600.0:.1f}h"


def _files(report: Report) -> str:
    return printable(report.files[0]) if len(report.files) == 1 else f"{len(report.files)} files"


def _time(rows: Sequence[Row]) -> str:
    first = _date(min(row.from_epoch_s for row in rows))
    last = _date(max(row.until_epoch_s for row in rows))
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"


def _date(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)
