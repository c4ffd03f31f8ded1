"""Refuse here what would be refused there, and the least urgent first.

Under overload a call that is refused by the vendor has cost a connection, a place in its queue and, most of all, time
in which an urgent one could have been sent. A client that sees much of what it sends refused can know beforehand what
will become of the next, and refuse it itself, at once, before anything was spent on it.

The rule is Google's. With *requests* the calls of late, those refused here among them, and *accepts* those that were
taken on, a call is refused with

    p = max(0, (requests - K * accepts) / (requests + 1))

so that nothing is refused while at least one in K is taken on, and about K times what is taken on is sent.

*Who* is refused depends on the urgency. A class counts the requests of its own and of the more urgent classes only, and
makes up for all that is too much with its own calls. So what is in the background goes first, to the last call if need
be, and what is interactive is not touched until it is too much by itself. (A vendor knows nothing of urgency: where
half of what is sent is refused there, half of what is urgent is.)

With K = 2, as Google has it, half of what is sent may be refused there, the urgent with the rest; with a K near 1 a
throttle takes minutes to let go, and a single failure sets it off. So K moves, as a congestion window does: it shrinks
with each call that the vendor turns away, by the share of all that is, and grows slowly all the time. Where fewer than
one in forty is turned away, by chance, it stays at 2. Under overload it soon reaches the least that a class has, which
for the less urgent is 1 or below: that empties the vendor's queue. And while K is at 1 or below the less urgent have no
part in the budget of extra attempts, or their retries would leave nothing for those of the urgent.

Some calls must always be sent, or a recovery would never be seen: a class is refused down to ``1 - cap`` and not
further, unless more urgent calls are under way, which see it too.

Calls that prefer the same model share one throttle, whatever their route: what is overloaded is the model's endpoints.
A call counts when it has ended (an answer takes long; counted on arrival, every call under way would look refused).
Attempts that the vendor turned away count as requests beside it, so a call that was saved by its third try has been
refused twice. What counts as refused is what the errors' own table says of load (`Signal.DROPPED`: rate limits,
overload, timeouts), a queue here that was full, and a deadline that passed; errors that speak of no load do not.

Use it where urgent calls and others share a quota or a model. It is of no use where all calls are alike, beyond sparing
a vendor; where slots are known, `Slots` queues by urgency, and both together do best: a queue for bursts, this for what
lasts. Outermost: what is refused here has cost a microsecond.

Sources: Beyer et al. (eds.), "Site Reliability Engineering" (2016), chapter "Handling Overload", for the rule and for
keeping it by criticality; the cap and the least number of requests, Envoy's admission control filter and Finagle's nack
admission filter; that classes are refused in order, Zhou et al., "Overload Control for Scaling WeChat Microservices"
(2018); back at once and up slowly, Chiu and Jain, "Analysis of the Increase and Decrease Algorithms" (1989).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.budget import Budget
from ..router.errors import AttemptFailed, CallError, ConfigurationError, DeadlineExceeded, EveryModelFailed, Overloaded
from ..router.pipeline import Layer
from ..router.request import Urgency
from ..router.shed import Shed
from ..router.verdict import Signal
from .throttle import Throttle

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler

MULTIPLIERS = MappingProxyType({Urgency.INTERACTIVE: 2.0, Urgency.NORMAL: 1.0, Urgency.BACKGROUND: 0.8})


def _by_urgency(given: Mapping[Urgency, float]) -> Mapping[Urgency, float]:
    checked: object = given  # whatever the types promise
    return MappingProxyType({**MULTIPLIERS, **given}) if isinstance(checked, Mapping) else given


def _multipliers(_: object, attribute: attrs.Attribute[Any], value: Mapping[Urgency, float]) -> None:
    given: object = value  # whatever the types promise
    if not isinstance(given, Mapping) or not all(isinstance(urgency, Urgency) for urgency in value):
        raise ConfigurationError(
            f"Admission: {attribute.name} must be numbers by Urgency, such as {{Urgency.BACKGROUND: 1.1}}"
        )
    before = None
    for urgency in Urgency:
        k: object = value[urgency]
        if not isinstance(k, int | float) or isinstance(k, bool) or not 0 < k < math.inf:
            raise ConfigurationError(
                f"Admission: {attribute.name} must be numbers above 0, and {urgency.name} has {k!r}"
            )
        if before is None and k <= 1:
            raise ConfigurationError(
                f"Admission: {attribute.name} must be above 1 for {urgency.name}, so that a recovery is seen, not {k!r}"
            )
        if before is not None and k > before:
            raise ConfigurationError(
                f"Admission: {attribute.name} must not be greater for the less urgent, and {urgency.name} has {k!r}"
            )
        before = k


@attrs.frozen(kw_only=True)
class Admission:
    """Adaptive throttling by urgency.

    multipliers: the least K by urgency, how many times what is accepted may be sent; above 0, and not greater for the
        less urgent. That of the most urgent is above 1, and is everybody's K while all is well. Default: interactive 2,
        normal 1, background 0.8; those that are left out keep their default.
    window_s: seconds that count. Default 30; above 0. Google takes two minutes, which is calmer and sees an overload as
        much later.
    cap: the share of a class that may be refused while no more urgent calls are under way. Default 0.8; above 0,
        below 1.
    fewest: requests that must have ended within the window for anybody to be refused. Default 20; at least 1. Takes
        precedence over all of those.

    Raises `Overloaded` with the rule `Shed.THROTTLED`, which is not ``retryable``: trying again at once is what the
    overload is made of.
    """

    layer: ClassVar[Layer] = Layer.ADMISSION

    multipliers: Mapping[Urgency, float] = attrs.field(
        factory=dict[Urgency, float], converter=_by_urgency, validator=_multipliers
    )
    window_s: float = attrs.field(default=30.0, validator=check.positive)
    cap: float = attrs.field(default=0.8, validator=check.inner_share)
    fewest: int = attrs.field(default=20, validator=check.count(1))

    _throttles: dict[str, Throttle] = attrs.field(factory=dict[str, Throttle], init=False, repr=False, eq=False)

    _nothing: Budget = attrs.field(
        factory=lambda: Budget(ratio=0, reserve=0, in_flight_share=0, min_concurrent=0),
        init=False,
        repr=False,
        eq=False,
    )
    """What the less urgent have to pay extra attempts with while calls are turned away."""

    def __repr__(self) -> str:
        multipliers = ", ".join(f"{urgency.name.lower()} {k:g}" for urgency, k in self.multipliers.items())
        return f"Admission(K: {multipliers}; window_s={self.window_s:g}, cap={self.cap:g}, fewest={self.fewest})"

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if not call.candidates:
            await next(call, emit)
            return
        model = call.candidates[0].model
        throttle = self._throttles.get(model)
        if throttle is None:
            throttle = self._throttles[model] = Throttle(self)
        urgency, now_s = call.urgency, call.clock()
        if now_s < throttle.uneasy_until_s:
            refused = throttle.chance(urgency, now_s)
            if refused and call.dice.random() < refused:
                throttle.refused_here(urgency, now_s)
                raise _refusal(call, model, refused)
            if throttle.gives_way(urgency, now_s):
                call = replace(call, budget=self._nothing)
        try:
            await next(call, emit)
        except CallError as error:
            throttle.ended(call, urgency, accepted=not _speaks_of_load(error))
            raise
        throttle.ended(call, urgency, accepted=True)


def _speaks_of_load(error: CallError) -> bool:
    """Whether a failure says that there are too many calls, there or here."""
    if isinstance(error, EveryModelFailed):
        return any(_speaks_of_load(failure) for _, failure in error.failures)
    if isinstance(error, AttemptFailed):
        return error.signal is Signal.DROPPED or isinstance(error, Overloaded)
    return isinstance(error, DeadlineExceeded)


def _refusal(call: Call, model: str, chance: float) -> Overloaded:
    urgency = call.urgency.name.lower()
    call.note("Admission", "refuses %s calls of %s, %.0f %% of them", urgency, model, 100.0 * chance)
    refusal = Overloaded(
        f"so many calls of {model} are turned away that {urgency} ones are refused here, "
        f"{100.0 * chance:.0f} % of them at this moment",
        rule=Shed.THROTTLED,
    )
    refusal.retryable = False
    return refusal
