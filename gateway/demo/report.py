"""What is shown when it is over: both contestants side by side as their callers saw them, what Paceline's own router
reports of itself, and one sentence that says how it went.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rich.table import Table
from rich.text import Text

from .. import report_table
from .contestant import PACELINE, ROUND_ROBIN, TITLES
from .scene import HERE, MODELS, REGIONS, endpoint_name
from .screen import PHASE_TITLES

if TYPE_CHECKING:
    from rich.console import Console

    from .summary import Outcome, Phase

Groups: TypeAlias = "Mapping[str, Mapping[str, Phase]]"
"""What stands over the columns, and under it each contestant's figures."""

UNKNOWN = "-"


def show(outcome: Outcome, console: Console) -> None:
    """Print everything."""
    console.print()
    console.print(figures("By phase of the incident, both routes", by_phase(outcome)))
    console.print()
    console.print(served("Who answered how many calls", by_phase(outcome)))
    console.print()
    if outcome.report is not None:
        console.print(report_table.routes(outcome.report, "Paceline's own report, the whole run: calls by route"))
        console.print()
        console.print(report_table.endpoints(outcome.report, "Paceline's own report: attempts by endpoint"))
        console.print()
        console.print(report_table.verdicts(outcome.report))
        console.print()
    for who, diagnosis in outcome.why.items():
        console.print(f"Why, by {TITLES[who]}'s own records: {diagnosis.conclusion}")
    console.print()
    for line in notes(outcome):
        console.print(Text(line, style="dim"))
    console.print()
    console.print(Text(verdict(outcome), style="bold"))


def by_phase(outcome: Outcome) -> Groups:
    """A column for each phase."""
    runs = outcome.runs
    return {
        PHASE_TITLES["before"]: {who: run.before for who, run in runs.items()},
        PHASE_TITLES["brownout"]: {who: run.brownout for who, run in runs.items()},
        PHASE_TITLES["after"]: {who: run.after for who, run in runs.items()},
    }


def figures(title: str, groups: Groups) -> Table:
    """A row for each figure."""
    table = _table(title, groups)
    phases = [phase for group in groups.values() for phase in group.values()]
    for name, figure in FIGURES.items():
        table.add_row(name, *map(figure, phases))
    _add_by_reason(table, "retries", [phase.retries for phase in phases])
    table.add_row("fallbacks", *(str(phase.fallbacks) for phase in phases))
    _add_by_reason(table, "failures", [phase.failures for phase in phases])
    return table


def _add_by_reason(table: Table, name: str, counts: Sequence[Mapping[str, int]]) -> None:
    table.add_row(name, *(str(sum(count.values())) for count in counts))
    for reason in sorted({reason for count in counts for reason in count}):
        table.add_row(f"  {reason}", *(str(count.get(reason, 0)) for count in counts), style="dim")


def served(title: str, groups: Groups) -> Table:
    """A row for each endpoint, those of the region that browns out marked."""
    table = _table(title, groups)
    phases = [phase for group in groups.values() for phase in group.values()]
    for model in MODELS:
        for region in REGIONS:
            name = endpoint_name(model, region)
            counts = [str(phase.by_endpoint.get(name, UNKNOWN)) for phase in phases]
            table.add_row(Text(name, style="red" if region == HERE else ""), *counts)
    return table


def _table(title: str, groups: Groups) -> Table:
    """Two columns for each group, narrow enough for three groups on 80 columns."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
    table.add_column("", min_width=21, no_wrap=True)
    for name, group in groups.items():
        for place, who in enumerate(group):
            over = f"{name}\n" if place == 0 else "\n"
            table.add_column(over + TITLES[who].replace(" ", "\n"), justify="right", min_width=7, vertical="bottom")
    return table


def notes(outcome: Outcome) -> list[str]:
    """What one must know to read the tables, and whether the machine kept up."""
    lines = [
        "Seconds from the instant a call was to arrive (those of an endpoint: was sent), of answers alone.",
        "A call counts in the phase it began in: what the brown-out struck half-way is slow in the phase before.",
    ]
    told = [
        f"{who} {strain.lag_p99_s * 1e3:.1f} ms and {strain.cpu:.0%} of a core"
        for who, strain in outcome.strain.items()
        if strain.lag_p99_s is not None and strain.cpu is not None
    ]
    if told:
        lines.append(f"Lag of the event loop, p99, and CPU: {'; '.join(told)}.")
    return lines


def verdict(outcome: Outcome) -> str:
    """How the brown-out went, in one sentence made of its figures."""
    ours, theirs = outcome.runs[PACELINE].brownout, outcome.runs[ROUND_ROBIN].brownout
    our_s, their_s = ours.ttft_s.p95, theirs.ttft_s.p95
    if ours.success is None or theirs.success is None or our_s is None or their_s is None:
        return "There is nothing to compare: no call of the brown-out was answered in this run."
    ratio = their_s / our_s
    compared = f"{ratio:.1f} times faster" if ratio >= 1.0 else f"{1.0 / ratio:.1f} times slower"
    return (
        f"In the brown-out Paceline answered {ours.success:.1%} of its calls, round robin {theirs.success:.1%}; "
        f"its p95 to the first token was {our_s:.2f} s against {their_s:.2f} s, {compared}."
    )


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1%}"


FIGURES: dict[str, Callable[[Phase], str]] = {
    "calls": lambda phase: str(phase.calls),
    "success": lambda phase: _percent(phase.success),
    "within objective": lambda phase: _percent(phase.within_objective),
    "TTFT p50, s": lambda phase: _seconds(phase.ttft_s.p50),
    "TTFT p95, s": lambda phase: _seconds(phase.ttft_s.p95),
    "TTFT p99, s": lambda phase: _seconds(phase.ttft_s.p99),
    "end to end p50, s": lambda phase: _seconds(phase.total_s.p50),
    "end to end p95, s": lambda phase: _seconds(phase.total_s.p95),
    "tokens/s, median": lambda phase: UNKNOWN if phase.tokens_per_s is None else f"{phase.tokens_per_s:.0f}",
}
