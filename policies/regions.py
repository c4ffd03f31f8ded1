"""Keep a call in the regions it is allowed to use, and order those by what they cost to reach.

Two things at once, because both are about places. *Residency* is law: an endpoint outside the call's regions is
dropped, on every attempt, and if none is left the call fails rather than leaves. *Distance* is a price: the network
latency from the caller's location, made dearer by the load of the region,

    cost = (network + 5 ms) / (1 - load)

so that a near region that fills up gives way to a farther one before it queues. Regions that cost about the same are
tied. The network latency is measured where it can be (the time to open a connection, from where the router runs) and
configured where not. A region of unknown latency stands behind the known ones, but where it could be measured it is
tied with the best, or it never would be.

A retry or a fallback keeps out of the regions in which its call has already met trouble, while others are left.

A user comes back to the region that served them, where prompt caches may be warm, as long as it is allowed, has room
and costs no more than twice the best.

Stands inside whatever repeats, so that each attempt is filtered anew, and outside what chooses among endpoints.
Without it, a router with a residency-bound route cannot be built.

Source: Peña, "Latency-based LLM routing" (regional selection); waiting time grows with 1 / (1 - load) as in M/M/1.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

import attrs

from ..router import check
from ..router.errors import (
    ConfigurationError,
    ConnectFailed,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    ResidencyUnmet,
)
from ..router.ledger import Outcome
from ..router.pipeline import Layer
from ..router.remembered import Remembered
from .ranking import Ranking

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

NEAR_S = 0.005
"""What even the nearest region costs, so that its load counts too."""

FULLEST = 0.99

TROUBLE = (ConnectFailed, ProviderError, ProviderOverloaded, ProviderTimeout)
"""Failures that may be a region's rather than one endpoint's: a spent quota is not."""

STICKY_COST = 2.0
"""A user's region is kept while it costs at most this many times the best."""


Asked: TypeAlias = "tuple[tuple[Target, ...], str | None, str | None]"
"""Targets, location and the user's region."""


