"""Key figures by route and by endpoint over a window: what `Router.report` gives.

Everything in it is a plain frozen struct: ``msgspec.json.encode(report)`` is its JSON, and ``print(report)`` is for a
person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import asdict

from ..events import CallOutcome
from ..route import Route
from ..statistics.size_class import told
from .figures import AttemptFigures, CallFigures, Sample, of_attempts, of_calls
from .grades import Grade, Grades
from .percentiles import Values
from .tally import Group, group_of
from .text import endpoints_table, plain, routes_table
from .verdict import judge

if TYPE_CHECKING:
    from ..endpoint import Endpoint
    from ..route import Objective
    from .history import History
    from .log import Weighed
    from .row import CallRow
    from .tally import GroupTallies


class GroupReport(CallFigures, frozen=True, kw_only=True):
    """Calls of a route that can be compared: prompts of one class of sizes, answers of one class of caps.

    size, cap: the classes (`statistics.size_class`); cap None: answers without a cap. told: both, in words.
    """

    size: int
    cap: int | None
    told: str


class RouteReport(CallFigures, frozen=True, kw_only=True):
    """Calls of one route.

    grade: in a word; None without a call to judge by. verdict: in a sentence.
    burn: how many times faster than promised the error budget is used up: the share that failed by the share that may.
        None without calls, or where none may fail.
    groups: its calls, by what can be compared.
    """

    grade: Grade | None
    verdict: str
    burn: float | None
    groups: tuple[GroupReport, ...]


class EndpointReport(AttemptFigures, frozen=True, kw_only=True):
    """Attempts at one endpoint. model, region: its own."""

    model: str
    region: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Calls and attempts that ended after ``from_s`` and up to ``until_s``, seconds on the router's clock.

    by_route: of calls, as their callers saw them; every route that is configured, and models that were asked for by
        their own names. by_endpoint: of attempts, as each endpoint served them.

    Those still in flight are in neither.
    """

    from_s: float
    until_s: float
    by_route: dict[str, RouteReport]
    by_endpoint: dict[str, EndpointReport]

    def __str__(self) -> str:
        """Both as tables, and the verdicts."""
        tables = (plain(routes_table(self)), plain(endpoints_table(self)))
        return "\n\n".join((*tables, "\n".join(route.verdict for route in self.by_route.values())))


def report_on(
    history: History, routes: Iterable[Route], endpoints: Iterable[Endpoint], *, over_s: float | None, now_s: float
) -> Report:
    """The last *over_s* seconds before *now_s*, or all that is kept."""
    from_s, until_s = history.window(over_s, now_s)
    begins_s = max(from_s, until_s if history.opened_s is None else history.opened_s)
    seconds = until_s - begins_s
    by_route: dict[str, RouteReport] = {}
    retried: defaultdict[str, Counter[str]] = defaultdict(Counter)
    configured = {route.name: route for route in routes}
    for name in {**configured, **history.calls_by_route}:
        calls, tallies = history.weighed_calls(name, from_s, until_s)
        if name not in configured and not tallies.by_group:
            continue
        route = configured.get(name) or Route(name=name, models=name)  # a model was asked for by its own name
        by_route[name] = _of_route(route, calls, tallies, seconds)
        for (cause, reason), count in tallies.all.retried_from.items():
            if cause is not None:
                retried[cause][reason] += count
    by_endpoint: dict[str, EndpointReport] = {}
    for endpoint in endpoints:
        attempts, tally = history.weighed_attempts(endpoint.name, from_s, until_s)
        sample = Sample()
        for rows, weight in attempts:
            sample.take_attempts(rows, weight)
        figures = of_attempts(tally, sample, seconds, retried[endpoint.name])
        by_endpoint[endpoint.name] = EndpointReport(**asdict(figures), model=endpoint.model, region=endpoint.region)
    return Report(from_s=begins_s, until_s=until_s, by_route=by_route, by_endpoint=by_endpoint)


def _of_route(route: Route, weighed: Sequence[Weighed[CallRow]], tallies: GroupTallies, seconds: float) -> RouteReport:
    objective = route.objective
    grades = route.grades or Grades.promised(objective, route.priority)
    promised = objective.ttft_s is not None or objective.total_s is not None
    samples: defaultdict[Group, Sample] = defaultdict(Sample)
    graded_total_s = Values()
    for rows, weight in weighed:
        graded_total_s.add(_graded_total_s(rows, grades), weight)
        for group, of_group in _by_group(rows).items():
            samples[group].take_calls(of_group, weight)
    groups = [
        GroupReport(
            **asdict(of_calls(tally, samples[group], seconds, promised=promised)),
            size=group[0],
            cap=group[1],
            told=_told(group),
        )
        for group, tally in tallies.by_group.items()
    ]
    groups.sort(key=lambda group: (-group.calls, group.told))
    together = Sample()
    for sample in samples.values():
        together.merge(sample)
    figures = of_calls(tallies.all, together, seconds, promised=promised)
    grade, verdict = judge(route.name, figures, graded_total_s.percentiles(), objective, grades)
    return RouteReport(
        **asdict(figures), grade=grade, verdict=verdict, burn=_burn(figures, objective), groups=tuple(groups)
    )


def _by_group(rows: Sequence[CallRow]) -> dict[Group, list[CallRow]]:
    found: defaultdict[Group, list[CallRow]] = defaultdict(list)
    for row in rows:
        found[group_of(row)].append(row)
    return found


def _graded_total_s(rows: Sequence[CallRow], grades: Grades) -> list[float]:
    """Time to the last token of the answers whose total counts."""
    below = grades.short_tokens
    return [
        row.total_s
        for row in rows
        if row.outcome is CallOutcome.ANSWERED
        and (below is None or (row.output_tokens is not None and row.output_tokens < below))
    ]


def _burn(figures: CallFigures, objective: Objective) -> float | None:
    if figures.success is None or objective.success >= 1.0:
        return None
    return (1.0 - figures.success) / (1.0 - objective.success)


def _told(group: Group) -> str:
    size, cap = group
    return f"prompts of {told(size)}, answers {'without a cap' if cap is None else f'capped at {told(cap)}'}"
