"""Routes and endpoints, a row each. A narrow terminal has fewer columns, and never two lines to a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ..report.table import printable
from .figures import passed, rate, reasons, seconds, share

if TYPE_CHECKING:
    from .snapshot import EndpointSeen, Promise, RouteSeen

WIDE = 110
"""Columns from which on there is room for everything."""

NAME_CELLS, WIDE_NAME_CELLS = 20, 32

GOOD, BAD, DOUBTFUL, QUIET = "green", "red", "yellow", "dim"
STYLES = {"in": GOOD, "out": BAD}
FULL, NEARLY_FULL = 1.0, 0.8


def routes(seen: Sequence[RouteSeen], width: int) -> Table:
    """Each route: what it promises, and whether it is kept."""
    wide = width >= WIDE
    table = _table("route", wide=wide)
    titles = ["TTFT p50", "p95", *(["p99"] if wide else []), "total p50", "p95", *(["p99"] if wide else [])]
    for title in (*titles, "calls/s", "ok", "in time", *(["burn"] if wide else [])):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("promised", no_wrap=True, style=QUIET)
    for route in seen:
        table.add_row(*_route(route, wide=wide))
    return table


def _route(route: RouteSeen, *, wide: bool) -> list[Text]:
    promise, ttft, total = route.objective, route.ttft, route.total
    cells = [
        _name(route.name),
        Text(seconds(ttft.p50)),
        _against(ttft.p95, promise.ttft_s),
        *([Text(seconds(ttft.p99))] if wide else []),
        Text(seconds(total.p50)),
        _against(total.p95, promise.total_s),
        *([Text(seconds(total.p99))] if wide else []),
        Text(rate(route.calls_per_s)),
        _success(route.success, promise),
        Text(share(route.in_time)),
    ]
    if wide:
        burn = route.burn
        cells.append(Text("-" if burn is None else f"{burn:.1f}x", style=BAD if burn is not None and burn > 1 else ""))
    return [*cells, Text(_promised(promise))]


def _against(value: float | None, promised: float | None) -> Text:
    """A time, in a colour that says whether it is within what is promised."""
    if value is None or promised is None:
        return Text(seconds(value))
    return Text(seconds(value), style=GOOD if value <= promised else BAD)


def _success(value: float | None, promise: Promise) -> Text:
    if value is None or promise.success is None:
        return Text(share(value))
    return Text(share(value), style=GOOD if value >= promise.success else BAD)


def _promised(promise: Promise) -> str:
    told = [f"TTFT {seconds(promise.ttft_s)}"] if promise.ttft_s is not None else []
    told += [f"total {seconds(promise.total_s)}"] if promise.total_s is not None else []
    return ", ".join(told) or "-"


def endpoints(seen: Sequence[EndpointSeen], width: int) -> Table:
    """Each endpoint: whether it is in, how full it is, how fast, and what went wrong there."""
    wide = width >= WIDE
    table = _table("endpoint", wide=wide)
    if wide:
        table.add_column("model", no_wrap=True, style=QUIET, max_width=NAME_CELLS)
        table.add_column("region", no_wrap=True, style=QUIET, max_width=14)
    table.add_column("state", no_wrap=True)
    for title in ("slots", "wait", "TTFT p50", "p95", *(["expected"] if wide else []), "tries"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("errors", no_wrap=True, overflow="ellipsis", ratio=1)
    for endpoint in seen:
        table.add_row(*_endpoint(endpoint, wide=wide))
    return table


def _endpoint(endpoint: EndpointSeen, *, wide: bool) -> list[Text]:
    state = endpoint.state
    until = f" {passed(endpoint.until_s)}" if endpoint.until_s else ""
    errors = reasons(endpoint.failures)
    if state != "in" and endpoint.why:
        errors = f"{errors}{'; ' if errors else ''}{endpoint.why}"
    return [
        _name(endpoint.name),
        *([Text(printable(endpoint.model)), Text(printable(endpoint.region))] if wide else []),
        Text(f"{printable(state)}{until}", style=STYLES.get(state, DOUBTFUL)),
        _slots(endpoint),
        Text(str(endpoint.waiting or "-"), style=DOUBTFUL if endpoint.waiting else QUIET),
        Text(seconds(endpoint.ttft.p50)),
        Text(seconds(endpoint.ttft.p95)),
        *([Text(seconds(endpoint.expected_ttft_s), style=QUIET)] if wide else []),
        Text(f"{endpoint.attempts:,}"),
        Text(printable(errors), style=BAD if endpoint.failed else DOUBTFUL),
    ]


def _slots(endpoint: EndpointSeen) -> Text:
    if endpoint.limit is None:
        return Text(str(endpoint.in_flight))
    load = endpoint.load
    style = BAD if load >= FULL else DOUBTFUL if load >= NEARLY_FULL else ""
    return Text(f"{endpoint.used}/{endpoint.limit}", style=style)


def _table(first: str, *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 2 if wide else 1, 0, 0), header_style="bold", expand=True)
    cells = WIDE_NAME_CELLS if wide else NAME_CELLS
    table.add_column(first, no_wrap=True, overflow="ellipsis", max_width=cells, min_width=min(12, cells))
    return table


def _name(name: str) -> Text:
    return Text(printable(name), style="bold")
