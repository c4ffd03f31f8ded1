"""Keep a call in the regions it is allowed to use, and send it to the nearest of those that can take it.

Three things at once, because all are about places. *Residency* is law: an endpoint outside the call's regions is
dropped, on every attempt, and if none is left the call fails rather than leaves. *Distance* is a price: regions that
cost about the same, in network latency and load (`distance`), are tied, and the cheapest go first. *Health* is a limit:
when part of the nearest regions is ill, they keep what the rest of them can bear and the other calls spill over to the
next (`spillover`, `ways`). Traffic comes back as slowly as endpoints recover (`health`).

A region of unknown latency stands behind the known ones, but where it could be measured it is tied with the best, or
it never would be.

A retry, a fallback or a hedge keeps out of the failure domains in which its call has met trouble or still waits, while
others are left (`domains`).

A user comes back to the region that served them, where prompt caches may be warm (`sticky`), as long as it is allowed,
has room and costs no more than twice the best. A call that spills over leaves its user's region as it was.

All of these but residency are preferences: where they leave nothing that can serve the call, it may go anywhere it is
allowed to.

Stands inside whatever repeats, so that each attempt is filtered anew, and outside what chooses among endpoints.
Without it, a router with a residency-bound route cannot be built.

Source: Peña, "Latency-based LLM routing" (regional selection); Envoy (locality weights, priorities).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

import attrs

from ..router import check
from ..router.errors import ConfigurationError, DeadlineInsufficient, NoEndpoint
from ..router.pipeline import Layer
from ..router.remembered import Remembered
from .distance import Distances
from .domains import apart
from .health import Capacities
from .plan import Plan, as_given, by_distance, grouped
from .residency import Inside, inside, unmet
from .sticky import Homes
from .ways import Way, divided, drawn

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

Asked: TypeAlias = "tuple[tuple[Target, ...], str | None, str | None]"
"""Targets, location and the user's region."""


