"""The outcome as a person reads it: a row for each endpoint, what went wrong, and the lines to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ..report.table import latency, printable
from .figures import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from ...router.kpi.percentiles import Percentiles
    from .figures import Measured, Outcome

UNKNOWN = "-"
FEW, FEW_FOR_P99 = 20, 100
"""Of fewer values, the 95th and the 99th percentile are no more than the greatest."""

NARROW = 96
"""Columns below which a table is made narrower, by leaving out what can be spared."""


def show(outcome: Outcome, console: Console) -> None:
    """Print everything."""
    if not any(measured.sent for measured in outcome.endpoints):
        console.print("Nothing had ended yet: there is nothing to show.")
        return
    console.print(_table(outcome, narrow=console.is_terminal and console.width < NARROW))
    for paragraph in (_notes(outcome), _failures(outcome)):
        _print(list(paragraph), console, soft_wrap=not console.is_terminal)
    _print(list(_profiles(outcome)), console, soft_wrap=True)  # to be copied as they are


def _print(lines: list[Text], console: Console, *, soft_wrap: bool) -> None:
    if lines:
        console.print()
    for line in lines:
        console.print(line, soft_wrap=soft_wrap)


def _table(outcome: Outcome, *, narrow: bool) -> Table:
    table = Table(box=None, padding=(0, 1 if narrow else 2, 0, 0), header_style="bold")
    table.add_column("endpoint", overflow="fold")
    costs = any(measured.cost for measured in outcome.endpoints)
    titles = ["calls", "ok", "TTFT p50", "p95", "p99", "total p50", "p95", "p99", "tok/s", "queued"]
    if narrow:
        titles = ["ok", "TTFT p50", "p95", "p99", "total p50", "p95", "tok/s"]
    for title in [*titles, *(["cost"] if costs else [])]:
        table.add_column(title, justify="right", no_wrap=True)
    for measured in outcome.endpoints:
        cells = _narrow(measured) if narrow else _wide(measured)
        cost = [UNKNOWN if measured.cost is None else f"{measured.cost:.4f}"] if costs else []
        table.add_row(Text(printable(measured.endpoint)), *cells, *cost)
    return table


def _wide(measured: Measured) -> tuple[str, ...]:
    speed = measured.tokens_per_s.p50
    return (
        str(measured.sent),
        _success(measured),
        *_spread(measured.ttft_s),
        *_spread(measured.total_s),
        UNKNOWN if speed is None else f"{speed:.0f}",
        f"{measured.late} by {latency(measured.late_s.p95)}" if measured.late_s.p95 else "0",
    )


def _narrow(measured: Measured) -> tuple[str, ...]:
    _, success, p50, p95, p99, total_p50, total_p95, _, speed, _ = _wide(measured)
    return success, p50, p95, p99, total_p50, total_p95, speed


def _success(measured: Measured) -> str:
    return UNKNOWN if measured.success is None else f"{measured.success:.1%}".replace("100.0%", "100%")


def _spread(seconds: Percentiles) -> tuple[str, ...]:
    return tuple(UNKNOWN if value is None else latency(value) for value in (seconds.p50, seconds.p95, seconds.p99))


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
