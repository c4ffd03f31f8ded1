"""What is seen while a bench runs: on a terminal a bar for each endpoint, elsewhere a line now and then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..printable import printable
from ..report.table import latency
from .figures import measured

if TYPE_CHECKING:
    from rich.console import Console

    from .measure import Bench, Lane

DRAW_EVERY_S = 0.25
LINES_A_RUN = 10
BAR_CELLS, NAME_CELLS = 16, 20
HEAD_LINES = 2
UNKNOWN = "-"


async def watch(bench: Bench, console: Console) -> None:
    """Show how *bench* goes, until cancelled."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(picture(bench, console.height - HEAD_LINES), refresh=True)
                await asyncio.sleep(DRAW_EVERY_S)
    else:
        while True:
            await asyncio.sleep(max(1.0, bench.plan.seconds / LINES_A_RUN))
            console.print(line(bench), soft_wrap=True, markup=False)


def line(bench: Bench) -> str:
    """The state of things in a line."""
    lanes = bench.lanes.values()
    sent, failed = sum(len(lane.records) for lane in lanes), sum(lane.failed for lane in lanes)
    flying = sum(lane.in_flight for lane in lanes)
    return f"{sent} of {bench.plan.calls * len(bench.lanes)} calls ended, {failed} failed, {flying} in flight"


def picture(bench: Bench, most_rows: int) -> Table:
    """A bar for each endpoint; of more than fit, the first ones and what is left."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=NAME_CELLS)
    table.add_column("", width=BAR_CELLS)
    for title in ("ended", "failed", "in flight", "TTFT p50", "tok/s"):
        table.add_column(title, justify="right", no_wrap=True, min_width=len(title))
    lanes = list(bench.lanes.values())
    shown = lanes if len(lanes) <= most_rows else lanes[: max(0, most_rows - 1)]
    for lane in shown:
        table.add_row(*_row(lane, bench.plan.calls))
    if len(shown) < len(lanes):
        table.add_row(Text(f"and {len(lanes) - len(shown)} more", style="dim"))
    return table


def _row(lane: Lane, calls: int) -> tuple[str | Text | ProgressBar, ...]:
    now, ended = measured(lane.endpoint, lane.records), len(lane.records)
    return (
        Text(printable(lane.endpoint.name)),
        ProgressBar(total=calls, completed=ended, width=BAR_CELLS),
        f"{ended}/{calls}",
        Text(str(lane.failed), style="red" if lane.failed else ""),
        str(lane.in_flight),
        UNKNOWN if now.ttft_s.p50 is None else latency(now.ttft_s.p50),
        UNKNOWN if now.tokens_per_s.p50 is None else f"{now.tokens_per_s.p50:.0f}",
    )