def _both_ways(given: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    pairs: list[object] = list(given)  # whatever the types promise
    for pair in pairs:
        if not isinstance(pair, tuple) or len(cast("tuple[object, ...]", pair)) != 2:
            raise ConfigurationError(f"Regions: rtt_s must be seconds by (location, region), not by {pair!r}")
    return {**{(there, here): rtt_s for (here, there), rtt_s in given.items()}, **given}


def _each_at_least_zero(instance: object, attribute: attrs.Attribute[Any], value: Mapping[Any, float]) -> None:
    for rtt_s in value.values():
        check.at_least_zero(instance, attribute, rtt_s)


@attrs.frozen(kw_only=True)
class Regions:
    """Residency, then distance weighted by load. One object serves one router: it remembers where its users were.

    here: region the router runs in, the caller's location where a request names none. Default None: unknown.
    rtt_s: seconds of round trip between (location, region), either way round. What is measured from *here* takes
        precedence. Default: nothing is known.
    tied_within: share of the best region's cost up to which another is as good. Default 0.25; at least 0.
    sticky_users: users whose last region is remembered, the latest ones. Default 10,000; 0 remembers none.

    Raises `ResidencyUnmet` when no candidate lies in an allowed region.
    """

    layer: ClassVar[Layer] = Layer.REGION

    here: str | None = attrs.field(default=None, validator=check.if_given(check.named))
    rtt_s: Mapping[tuple[str, str], float] = attrs.field(
        factory=dict[tuple[str, str], float], converter=_both_ways, validator=_each_at_least_zero, repr=False
    )
    tied_within: float = attrs.field(default=0.25, validator=check.at_least_zero)
    sticky_users: int = attrs.field(default=10_000, validator=check.count(0))
    _homes: OrderedDict[str, str] = attrs.field(factory=OrderedDict[str, str], init=False, repr=False, eq=False)
    _ranked: Remembered[Asked, Ranking] = attrs.field(
        factory=Remembered[Asked, Ranking], init=False, repr=False, eq=False
    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        allowed = call.candidates if call.residency is None else _allowed(call, call.residency)
        if call.ledger.attempts:
            allowed = _out_of_trouble(call, allowed)
        user = call.request.user
        await next(self._ordered(call, allowed, None if user is None else self._homes.get(user)), emit)
        if user is not None and self.sticky_users:
            self._remember(user, call)

    def _ordered(self, call: Call, allowed: tuple[Target, ...], home: str | None) -> Call:
        if not allowed:
            return call
        location = call.request.location or self.here
        now_s, pulse, asked = call.clock(), allowed[0].pulse, (allowed, location, home)
        ranking = self._ranked.get(asked, pulse, now_s)
        if ranking is None:
            ranking = self._rank(allowed, location, home)
            self._ranked.keep(asked, ranking, pulse, now_s)
        return ranking.applied(call, "Regions", now_s)

    def _rank(self, allowed: tuple[Target, ...], location: str | None, home: str | None) -> Ranking:
        costs = self._costs(allowed, location)
        regions = {target.region for target in allowed}
        dearest = STICKY_COST * min(costs.values(), default=math.inf)
        if home in regions and costs.get(home, 0.0) <= dearest:
            first: set[str] = {home}
            words, facts = "%s, where this user was served before", (home,)
        elif not costs:
            return Ranking(allowed, len(allowed), "no region's latency is known")
        else:
            nearest = min(costs, key=costs.__getitem__)
            first = {region for region, cost in costs.items() if cost <= costs[nearest] * (1.0 + self.tied_within)}
            if location == self.here:
                first |= regions - costs.keys()
            words, facts = "%s is the nearest of those known", (nearest,)

        def rank(target: Target) -> tuple[bool, bool, float]:
            region = target.region
            return region not in first, region not in costs, costs.get(region, 0.0)

        tied = sum(target.region in first for target in allowed)
        return Ranking(tuple(sorted(allowed, key=rank)), tied, words, facts)

    def _costs(self, targets: Iterable[Target], location: str | None) -> dict[str, float]:
        """What each region costs, in seconds; those of unknown latency are left out."""
        by_region: dict[str, list[Target]] = {}
        for target in targets:
            by_region.setdefault(target.region, []).append(target)
        costs: dict[str, float] = {}
        for region, there in by_region.items():
            network_s = self._network_s(location, region, there)
            if network_s is not None:
                load = min(FULLEST, sum(target.load for target in there) / len(there))
                costs[region] = (network_s + NEAR_S) / (1.0 - load)
        return costs

    def _network_s(self, location: str | None, region: str, there: list[Target]) -> float | None:
        """Seconds of network between the two: measured if it is ours to measure, else configured; None if unknown."""
        if location == self.here:
            measured = [target.network_s for target in there if target.network_s is not None]
            if measured:
                return min(measured)
        if location is None:
            return None
        return 0.0 if location == region else self.rtt_s.get((location, region))

    def _remember(self, user: str, call: Call) -> None:
        attempt = call.ledger.answered_by
        if attempt is None:
            return
        self._homes[user] = attempt.endpoint.region
        self._homes.move_to_end(user)
        if len(self._homes) > self.sticky_users:
            self._homes.popitem(last=False)


def _out_of_trouble(call: Call, allowed: tuple[Target, ...]) -> tuple[Target, ...]:
    """Without the regions this call has already met trouble in, as long as another has room.

    What slows or breaks one endpoint (a network, a site, an overloaded vendor) seldom stops at it, and another model
    there, of which nothing bad is known yet, would look like the best choice.
    """
    troubled = {
        attempt.endpoint.region
        for attempt in call.ledger.attempts
        if attempt.outcome is Outcome.TIMED_OUT or isinstance(attempt.error, TROUBLE)
    }
    elsewhere = tuple(target for target in allowed if target.region not in troubled)
    if len(elsewhere) == len(allowed) or not any(target.slots.has_room for target in elsewhere):
        return allowed
    call.note("Regions", "keeps out of %s, where this call met trouble", ", ".join(sorted(troubled)))
    return elsewhere


def _allowed(call: Call, residency: frozenset[str]) -> tuple[Target, ...]:
    """The candidates that lie in an allowed region.

    Raises:
        ResidencyUnmet: there is none.
    """
    allowed = tuple(target for target in call.candidates if target.region in residency)
    if len(allowed) < len(call.candidates):
        dropped = sorted({target.region for target in call.candidates} - residency)
        call.note("Regions", "dropped what is in %s, which this call may not use", ", ".join(dropped))
    if not allowed:
        raise ResidencyUnmet(
            f"no endpoint of this call lies in {', '.join(sorted(residency))}, the only regions it may use"
        )
    return allowed
