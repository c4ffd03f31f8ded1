"""The comparison as a person reads it: a table for each route, and whether its objective is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from .comparison import Comparison, RouteComparison
    from .figures import Estimate
    from .recording import Recording

UNKNOWN = "-"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _money(value: float) -> str:
    return f"{1000 * value:.3f}"


ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("success", "success", _percent),
    ("within objective", "in_time", _percent),
    ("TTFT p50, s", "ttft_p50_s", _seconds),
    ("TTFT p95, s", "ttft_p95_s", _seconds),
    ("TTFT p99, s", "ttft_p99_s", _seconds),
    ("end to end p50, s", "total_p50_s", _seconds),
    ("end to end p95, s", "total_p95_s", _seconds),
    ("cost of 1,000 calls", "cost_per_call", _money),
    ("429s, of calls", "limited_per_call", _percent),
    ("retries, of calls", "retries_per_call", _percent),
    ("fallbacks, of calls", "fallbacks_per_call", _percent),
    ("hedges, of calls", "hedges_per_call", _percent),
)


def show(comparison: Comparison, recording: Recording, console: Console) -> None:
    """Print everything."""
    runs = "one run" if len(comparison.seeds) == 1 else f"{len(comparison.seeds)} runs"
    told = f"{len(recording.calls):,} calls in {comparison.length_s:,.0f} s, {runs} of each configuration."
    console.print(told, soft_wrap=True)
    if recording.cut:
        console.print(f"{recording.cut} lines end in the middle and were left out.", soft_wrap=True)
    for route in comparison.routes:
        console.print()
        console.print(_table(route))
        console.print(Text(_verdict(route), style="bold red" if route.is_broken else ""), soft_wrap=True)


def _table(route: RouteComparison) -> Table:
    table = Table(title=f"{route.route}: {route.calls:,} calls", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("recorded", justify="right")
    if route.old is not None:
        table.add_column("old", justify="right")
    table.add_column("new", justify="right")
    table.add_column("95 %", justify="right", style="dim")
    if route.difference is not None:
        table.add_column("new - old", justify="right")
        table.add_column("95 %", justify="right", style="dim")
    for title, name, form in ROWS:
        cells = [title, _value(route.recorded[name], form)]
        if route.old is not None:
            cells.append(_value(route.old[name], form))
        cells += [_value(route.new[name], form), _interval(route.new[name], form)]
        if route.difference is not None:
            signed = _signed(form)
            cells += [_value(route.difference[name], signed), _interval(route.difference[name], signed)]
        table.add_row(*cells)
    return table


def _verdict(route: RouteComparison) -> str:
    share = route.new["in_time"]
    if route.promised is None:
        return f"The new configuration has no route {route.route}: its calls went to the model of that name."
    if share.value is None:
        return "No call was waited for to its end."
    said = "BROKEN" if route.is_broken else "Kept"
    return (
        f"{said}: {share.value:.1%} within the objective ({_interval(share, _percent)}), {route.promised:.1%} promised."
    )


def _signed(form: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: f"{'-' if value < 0 else '+'}{form(abs(value))}"


def _value(estimate: Estimate, form: Callable[[float], str]) -> str:
    return UNKNOWN if estimate.value is None else form(estimate.value)


def _interval(estimate: Estimate, form: Callable[[float], str]) -> str:
    if estimate.low is None or estimate.high is None:
        return UNKNOWN
    return f"{form(estimate.low)} to {form(estimate.high)}"
