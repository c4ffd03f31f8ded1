"""What is said once a second, as plain structs: their JSON is the feed, for the page, for `paceline top`, for tools.

Seconds are seconds and shares are 0..1; None: not known. Beside every quantile stands of how many it was made, and
what is measured has an age. Names come from the configuration; no prompt, answer, user or key is in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .bins import Bin
from .collector import Incident
from .decisions import Record

if TYPE_CHECKING:
    from ..reload import Reloaded

FORMAT = 1
"""Rises when a field changes its meaning or goes; new fields do not change it."""


class Quantiles(msgspec.Struct, frozen=True):
    """Of *samples* values, exact to 1.5 %."""

    samples: int
    p50: float | None
    p95: float | None
    p99: float | None


class Promise(msgspec.Struct, frozen=True):
    """A route's objective, as `router.Objective`."""

    ttft_s: float | None
    total_s: float | None
    success: float


class RouteNow(msgspec.Struct, frozen=True):
    """Calls of one route that ended in the last ``over_s`` seconds.

    success: share answered, of those that nobody cancelled. in_time: likewise, answered within the objective; None
        where it promises no time. burn: how many times faster than promised the error budget is used up, by calls that
        were not in time; burn_of_failures: by those without an answer alone, as `RouteReport.burn`.
    by_retry, by_fallback, by_hedge: share of those in time that such an attempt has saved.
    refused: failed before anything was sent. ttft, total: as callers saw it. residency: regions; None: all.
    """

    name: str
    models: tuple[str, ...]
    priority: str
    objective: Promise
    residency: tuple[str, ...] | None
    calls: int
    calls_per_s: float
    tokens_per_s: float
    cancelled: int
    success: float | None
    in_time: float | None
    burn: float | None
    burn_of_failures: float | None
    by_retry: float | None
    by_fallback: float | None
    by_hedge: float | None
    refused: int
    attempts: int
    failures: dict[str, int]
    retries: dict[str, int]
    fallbacks: dict[str, int]
    hedges: int
    hedges_won: int
    ttft: Quantiles
    total: Quantiles


class Headroom(msgspec.Struct, frozen=True):
    """What is left of one of the vendor's rates. resets_in_s: until it is whole again, at least 0."""

    kind: str
    limit: int | None
    remaining: int | None
    resets_in_s: float | None


class EndpointNow(msgspec.Struct, frozen=True):
    """One endpoint.

    state: ``in``, ``easing in``, ``paused``, ``out``, ``due`` (for a trial) or ``on trial``; why: of the others than
        ``in``. until_s: seconds until it is tried again. weight: share of its part that it is given.
    last_trouble, last_trouble_age_s: why it was out last, and since when that is known.
    last_failure, last_failure_age_s: of its attempts, in a word.
    limit: slots; None: no limit. used: those taken. waiting: calls in its queue. shed: sent away since the start.
    expected_ttft_s: as routing believes now. failing: share of its last calls that failed, as routing believes.
    samples, age_s: first tokens it knows of, and how long ago the last was.
    attempts, answered, failures, ttft: in the last ``over_s`` seconds.
    headroom: as the vendor told headroom_age_s ago.
    """

    name: str
    provider: str
    model: str
    region: str
    quality: int
    state: str
    why: str | None
    until_s: float | None
    weight: float
    last_trouble: str | None
    last_trouble_age_s: float | None
    last_failure: str | None
    last_failure_age_s: float | None
    in_flight: int
    used: int
    limit: int | None
    waiting: int
    shed: int
    expected_ttft_s: float | None
    failing: float
    samples: int
    age_s: float | None
    attempts: int
    answered: int
    cancelled: int
    failures: dict[str, int]
    ttft: Quantiles
    headroom: tuple[Headroom, ...]
    headroom_age_s: float | None


class Residency(msgspec.Struct, frozen=True):
    """Proof of where a route that is bound to regions can go, and where never."""

    route: str
    regions: tuple[str, ...]
    kept_by: tuple[str, ...]
    reaches: dict[str, tuple[str, ...]]
    never: tuple[str, ...]


class Own(msgspec.Struct, frozen=True):
    """What the gateway itself costs.

    router: seconds of a call that were neither its slot's nor its endpoint's, of calls with one attempt.
    loop_lag: seconds that the event loop was late with a timer, in the last minute while somebody looked.
    extra_in_use, watchers: attempts beyond the first that are paid for and under way; pages that look.
    """

    router: Quantiles
    loop_lag: Quantiles
    rss_bytes: int | None
    watchers: int


class Loaded(msgspec.Struct, frozen=True):
    """The configuration that is served.

    source: the file. at: when it was last read anew, as ISO 8601; None: not since the start. refused: why it was not
    taken then, in lines, so that what was served before is served on; None: it was taken. needs_restart: what has
    changed in it and takes effect at the next start only.
    """

    source: str
    at: str | None = None
    refused: str | None = None
    needs_restart: tuple[str, ...] = ()


def loaded(source: str, last: Reloaded | None) -> Loaded:
    """What there is to say after the last reload; None: there was none."""
    if last is None:
        return Loaded(source)
    return Loaded(source, last.at.isoformat(timespec="seconds"), "\n".join(last.wrong) or None, last.needs_restart)


class Now(msgspec.Struct, frozen=True):
    """One snapshot.

    process: differs from that of a gateway that was started anew. tick: rises by one. at: ISO 8601, for people.
    now_s: on the routers' clock, which all other instants are on. over_s: what figures of late are made of.
    bins: the last two, in the scale that ``bin_s``, ``bucket_least`` and ``buckets_per_octave`` tell.
    calls, incidents: those that have come since the last tick; in a snapshot that was asked for once, the last ones.
    """

    format: int
    process: str
    tick: int
    at: str
    now_s: float
    up_s: float
    over_s: float
    bin_s: float
    bucket_least: float
    buckets_per_octave: int
    configuration: Loaded
    routes: tuple[RouteNow, ...]
    endpoints: tuple[EndpointNow, ...]
    residency: tuple[Residency, ...]
    own: Own
    bins: list[Bin]
    calls: list[Record]
    incidents: list[Incident]
