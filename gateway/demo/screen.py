"""What is seen while the demo runs: on a terminal a small picture that is drawn anew, elsewhere a line now and then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .contestant import TITLES
from .summary import kept_its_promise, percentile

if TYPE_CHECKING:
    from .race import Lane, Race
    from .scene import Incident

DRAW_EVERY_S = 0.25
LINES_A_RUN = 10
BAR_CELLS = 60
LATELY_S = 3.0
"""How far back the moving figures look."""

PHASE_TITLES = {"before": "before", "brownout": "brown-out", "after": "after"}
STYLES = {"before": "green", "brownout": "red", "after": "green"}


async def watch(race: Race, incident: Incident, seconds: float, console: Console) -> None:
    """Show how *race* goes, until cancelled."""
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(picture(race, incident, seconds), refresh=True)
                await asyncio.sleep(DRAW_EVERY_S)
    else:
        while True:
            await asyncio.sleep(seconds / LINES_A_RUN)
            console.print(line(race, incident), highlight=False)


def line(race: Race, incident: Incident) -> str:
    """The state of things in one line, short enough for 80 columns."""
    phase = PHASE_TITLES[incident.phase(race.at_s)]
    lanes = "  ".join(f"{TITLES[lane.name]}: {_answered(lane)} ok, {_failed(lane)} failed" for lane in race.lanes)
    return f"{race.at_s:5.1f} s  {phase:<9}  {lanes}"


def picture(race: Race, incident: Incident, seconds: float) -> Group:
    """The state of things on a terminal: where in the run, and how both contestants fare."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for title in ("answered", "failed", "in flight", "retries", "TTFT p95*", "in time*"):
        table.add_column(title, justify="right")
    for lane in race.lanes:
        table.add_row(TITLES[lane.name], *_figures(lane, race.at_s))
    return Group(_bar(race.at_s, incident, seconds), table, Text(f"* of the last {LATELY_S:g} s", style="dim"))


def _figures(lane: Lane, at_s: float) -> tuple[str, ...]:
    lately = [record for record in lane.records if record.call.at_s + record.total_s > at_s - LATELY_S]
    p95 = percentile([record.ttft_s for record in lately if record.ttft_s is not None], 95)
    in_time = sum(map(kept_its_promise, lately)) / len(lately) if lately else None
    return (
        str(_answered(lane)),
        str(_failed(lane)),
        str(lane.in_flight),
        str(sum(len(record.retries) for record in lane.records)),
        "-" if p95 is None else f"{p95:.2f} s",
        "-" if in_time is None else f"{in_time:.0%}",
    )


def _bar(at_s: float, incident: Incident, seconds: float) -> Text:
    """Time as a line in the colours of the phases, with what is going on beside it."""
    bar = Text()
    for cell in range(BAR_CELLS):
        cell_s = (cell + 0.5) / BAR_CELLS * seconds
        bar.append("━", style=STYLES[incident.phase(cell_s)] if cell_s <= at_s else "bright_black")
    phase = incident.phase(at_s)
    now = f"{incident.region} browns out" if phase == "brownout" else PHASE_TITLES[phase]
    if at_s >= seconds:
        now = "the last answers"
    return bar.append(f" {min(at_s, seconds):.0f}/{seconds:g} s\n").append(now, style=STYLES[phase])


def _answered(lane: Lane) -> int:
    return sum(record.ok for record in lane.records)


def _failed(lane: Lane) -> int:
    return sum(not record.ok for record in lane.records)
