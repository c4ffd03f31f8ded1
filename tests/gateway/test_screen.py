"""What is shown: within 80 columns, in whole sentences, and true."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from paceline.gateway.demo import report, screen, summary
from paceline.gateway.demo.contestant import PACELINE, ROUND_ROBIN, Record, round_robin
from paceline.gateway.demo.lag import Strain
from paceline.gateway.demo.race import Race
from paceline.gateway.demo.scene import REGIONS, ROUTES, endpoints, incident
from paceline.gateway.demo.traffic import Traffic
from paceline.router import Limits, Report
from paceline.router.kpi.report import report_on

from ..router.kpi import telling as rows
from ..router.kpi.telling import history, keep
from .telling import answered, failed, planned

INCIDENT = incident(30.0)
QUIET = [answered(1.0), answered(12.0), answered(25.0, route="report", endpoint="swift-70b.eu-west")]


def outcome(theirs: list[Record], ours: list[Record], own: Report | None = None) -> summary.Outcome:
    return summary.Outcome(
        seed=1,
        seconds=30.0,
        traffic="some calls",
        interrupted=False,
        runs={ROUND_ROBIN: summary.run(theirs, INCIDENT), PACELINE: summary.run(ours, INCIDENT)},
        strain={"callers": Strain(lag_p99_s=0.002, lag_max_s=0.01, cpu=0.2)},
        report=own,
    )


def reported() -> Report:
    """What a router says of itself that has one failing route and one without a call."""
    kept = history(rows.answered(), rows.failed(reason="provider_overloaded"))
    keep(kept, rows.attempted())
    ports: dict[str, int] = dict.fromkeys(REGIONS, 1)
    return report_on(kept, ROUTES, endpoints(ports, Limits()), over_s=None, now_s=60.0)


def race() -> Race:
    """A race that has not begun, in which one contestant has records all the same."""
    ports: dict[str, int] = dict.fromkeys(REGIONS, 1)
    routers = {ROUND_ROBIN: round_robin(ports, seed=1), PACELINE: round_robin(ports, seed=2)}
    waiting = Race(Traffic(calls=(planned(),), told="one call"), routers, begin=lambda: None)
    waiting.lanes[0].records.extend([answered(), failed()])
    return waiting


def printed(*things: object) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=False, highlight=False)
    for thing in things:
        console.print(thing)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_report_fits_80_columns_without_breaking_a_row() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    report.show(outcome([*QUIET, failed(11.0, failure="provider_overloaded")], QUIET, reported()), console)

    file = console.file
    assert isinstance(file, io.StringIO)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "…" not in text
    for row in ("TTFT p95, s", "end to end p95, s", "tokens/s", "within objective", "atlas-13b.eu-west"):
        assert row in text
    assert "  provider_overloaded" in text
    for row in (
        "calls by route",
        "TTFT p50 p95 p99, s",
        "attempts by endpoint",
        "chat is failing: 1 of 2",
        "report had no",
    ):
        assert row in text


def test_a_run_that_ended_before_it_had_a_router_has_no_report_of_one() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    report.show(outcome([], []), console)

    assert isinstance(console.file, io.StringIO)
    assert "own report" not in console.file.getvalue()


def test_the_verdict_compares_the_brown_outs() -> None:
    theirs = [answered(12.0, ttft_s=2.4), failed(13.0)]

    told = report.verdict(outcome(theirs, [answered(12.0, ttft_s=0.4), answered(13.0, ttft_s=0.4)]))

    assert "Paceline answered 100.0% of its calls, round robin 50.0%" in told
    assert "0.40 s against 2.40 s, 6.0 times faster" in told


def test_the_verdict_says_so_when_we_are_slower() -> None:
    told = report.verdict(outcome([answered(12.0, ttft_s=0.5)], [answered(12.0, ttft_s=1.0)]))

    assert "2.0 times slower" in told


@pytest.mark.parametrize("records", [[], [answered(1.0)], [failed(12.0)]])
def test_there_is_no_verdict_without_answers_to_compare(records: list[Record]) -> None:
    assert "nothing to compare" in report.verdict(outcome(records, records))


def test_a_line_tells_time_and_phase_and_both_contestants() -> None:
    assert screen.line(race(), INCIDENT) == "  0.0 s  before     round robin: 1 ok, 1 failed  Paceline: 0 ok, 0 failed"


def test_the_picture_tells_the_same_on_a_terminal() -> None:
    text = printed(screen.picture(race(), INCIDENT, 30.0))

    assert "before" in text
    assert "0/30 s" in text
    (theirs,) = (line.split() for line in text.splitlines() if "round robin" in line)
    assert theirs[2:] == ["1", "1", "0", "0", "0.30", "s", "50%"]
    assert max(map(len, text.splitlines())) <= 80
