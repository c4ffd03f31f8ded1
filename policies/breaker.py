"""Keep calls away from endpoints that fail, and find out with one call when they are well again.

Five failures in a row, or a fifth of the calls of half a minute, and an endpoint is *ejected*: for some seconds, twice
as long each time, nothing is sent there. Then one call tries it. If that goes well the endpoint is back, eased in
over half a minute; if it fails, it is out for longer; if it was cancelled, the next call tries.

A vendor's own word acts at once. Where it asks to be left alone (Retry-After) nothing is sent before. Where it refuses
the key, or says that the quota is spent, the endpoint is out until the reset it names, or else for five minutes at a
time, and the decision says which: that is for a person to mend.

It steers, it does not refuse. When too few are well (see `panic`) those that are out by our own conclusion are asked
too, and when nobody is left everybody is; such calls are flagged, in the decision and by an event. There are two
exceptions, in which there is somebody better to ask than an endpoint known to be out, and `NoEndpoint` tells the outer
policies to: a try after the first, while one that was tried before is not out (`Retry` asks that one again), and a leg
of a `Fallback` with another model to come.

Stands inside `Regions`, so that it counts those a call may use, and outside what chooses. What a call may choose from
keeps its order and its ties. With nobody out it costs two looks.

Sources: Finagle's failure accrual, Envoy's outlier detection, panic threshold and slow start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from ..router import check
from ..router.errors import DeadlineInsufficient, Gated, NoEndpoint, Overloaded, Throttled
from ..router.health.rules import HealthRules
from ..router.pipeline import Layer
from .easing_in import eased_in
from .eligible import BY, RememberedEligible, Told, eligible
from .elsewhere import look_elsewhere, tries_before
from .queues import has_room

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.health.outliers import Outliers
    from ..router.health.probe import Probe
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target


@attrs.frozen(kw_only=True)
class Breaker(HealthRules):
    """Leaves the endpoints that are well, and lets exactly one call try each that may be again.

    failures: in a row, that eject an endpoint; at least 1. Default 5. 429s are not counted among these.
    success_ratio: share of successes within the window below which it is ejected. Default 0.8; 0 to 1; 0: never.
    window_s: seconds the ratio looks back. Default 30; above 0.
    outcomes: within the window, below which the ratio says nothing; at least 1. Default 20.
    eject_for_s: seconds of a first ejection, of which up to a half is taken off by chance; each one after doubles it.
        Default 5; above 0.
    eject_at_most_s: the longest ejection. Default 300; at least *eject_for_s*. A vendor's Retry-After takes precedence
        when it is more.
    most_ejected: share of a model's endpoints that may be out by our own conclusion. Default 0.5; above 0, up to 1.
        One may be out where another remains, even if that is a greater share.
    panic_below: share of the healthy below which health is ignored. Default 0.5; 0 to 1; 0: never, as long as one is
        left.
    slow_start_s: seconds an endpoint that returns takes to its full weight, or as long as it was away if that is less.
        Default 30; at least 0, where it returns at once.
    aggression: 1 is a straight ramp, more is steeper at first. Default 1; above 0.

    Raises `NoEndpoint` in the two cases above. Health itself is kept by the router, which learns from every attempt.
    """

    layer: ClassVar[Layer] = Layer.HEALTH

    panic_below: float = attrs.field(default=0.5, validator=check.chance)
    _eligible: RememberedEligible = attrs.field(factory=RememberedEligible, init=False, repr=False, eq=False)

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if not call.candidates:
            raise NoEndpoint("no candidate is left to look after")
        outliers = call.candidates[0].outliers
        if outliers.rules is not self:
            outliers.follow(self, call.dice, call.listeners)
        if outliers.out or outliers.returning:
            trial = _trial(call, outliers)
            if trial is not None and await _tried(call, emit, next, *trial):
                return
            call = self._narrowed(call, outliers)
        await next(call, emit)

    def _narrowed(self, call: Call, outliers: Outliers) -> Call:
        """The call with the candidates it may choose from.

        Raises:
            NoEndpoint: all are out, and there is somebody better to ask.
        """
        now_s = call.clock()
        outliers.tidy(now_s)
        before = tries_before(call)
        # What a retry leaves to choose from is no measure of how many are well: with one of them left, no panic.
        left = eligible(call, outliers, 0.0) if before else self._eligible.of(call, outliers, self.panic_below)
        if left.well == 0:
            look_elsewhere(call, before, outliers)
        call = left.applied(call, now_s)
        return eased_in(call, outliers, now_s) if outliers.returning else call


def _trial(call: Call, outliers: Outliers) -> tuple[Target, Probe] | None:
    """An endpoint that is due to be tried, and the leave to; None if this call is to try none.

    A try after the first goes to who is well, as long as there is one: a caller meets one trial at most.
    """
    now_s = call.clock()
    for target, health in outliers.out.items():
        if health.is_due(now_s) and has_room(target, call) and target in call.candidates:
            if tries_before(call) and any(other not in outliers.out for other in call.candidates):
                return None
            call.ledger.note(now_s, BY, "tries %s, to see whether it is well again", Told([target], outliers.out))
            return target, health.begin_trial(now_s)
    return None


async def _tried(call: Call, emit: Emit, next: Handler, target: Target, probe: Probe) -> bool:
    """Let this call try *target*. False if it could not: an inner policy refused, before anything was sent."""
    with probe:
        try:
            await next(call.with_(candidates=(target,)), emit)
        except (NoEndpoint, DeadlineInsufficient, Gated, Overloaded, Throttled) as refused:
            call.note(BY, "could not try %s: %s", target.name, refused)
            return False
        return True
