"""The records of a run as figures. The JSON of ``paceline bench`` is these structs; `table` shows the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from ...router.kpi.percentiles import Percentiles, Values

if TYPE_CHECKING:
    from ...router import Endpoint
    from .measure import Lane, Record
    from .plan import Plan

FORMAT = 1

ENOUGH = 5
"""Answers to tell what an endpoint is like. Of fewer, no profile is made."""

ENOUGH_FOR_P95 = 100
"""Answers for a profile to have a 95th percentile: five are beyond it. Of fewer, one straggler would make it."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to believe of an endpoint before anything is measured: the table ``profile`` of a configuration.

    ttft_ms, ttft_p95_ms: median and 95th percentile of the time to the first token; the latter None of too few.
    tokens_per_s: median, once it speaks; None if that was not seen.
    """

    ttft_ms: float
    ttft_p95_ms: float | None = None
    tokens_per_s: float | None = None

    def __str__(self) -> str:
        """The line to be pasted into a configuration file."""
        pairs = [f"{name} = {value:g}" for name, value in msgspec.structs.asdict(self).items() if value is not None]
        return f"profile = {{ {', '.join(pairs)} }}"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. Times in seconds, from sending, of answers; None: not known.

    sent: calls that were sent and have ended. success: share of them that were answered. failures: by reason.
    told: of each reason, what the first such error said. ttft_s: to the first token. total_s: to the last.
    tokens_per_s: once it spoke. late_s: how long calls waited here since too many were in flight; late: how many did.
    connections: new ones that were opened. connect_s: how long that took; it is part of the times above.
    input_tokens, output_tokens: billed, as far as the vendor said. cost: at the configured prices; None without them.
    profile: see there; None of too few answers.
    """

    endpoint: str
    provider: str
    model: str
    region: str
    sent: int
    answered: int
    success: float | None
    failures: dict[str, int]
    told: dict[str, str]
    ttft_s: Percentiles
    total_s: Percentiles
    tokens_per_s: Percentiles
    late: int
    late_s: Percentiles
    connections: int
    connect_s: Percentiles
    input_tokens: int
    output_tokens: int
    cost: float | None
    profile: Profile | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A run. interrupted: a signal ended it before its time. The fields between are those of the `Plan`."""

    format: int
    source: str
    interrupted: bool
    calls: int
    rate_per_s: float
    prompt_tokens: int
    max_tokens: int
    at_once: int
    timeout_s: float
    seed: int
    endpoints: tuple[Measured, ...]


LATE_S = 0.02
"""What an event loop may be late with a timer, and no queue."""


def outcome(plan: Plan, lanes: Mapping[str, Lane], *, source: str, interrupted: bool) -> Outcome:
    """Everything that is known so far."""
    return Outcome(
        format=FORMAT,
        source=source,
        interrupted=interrupted,
        calls=plan.calls,
        rate_per_s=plan.rate,
        prompt_tokens=plan.prompt_tokens,
        max_tokens=plan.max_tokens,
        at_once=plan.at_once,
        timeout_s=plan.timeout_s,
        seed=plan.seed,
        endpoints=tuple(measured(lane.endpoint, lane.records) for lane in lanes.values()),
    )


def measured(endpoint: Endpoint, records: Sequence[Record]) -> Measured:
    """Of one endpoint."""
    answers = [record for record in records if record.failure is None]
    failures = Counter(record.failure for record in records if record.failure is not None)
    told = {record.failure: record.told or "" for record in reversed(records) if record.failure is not None}
    late = [record.late_s for record in records if record.late_s > LATE_S]
    connects = _known(record.connect_s for record in records)
    ttft_s, tokens_per_s = _of(record.ttft_s for record in answers), _of(record.tokens_per_s for record in answers)
    tokens_in = sum(record.input_tokens or 0 for record in answers)
    tokens_out = sum(record.output_tokens or 0 for record in answers)
    return Measured(
        endpoint=endpoint.name,
        provider=endpoint.provider.name,
        model=endpoint.model,
        region=endpoint.region,
        sent=len(records),
        answered=len(answers),
        success=len(answers) / len(records) if records else None,
        failures=dict(failures.most_common()),
        told=dict(sorted(told.items())),
        ttft_s=ttft_s,
        total_s=_of(record.total_s for record in answers),
        tokens_per_s=tokens_per_s,
        late=len(late),
        late_s=_of(late),
        connections=len(connects),
        connect_s=_of(connects),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost=money(endpoint, tokens_in, tokens_out),
        profile=_profile(ttft_s, tokens_per_s),
    )


def money(endpoint: Endpoint, input_tokens: int, output_tokens: int) -> float | None:
    """What so many tokens cost there; None if a price is not configured."""
    if endpoint.price_in_per_m is None or endpoint.price_out_per_m is None:
        return None
    return (input_tokens * endpoint.price_in_per_m + output_tokens * endpoint.price_out_per_m) / 1e6


def _profile(ttft_s: Percentiles, tokens_per_s: Percentiles) -> Profile | None:
    """Whole answers are left out: how long they take hangs on how long they are, and yours are not these."""
    if ttft_s.p50 is None or ttft_s.p95 is None or ttft_s.samples < ENOUGH:
        return None
    return Profile(
        ttft_ms=_digits(ttft_s.p50 * 1000.0),
        ttft_p95_ms=_digits(ttft_s.p95 * 1000.0) if ttft_s.samples >= ENOUGH_FOR_P95 else None,
        tokens_per_s=None if tokens_per_s.p50 is None else _digits(tokens_per_s.p50),
    )


def _digits(value: float) -> float:
    """To three digits: more were not measured."""
    return float(f"{value:.3g}")


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _of(values: Iterable[float | None]) -> Percentiles:
    found = Values()
    found.add(_known(values))
    return found.percentiles()
