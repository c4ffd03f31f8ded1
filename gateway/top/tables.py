"""Routes and endpoints, a row each. A narrow terminal has fewer columns, and never two lines to a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ..grid import Column, grid
from ..printable import printable
from .figures import passed, rate, reasons, seconds, share

if TYPE_CHECKING:
    from rich.table import Table

    from .snapshot import EndpointSeen, Promise, RouteSeen

WIDE = 110
"""Columns from which on there is room for everything."""

NAME_CELLS, WIDE_NAME_CELLS = 20, 32

GOOD, BAD, DOUBTFUL, QUIET = "green", "red", "yellow", "dim"
STYLES = {"in": GOOD, "out": BAD}
FULL, NEARLY_FULL = 1.0, 0.8
HALF_S = 0.5
"""What is less rounds to no seconds."""


def routes(seen: Sequence[RouteSeen], width: int) -> Table:
    """Each route: what it promises, and whether it is kept."""
    wide = width >= WIDE
    times = ("TTFT p50", "p95", "p99", "total p50", "p95", "p99") if wide else ("TTFT p50", "p95", "total p50", "p95")
    titles = (*times, "calls/s", "ok", "in time", *(("burn",) if wide else ()))
    columns = [_first("route", wide=wide), *(Column(title=title) for title in titles)]
    columns.append(Column(title="promised", words=True, style=QUIET))
    return grid(columns, [_route(route, wide=wide) for route in seen], gap=2 if wide else 1, fill=True)


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
    return [*cells, Text(_promised(promise, wide=wide))]


def _against(value: float | None, promised: float | None) -> Text:
    """A time, in a colour that says whether it is within what is promised."""
    if value is None or promised is None:
        return Text(seconds(value))
    return Text(seconds(value), style=GOOD if value <= promised else BAD)


def _success(value: float | None, promise: Promise) -> Text:
    if value is None or promise.success is None:
        return Text(share(value))
    return Text(share(value), style=GOOD if value >= promise.success else BAD)


def _promised(promise: Promise, *, wide: bool) -> str:
    """Such as ``0.8s / 6s``: to the first token, and to the last."""
    ttft, total = (None if each is None else f"{each:g}s" for each in (promise.ttft_s, promise.total_s))
    if ttft is None and total is None:
        return "-"
    if not wide:
        return f"{ttft or '-'} / {total or '-'}"
    told = [f"TTFT {ttft}" if ttft else "", f"total {total}" if total else ""]
    return ", ".join(each for each in told if each)


def endpoints(seen: Sequence[EndpointSeen], width: int) -> Table:
    """Each endpoint: whether it is in, how full it is, how fast, and what went wrong there."""
    wide = width >= WIDE
    columns = [_first("endpoint", wide=wide)]
    if wide:
        columns += [Column(title=title, words=True, most=NAME_CELLS, style=QUIET) for title in ("model", "region")]
    columns.append(Column(title="state", words=True))
    columns += [
        Column(title=title) for title in ("slots", "wait", "TTFT p50", "p95", *(("expected",) if wide else ()), "tries")
    ]
    columns.append(Column(title="errors", words=True))
    return grid(columns, [_endpoint(endpoint, wide=wide) for endpoint in seen], gap=2 if wide else 1, fill=True)


def _endpoint(endpoint: EndpointSeen, *, wide: bool) -> list[Text]:
    state = endpoint.state
    until = f" {passed(endpoint.until_s)}" if endpoint.until_s and endpoint.until_s >= HALF_S else ""
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


def _first(title: str, *, wide: bool) -> Column:
    return Column(title=title, words=True, most=WIDE_NAME_CELLS if wide else NAME_CELLS)


def _name(name: str) -> Text:
    return Text(printable(name), style="bold")
