"""Figures out of records: what the screen shows at the end, and what the JSON holds.

A call belongs to the phase in which it arrived, whenever it ended. Latencies are of answered calls alone: a call that
failed fast has no latency to be proud of, and one that failed has none at all. That flatters whoever fails a lot, so
``success`` stands beside them, and ``within_objective`` counts a failed call as one that missed. What is not known,
such as a percentile of no calls, is None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import quantiles
from typing import TYPE_CHECKING

import msgspec

from ...router.kpi.diagnosis_result import Diagnosis
from ...router.kpi.report import Report
from .scene import PHASES, ROUTES

if TYPE_CHECKING:
    from .contestant import Record
    from .lag import Strain
    from .scene import Incident

OBJECTIVES = {route.name: route.objective for route in ROUTES}


class Percentiles(msgspec.Struct, frozen=True):
    """Of some seconds; None if there were none."""

    p50: float | None
    p95: float | None
    p99: float | None


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a set of calls of one contestant.

    calls, ok: finished, and answered to the end. success: the share. ttft_s, total_s: of those answered, from the
    instant a call was to arrive. tokens_per_s: median over answers of their tokens by their total time.
    within_objective: share of calls that were answered within what their route promises. retries: tries after the
    first, by the reason of the failure before. fallbacks: models left for the next. failures: calls not answered, by
    reason. by_endpoint: who answered.
    """

    calls: int
    ok: int
    success: float | None
    ttft_s: Percentiles
    total_s: Percentiles
    tokens_per_s: float | None
    within_objective: float | None
    retries: dict[str, int]
    fallbacks: int
    failures: dict[str, int]
    by_endpoint: dict[str, int]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant's run: all calls, the phases of the incident, and the routes."""

    all: Phase
    before: Phase
    brownout: Phase
    after: Phase
    by_route: dict[str, Phase]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The whole demo.

    strain: how the two processes of it kept up, by name. report: what Paceline's router says of itself; None if the run
    ended before there was one. why: what each router says to the change of the chat's first tokens in the brown-out.
    """

    seed: int
    seconds: float
    traffic: str
    interrupted: bool
    runs: dict[str, Run]
    strain: dict[str, Strain]
    report: Report | None = None
    why: dict[str, Diagnosis] = {}


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Percentile 1 to 99, between neighbours in proportion; None of nothing."""
    if len(values) < 2:
        return values[0] if values else None
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def percentiles(values: Sequence[float]) -> Percentiles:
    """The three that are shown."""
    return Percentiles(*(percentile(values, percent) for percent in (50, 95, 99)))


def run(records: Sequence[Record], incident: Incident) -> Run:
    """Figures of one contestant."""
    by_phase = {name: [r for r in records if incident.phase(r.call.at_s) == name] for name in PHASES}
    return Run(
        all=phase(records),
        before=phase(by_phase["before"]),
        brownout=phase(by_phase["brownout"]),
        after=phase(by_phase["after"]),
        by_route={route.name: phase([r for r in records if r.call.route == route.name]) for route in ROUTES},
    )


def phase(records: Sequence[Record]) -> Phase:
    """Figures of these calls."""
    answered = [record for record in records if record.ok]
    return Phase(
        calls=len(records),
        ok=len(answered),
        success=_share(len(answered), len(records)),
        ttft_s=percentiles([record.ttft_s for record in answered if record.ttft_s is not None]),
        total_s=percentiles([record.total_s for record in answered]),
        tokens_per_s=percentile([record.tokens / record.total_s for record in answered if record.tokens], 50),
        within_objective=_share(sum(map(kept_its_promise, records)), len(records)),
        retries=_counts(reason for record in records for reason in record.retries),
        fallbacks=sum(record.fallbacks for record in records),
        failures=_counts(record.failure for record in records if record.failure),
        by_endpoint=_counts(record.endpoint for record in answered if record.endpoint),
    )


def kept_its_promise(record: Record) -> bool:
    """Whether a call was answered within its route's objective."""
    return record.ok and OBJECTIVES[record.call.route].met_by(record.ttft_s, record.total_s)


def _counts(words: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the commonest first."""
    return dict(Counter(words).most_common())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
