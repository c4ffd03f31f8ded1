"""A router's report on a terminal: the same cells as in plain text, within 80 columns, and coloured by grade."""

import io

import pytest
from rich.console import Console, RenderableType

from paceline.gateway import report_table
from paceline.router import CallRow, Report, Route
from paceline.router.kpi.report import report_on
from paceline.router.testing import Scripted, endpoint

from ..router.kpi.telling import answered, attempted, cancelled, failed, history, keep


def of(*rows: CallRow) -> Report:
    kept = history(*rows)
    keep(kept, attempted())
    return report_on(kept, [Route(name="chat", models="m")], [endpoint("here", Scripted())], over_s=None, now_s=60.0)


def printed(thing: RenderableType, *, colours: bool = False) -> str:
    file = io.StringIO()
    Console(file=file, width=80, force_terminal=colours, color_system="standard" if colours else None).print(thing)
    return file.getvalue()


def test_the_figures_are_those_of_the_plain_text() -> None:
    found = of(answered(total_s=0.5), failed())

    routes, endpoints = report_table.routes(found, "By route"), report_table.endpoints(found, "By endpoint")
    shown = f"{printed(routes)}{printed(endpoints)}{printed(report_table.verdicts(found))}"

    assert shown.startswith("By route")
    for word in str(found).replace("route ", "").replace("endpoint ", "").split():
        assert word in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("rows", "colour"),
    [
        ([answered(ttft_s=0.25, total_s=0.5)], "32m"),
        ([answered(ttft_s=1.25)], "33m"),
        ([answered(ttft_s=9.0)], "31m"),
        ([failed()], "1;31m"),
    ],
)
def test_a_route_has_the_colour_of_its_grade(rows: list[CallRow], colour: str) -> None:
    found = of(*rows)

    assert colour in printed(report_table.verdicts(found), colours=True)
    assert colour in printed(report_table.routes(found, ""), colours=True)


def test_a_route_without_a_grade_has_no_colour() -> None:
    assert "\x1b" not in printed(report_table.verdicts(of(cancelled())), colours=True)
