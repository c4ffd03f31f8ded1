"""The outcome as a person reads it: a row for each endpoint, what went wrong, and the lines to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ..grid import Column, grid, width_of
from ..printable import printable
from ..report.table import latency
from .figures import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from .figures import Measured, Outcome

UNKNOWN = "-"
FEW, FEW_FOR_P99 = 20, 100
"""Of fewer values, the 95th and the 99th percentile are no more than the greatest."""

NAME, COST = "endpoint", "cost"
SHORT = {"TTFT p95": "p95", "TTFT p99": "p99", "total p95": "p95", "total p99": "p99"}
SPARED = frozenset({"calls", "total p99", "queued"})
"""Columns that a narrow terminal does without."""

GAP = 2


def show(outcome: Outcome, console: Console) -> None:
    """Print everything."""
    if not any(measured.sent for measured in outcome.endpoints):
        console.print("Nothing had ended yet: there is nothing to show.")
        return
    console.print(_table(outcome, console))
    for paragraph in (_notes(outcome), _failures(outcome)):
        _print(list(paragraph), console, soft_wrap=not console.is_terminal)
    _print(list(_profiles(outcome)), console, soft_wrap=True)  # to be copied as they are


def _print(lines: list[Text], console: Console, *, soft_wrap: bool) -> None:
    if lines:
        console.print()
    for line in lines:
        console.print(line, soft_wrap=soft_wrap)


def _table(outcome: Outcome, console: Console) -> Table:
    """With fewer columns where there is no room for all. A file or a pipe has no edge."""
    rows = [_row(measured) for measured in outcome.endpoints]
    if not any(measured.cost for measured in outcome.endpoints):
        rows = [{title: cell for title, cell in row.items() if title != COST} for row in rows]
    columns, cells = _laid_out(rows)
    if not console.is_terminal:
        console.width = max(console.width, width_of(columns, cells, gap=GAP))
    elif width_of(columns, cells, gap=GAP) > console.width:
        columns, cells = _laid_out([{title: row[title] for title in row if title not in SPARED} for row in rows])
        return grid(columns, cells, gap=1)
    return grid(columns, cells, gap=GAP)


def _laid_out(rows: list[dict[str, Text]]) -> tuple[list[Column], list[list[Text]]]:
    """Columns under their titles: of ``total p95`` the percentile is enough beside ``total p50``."""
    titles = [NAME, *(title for title in rows[0] if title != NAME)]
    columns = [Column(title=SHORT.get(title, title), words=title == NAME) for title in titles]
    return columns, [[row[title] for title in titles] for row in rows]


def _row(measured: Measured) -> dict[str, Text]:
    """Every cell, by the title of its column."""
    speed, ttft, total = measured.tokens_per_s.p50, measured.ttft_s, measured.total_s
    cells = {
        "calls": str(measured.sent),
        "ok": _success(measured),
        "TTFT p50": _seconds(ttft.p50),
        "TTFT p95": _seconds(ttft.p95),
        "TTFT p99": _seconds(ttft.p99),
        "total p50": _seconds(total.p50),
        "total p95": _seconds(total.p95),
        "total p99": _seconds(total.p99),
        "tok/s": UNKNOWN if speed is None else f"{speed:.0f}",
        "queued": f"{measured.late} by {latency(measured.late_s.p95)}" if measured.late_s.p95 else "0",
        COST: UNKNOWN if measured.cost is None else f"{measured.cost:.4f}",
    }
    return {NAME: Text(printable(measured.endpoint)), **{title: Text(cell) for title, cell in cells.items()}}


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else latency(value)


def _success(measured: Measured) -> str:
    return UNKNOWN if measured.success is None else f"{measured.success:.1%}".replace("100.0%", "100%")


def _notes(outcome: Outcome) -> Iterator[Text]:
    fewest = min(measured.answered for measured in outcome.endpoints)
    if fewest < FEW_FOR_P99:
        told = "p95 and p99 are" if fewest < FEW else "p99 is"
        yield Text(f"Of so few answers, {told} no more than the slowest. For more: --calls.", style="dim")
    late = [measured for measured in outcome.endpoints if measured.late]
    if late:
        yield Text(
            f"queued: calls that went out later than planned, since {outcome.at_once} were in flight already, and the "
            f"95th percentile of their wait, which is in none of the times: {_names(late)}. Lower --rate, or raise "
            "--at-once.",
            style="dim",
        )


def _failures(outcome: Outcome) -> Iterator[Text]:
    for measured in outcome.endpoints:
        for reason, count in measured.failures.items():
            told = printable(measured.told.get(reason, "")).removeprefix(f"{measured.endpoint}: ")
            yield Text.assemble(
                (f"{printable(measured.endpoint)}: {count} x {reason}", "red"), f", at first: {told}" if told else ""
            )


def _profiles(outcome: Outcome) -> Iterator[Text]:
    found = [measured for measured in outcome.endpoints if measured.profile is not None]
    if found:
        yield Text("To begin with what was measured here, paste under each [[endpoint]]:", style="bold")
    for measured in found:
        yield Text(f"  {measured.profile}  # {printable(measured.endpoint)}")
    few = [measured for measured in outcome.endpoints if measured.profile is None]
    if few:
        yield Text(
            f"No profile for {_names(few)}: that takes {ENOUGH} answers whose first token was seen.", style="dim"
        )


def _names(some: list[Measured]) -> str:
    return ", ".join(printable(measured.endpoint) for measured in some)
