"""A report as text, for a terminal of 80 columns: routes side by side, endpoints one below the other.

A table is a list of rows of cells, the first row its head. Whoever wants colours lays the same cells out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .percentiles import Percentiles
    from .report import EndpointReport, Report, RouteReport

Table: TypeAlias = Sequence[Sequence[str]]

UNKNOWN = "-"
GAP = " "

SELDOM = frozenset({"cancelled", "in time", "timeouts", "fallbacks", "hedges", "cost"})
NOTHING = frozenset({UNKNOWN, "0"})


def routes_table(report: Report) -> Table:
    """A column for each route, a row for each figure; what is rare is left out where there was none."""
    routes = report.by_route
    rows = [["route", *routes]]
    for name, figure in ROUTE_FIGURES.items():
        cells = [figure(route) for route in routes.values()]
        if name not in SELDOM or not NOTHING.issuperset(cells):
            rows.append([name, *cells])
    rows += by_reason("retries", [route.retries for route in routes.values()])
    rows += by_reason("failures", [route.failures for route in routes.values()])
    return rows


def endpoints_table(report: Report) -> Table:
    """A row for each endpoint, a column for each figure."""
    rows = [["endpoint", *ENDPOINT_FIGURES]]
    rows += [
        [name, *(figure(endpoint) for figure in ENDPOINT_FIGURES.values())]
        for name, endpoint in report.by_endpoint.items()
    ]
    return rows


def by_reason(name: str, counts: Sequence[Mapping[str, int]]) -> list[list[str]]:
    """How many in all, and below it how many for each reason."""
    reasons = sorted({reason for count in counts for reason in count})
    return [
        [name, *(str(sum(count.values())) for count in counts)],
        *([f"  {reason}", *(str(count.get(reason, 0)) for count in counts)] for reason in reasons),
    ]


def plain(table: Table) -> str:
    """The table in columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        GAP.join(cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in table)
    )
    return "\n".join(line.rstrip() for line in lines)


def seconds(value: float | None) -> str:
    """Such as ``0.293``."""
    return UNKNOWN if value is None else f"{value:.3f}"


def percent(value: float | None) -> str:
    """Such as ``99.7%``."""
    return UNKNOWN if value is None else f"{value:.1%}"


def number(value: float | None) -> str:
    """Such as ``66``; one decimal below ten."""
    if value is None:
        return UNKNOWN
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def spread(measured: Percentiles) -> str:
    """The three percentiles, in seconds."""
    return " ".join(f"{seconds(value):>6}" for value in (measured.p50, measured.p95, measured.p99))


ROUTE_FIGURES: dict[str, Callable[[RouteReport], str]] = {
    "calls": lambda route: f"{route.calls} ({number(route.per_minute)}/min)",
    "cancelled": lambda route: str(route.cancelled),
    "success": lambda route: percent(route.success),
    "error budget burn": lambda route: UNKNOWN if route.burn is None else f"{route.burn:.1f}x",
    "in time": lambda route: percent(route.in_time),
    "TTFT p50 p95 p99, s": lambda route: spread(route.ttft_s),
    "total p50 p95 p99, s": lambda route: spread(route.total_s),
    "tokens/s": lambda route: number(route.tokens_per_s),
    "tokens in / out": lambda route: " / ".join(
        (number(route.input_tokens.each.p50), number(route.output_tokens.each.p50))
    ),
    "timeouts": lambda route: str(route.timeouts),
    "fallbacks": lambda route: str(route.fallbacks),
    "hedges": lambda route: str(route.hedges),
    "cost": lambda route: UNKNOWN if route.cost is None else f"{route.cost:.4f}",
}
"""Tokens are those of the median call."""

ENDPOINT_FIGURES: dict[str, Callable[[EndpointReport], str]] = {
    "tries": lambda endpoint: str(endpoint.attempts),
    "success": lambda endpoint: percent(endpoint.success),
    "TTFT p50": lambda endpoint: seconds(endpoint.ttft_s.p50),
    "p95": lambda endpoint: seconds(endpoint.ttft_s.p95),
    "total p95": lambda endpoint: seconds(endpoint.total_s.p95),
    "tok/s": lambda endpoint: number(endpoint.tokens_per_s),
    "timeouts": lambda endpoint: str(endpoint.timeouts),
    "retried": lambda endpoint: str(sum(endpoint.retries.values())),
}
