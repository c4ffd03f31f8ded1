"""Each endpoint as it is now: its slots and health from the fleet, what became of its attempts from the bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..standing import state_of
from .bins import Bin
from .histogram import Counts, pour
from .now import EndpointNow, Headroom
from .of_routes import of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...router import Target
    from .collector import LastWords


def endpoints_now(
    fleet: Iterable[Target], late: Sequence[Bin], last_words: Mapping[str, LastWords], now_s: float
) -> tuple[EndpointNow, ...]:
    """Every endpoint, in the order of the configuration."""
    return tuple(_endpoint_now(target, late, last_words.get(target.name), now_s) for target in fleet)


def _endpoint_now(target: Target, late: Sequence[Bin], words: LastWords | None, now_s: float) -> EndpointNow:
    attempts = answered = cancelled = 0
    failures: dict[str, int] = {}
    ttft: Counts = {}
    for bin_ in late:
        counted = bin_.endpoints.get(target.name)
        if counted is None:
            continue
        attempts += counted.attempts
        answered += counted.answered
        cancelled += counted.cancelled
        pour(counted.ttft, ttft)
        for reason, many in counted.failures.items():
            failures[reason] = failures.get(reason, 0) + many
    state, why, until_s = state_of(target, now_s)
    slots, outlook, latency = target.slots, target.outlook(now_s), target.learned.ttft.overall
    sampled_at_s = target.learned.recent.ttft.sampled_at_s
    return EndpointNow(
        name=target.name,
        provider=target.endpoint.provider.name,
        model=target.model,
        region=target.region,
        quality=target.endpoint.quality,
        state=state,
        why=why,
        until_s=until_s,
        weight=target.weight(now_s),
        last_trouble=None if words is None else words.trouble,
        last_trouble_age_s=None if words is None or words.trouble is None else now_s - words.trouble_s,
        last_failure=None if words is None else words.failure,
        last_failure_age_s=None if words is None or words.failure is None else now_s - words.failed_s,
        in_flight=slots.in_flight,
        used=slots.used,
        limit=slots.limit,
        waiting=slots.waiting,
        shed=sum(slots.sheds.values()),
        expected_ttft_s=outlook.ttft_s,
        failing=outlook.failing,
        samples=latency.samples(now_s),
        age_s=None if sampled_at_s == -math.inf else now_s - sampled_at_s,
        attempts=attempts,
        answered=answered,
        cancelled=cancelled,
        failures=failures,
        ttft=of(ttft),
        headroom=() if words is None else _headroom(words, now_s),
        headroom_age_s=None if words is None or words.rates is None else now_s - words.rates_s,
    )


def _headroom(words: LastWords, now_s: float) -> tuple[Headroom, ...]:
    """What is left of the vendor's rates. Once a rate is whole again, what was left of it says nothing any more."""
    rates = words.rates
    if rates is None:
        return ()
    told = (
        ("requests", rates.requests),
        ("tokens", rates.tokens),
        ("input tokens", rates.input_tokens),
        ("output tokens", rates.output_tokens),
    )
    passed_s = now_s - words.rates_s
    found: list[Headroom] = []
    for kind, rate in told:
        if rate is None:
            continue
        resets_in_s = None if rate.resets_in_s is None else rate.resets_in_s - passed_s
        if resets_in_s is not None and resets_in_s <= 0.0:
            found.append(Headroom(kind, rate.limit, rate.limit, 0.0))
        else:
            found.append(Headroom(kind, rate.limit, rate.remaining, resets_in_s))
    return tuple(found)
