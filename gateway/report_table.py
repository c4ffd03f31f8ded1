"""A router's report on a terminal, in colours: the cells of `router.kpi.text`, laid out by rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ..router.kpi.grades import Grade
from ..router.kpi.text import endpoints_table, routes_table

if TYPE_CHECKING:
    from ..router.kpi.report import Report
    from ..router.kpi.text import Table as Cells

STYLES = {
    Grade.GREAT: "green",
    Grade.FINE: "green",
    Grade.SLOW: "yellow",
    Grade.SLUGGISH: "red",
    Grade.FAILING: "bold red",
}


def routes(report: Report, title: str) -> Table:
    """A column for each route, each coloured by its grade at the head."""
    styles = ["" if route.grade is None else STYLES[route.grade] for route in report.by_route.values()]
    return _table(title, routes_table(report), styles)


def endpoints(report: Report, title: str) -> Table:
    """A row for each endpoint."""
    return _table(title, endpoints_table(report), [])


def verdicts(report: Report) -> Text:
    """A line for each route."""
    lines = (
        Text(route.verdict, style="" if route.grade is None else STYLES[route.grade])
        for route in report.by_route.values()
    )
    return Text("\n").join(lines)


def _table(title: str, cells: Cells, styles: list[str]) -> Table:
    """The first row is the head; what begins with a space belongs to the row above it."""
    head, *rows = cells
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for place, name in enumerate(head[1:]):
        table.add_column(Text(name, style=styles[place] if styles else ""), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row, style="dim" if row[0].startswith(" ") else "")
    return table