def _both_ways(given: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    pairs: list[object] = list(given)  # whatever the types promise
    for pair in pairs:
        if not isinstance(pair, tuple) or len(cast("tuple[object, ...]", pair)) != 2:
            raise ConfigurationError(f"Regions: rtt_s must be seconds by (location, region), not by {pair!r}")
    return {**{(there, here): rtt_s for (here, there), rtt_s in given.items()}, **given}


def _levels(given: object) -> tuple[tuple[str, ...], ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigurationError(f"Regions: priorities must be lists of regions, the preferred first, not {given!r}")
    return tuple(check.names(level, "Regions: priorities") for level in cast("Iterable[object]", given))


def _each(validator: check.Validator) -> check.Validator:
    def each(instance: object, attribute: attrs.Attribute[Any], value: Mapping[Any, float]) -> None:
        for number in value.values():
            validator(instance, attribute, number)

    return each


def _distinct(_instance: object, _attribute: attrs.Attribute[Any], levels: tuple[tuple[str, ...], ...]) -> None:
    regions = [region for level in levels for region in level]
    for region in regions:
        if regions.count(region) > 1:
            raise ConfigurationError(f"Regions: priorities names {region!r} twice: give it one priority")


@attrs.frozen(kw_only=True)
class Regions:
    """Residency, then distance, as far as health allows. One object serves one router: it remembers what it learned.

    here: region the router runs in, the caller's location where a request names none. Default None: unknown.
    rtt_s: seconds of round trip between (location, region), either way round. What is measured from *here* comes to
        replace it. Default: nothing is known.
    tied_within: share of the best region's cost up to which another is as good. Default 0.25; at least 0.
    priorities: regions in levels, the preferred first, in place of distance. A region that is not named comes after
        those that are. Default: by distance.
    weights: shares of the traffic by region, in any unit, above 0, in place of distance; with *priorities*, shares
        within each level, and both must name the same regions. Default: none.
    sticky_users: users whose last region is remembered, the latest ones; at least 0, which remembers none. Default
        10,000. What is given by *weights* or *priorities* takes precedence over all of them.
    sticky_s: seconds after a user's last call that the region is remembered; above 0. Default half an hour.

    Raises `ResidencyUnmet` when no candidate lies in an allowed region.
    """

    layer: ClassVar[Layer] = Layer.REGION

    here: str | None = attrs.field(default=None, validator=check.if_given(check.named))
    rtt_s: Mapping[tuple[str, str], float] = attrs.field(
        factory=dict[tuple[str, str], float], converter=_both_ways, validator=_each(check.at_least_zero), repr=False
    )
    tied_within: float = attrs.field(default=0.25, validator=check.at_least_zero)
    priorities: Sequence[Sequence[str]] = attrs.field(default=(), converter=_levels, validator=_distinct)
    weights: Mapping[str, float] = attrs.field(factory=dict[str, float], validator=_each(check.positive))
    sticky_users: int = attrs.field(default=10_000, validator=check.count(0))
    sticky_s: float = attrs.field(default=1800.0, validator=check.positive)

    _distances: Distances = attrs.field(
        default=attrs.Factory(lambda self: Distances(self.here, self.rtt_s), takes_self=True),
        init=False, repr=False, eq=False,
    )  # fmt: skip
    _homes: Homes = attrs.field(
        default=attrs.Factory(
            lambda self: Homes(0 if self.weights or self.priorities else self.sticky_users, self.sticky_s),
            takes_self=True,
        ), init=False, repr=False, eq=False,
    )  # fmt: skip
    _capacities: Capacities = attrs.field(factory=Capacities, init=False, repr=False, eq=False)
    _remembered: Remembered[Asked, tuple[Way, ...]] = attrs.field(
        factory=Remembered[Asked, "tuple[Way, ...]"], init=False, repr=False, eq=False
    )
    _inside: Callable[[tuple[Target, ...], frozenset[str]], Inside] = attrs.field(
        factory=lambda: lru_cache(maxsize=64)(inside), init=False, repr=False, eq=False
    )

    def __attrs_post_init__(self) -> None:
        named = {region for level in self.priorities for region in level}
        in_one = named ^ self.weights.keys()
        if named and self.weights and in_one:
            raise ConfigurationError(
                f"Regions: weights and priorities must name the same regions, and {', '.join(sorted(in_one))} "
                "is in only one of them"
            )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        allowed = call.candidates if call.residency is None else self._allowed(call, call.residency)
        if not allowed:
            await next(call, emit)
            return
        now_s, user = call.clock(), call.request.user
        home = None if user is None else self._homes.of(user, now_s)
        preferred = apart(call, allowed) if call.ledger.attempts else allowed
        ways = self._ways(call, preferred, home, now_s)
        way = ways[0] if len(ways) == 1 else drawn(ways, call.dice)
        ranking = way.anywhere if way.only is None else way.now(call)
        if len(ranking.ordered) == len(allowed):
            await next(ranking.applied(call, "Regions", now_s), emit)
        elif not await _could_serve(ranking.applied(call, "Regions", now_s), emit, next):
            way = self._ways(call, allowed, home, now_s)[0]
            await next(way.anywhere.applied(call, "Regions", now_s), emit)
        if user is not None and way.usual:
            self._remember(user, call)

    def _allowed(self, call: Call, residency: frozenset[str]) -> tuple[Target, ...]:
        """The candidates that lie in an allowed region.

        Raises:
            ResidencyUnmet: there is none.
        """
        allowed = self._inside(call.candidates, residency)
        if allowed.dropped:
            call.note("Regions", "dropped what is in %s, which this call may not use", allowed.dropped)
        if not allowed.targets:
            raise unmet(residency)
        return allowed.targets

    def _ways(self, call: Call, targets: tuple[Target, ...], home: str | None, now_s: float) -> tuple[Way, ...]:
        location = call.request.location or self.here
        pulse, asked = targets[0].pulse, (targets, location, home)
        ways = self._remembered.get(asked, pulse, now_s)
        if ways is None:
            capacity = {target: self._capacities.of(target, now_s) for target in targets}
            ways = divided(self._plan(targets, location, home), capacity)
            self._remembered.keep(asked, ways, pulse, now_s)
        return ways

    def _plan(self, targets: tuple[Target, ...], location: str | None, home: str | None) -> Plan:
        """The tiers these targets make up while all of them are well."""
        there: dict[str, list[Target]] = {}
        for target in targets:
            there.setdefault(target.region, []).append(target)
        costs = self._distances.costs(there, location)
        groups = grouped(list(there), costs, self.tied_within)
        if costs and location == self.here and len(costs) < len(there):
            groups[0] += groups.pop()  # what is not measured yet would else never be
        levels = self.priorities or ((tuple(self.weights),) if self.weights else ())
        if any(region in there for level in levels for region in level):
            return as_given(targets, costs, groups, levels, self.weights)
        return by_distance(targets, costs, groups, home)

    def _remember(self, user: str, call: Call) -> None:
        attempt = call.ledger.answered_by
        if attempt is not None:
            self._homes.keep(user, attempt.endpoint.region, call.clock())


async def _could_serve(call: Call, emit: Emit, next: Handler) -> bool:
    """Whether the candidates of *call*, which are only the preferred ones, were of any use to what chooses inside."""
    tries = len(call.ledger.attempts)
    try:
        await next(call, emit)
    except (NoEndpoint, DeadlineInsufficient) as none:
        if len(call.ledger.attempts) > tries:
            raise
        call.note("Regions", "goes on to all that are allowed: %s", none)
        return False
    return True
