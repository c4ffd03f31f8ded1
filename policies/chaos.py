"""Break things on purpose, to see what the rest of the stack makes of it.

A stack that has never met a fault is a guess. `Chaos` puts faults into a share of the attempts, by endpoint, route,
urgency and time, in tests and on game days; everything outside meets them as the endpoint's own doing, breakers and
windows included. So an endpoint that is broken by it will be avoided: that is what is tried out. What was injected
stands in the decisions of the call and on the attempt (``Attempt.injected``), so that nobody hunts for a cause that is
known.

It refuses to be built without a seed or dice of its own. Faults that nobody can repeat teach nothing, and faults drawn
from the router's dice would change every other choice of the run.

Never leave it in a stack that serves people unawares. Innermost: it stands around the provider, inside the attempt.

Source: the verbs are those of Polly's Simmy (latency, fault), with three that streams need (cut, drip, silence).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.errors import ConfigurationError
from ..router.pipeline import Layer
from ..router.request import Urgency
from .faults import Fault

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.fleet import Fleet
    from ..router.pipeline import Emit, Handler

Kind = TypeVar("Kind")


def _fault(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, type) or not isinstance(value, Fault):
        raise ConfigurationError(
            f"Injection: {attribute.name} must be a fault such as Latency(least_s=2.0), not {value!r}"
        )


def _all(kind: type[Kind], given: Iterable[Kind], what: str) -> tuple[Kind, ...]:
    checked: object = given  # whatever the types promise
    found = tuple(given) if isinstance(checked, Iterable) else given
    check.every(kind, found, what)
    return tuple(found)


def _urgencies(value: Iterable[Urgency] | Urgency | None) -> tuple[Urgency, ...] | None:
    if value is None:
        return None
    return _all(Urgency, (value,) if isinstance(value, Urgency) else value, "Injection: urgencies")


def _endpoints(value: object) -> frozenset[str] | None:
    return check.names_or_none(value, "Injection: endpoints")


def _routes(value: object) -> frozenset[str] | None:
    return check.names_or_none(value, "Injection: routes")


@attrs.frozen(kw_only=True)
class Injection:
    """A fault, and which attempts it befalls.

    fault: what happens.
    share: of the attempts that match; above 0, up to 1.
    endpoints, routes: names of those it befalls. Default None: all.
    urgencies: of the calls it befalls. Default None: all.
    from_s: when it begins, in seconds since the policy saw its first call; at least 0. Default 0.
    to_s: when it is over, counted likewise; above *from_s*. Default None: never.
    """

    fault: Fault = attrs.field(validator=_fault)
    share: float = attrs.field(validator=check.share)
    endpoints: frozenset[str] | None = attrs.field(default=None, converter=_endpoints)
    routes: frozenset[str] | None = attrs.field(default=None, converter=_routes)
    urgencies: tuple[Urgency, ...] | None = attrs.field(default=None, converter=_urgencies)
    from_s: float = attrs.field(default=0.0, validator=check.at_least_zero)
    to_s: float | None = attrs.field(default=None, validator=check.if_given(check.positive))

    def __attrs_post_init__(self) -> None:
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ConfigurationError(f"Injection: to_s ({self.to_s:g}) must be after from_s ({self.from_s:g})")

    def concerns(self, call: Call, at_s: float) -> bool:
        """Whether it may befall this attempt, *at_s* seconds after the beginning."""
        return (
            self.from_s <= at_s
            and (self.to_s is None or at_s < self.to_s)
            and (self.endpoints is None or call.target.name in self.endpoints)
            and (self.routes is None or call.route.name in self.routes)
            and (self.urgencies is None or call.urgency in self.urgencies)
        )


class _Run:
    """The dice, and when the first call was seen."""

    __slots__ = ("began_s", "dice")

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.began_s: float | None = None


def _injections(value: Iterable[Injection]) -> tuple[Injection, ...]:
    return _all(Injection, value, "Chaos: injections")


def _seed(value: int | None) -> int | None:
    return None if value is None else check.whole(value, 0, "Chaos: seed")


@attrs.frozen(kw_only=True)
class Chaos:
    """Injected faults.

    injections: tried in order, with a throw of the dice for each that concerns an attempt; the first that hits is it.
        So 2 % failures and then 50 % latency make 2 % and 49 %.
    seed: of the dice; at least 0, as Python's dice are the same for a number and its negative. Default None: *dice* are
        given.
    dice: the dice themselves. Default None: a *seed* is given. Exactly one of the two must be.
    """

    layer: ClassVar[Layer] = Layer.CHAOS

    injections: tuple[Injection, ...] = attrs.field(converter=_injections)
    seed: int | None = attrs.field(default=None, converter=_seed)
    dice: random.Random | None = attrs.field(
        default=None, validator=check.if_given(check.one_of(random.Random)), repr=False, eq=False
    )

    _run: _Run = attrs.field(
        default=attrs.Factory(lambda self: _Run(self.dice or random.Random(self.seed)), takes_self=True),
        init=False, repr=False, eq=False,
    )  # fmt: skip

    def __attrs_post_init__(self) -> None:
        if (self.seed is None) == (self.dice is None):
            raise ConfigurationError(
                "Chaos: give a seed, or dice, and not both: faults that cannot be repeated teach nothing"
            )
        if not self.injections:
            raise ConfigurationError("Chaos: injections is empty: give at least one Injection, or leave it out")

    def check_fleet(self, fleet: Fleet, /) -> None:
        """Refuse names that the router does not know.

        Raises:
            ConfigurationError: an endpoint or a route is none of the fleet's.
        """
        endpoints, routes = {target.name for target in fleet}, {route.name for route in fleet.every_route}
        for injection in self.injections:
            for known, named in ((endpoints, injection.endpoints), (routes, injection.routes)):
                unknown = sorted((named or frozenset[str]()) - known)
                if unknown:
                    raise ConfigurationError(
                        f"Chaos: {', '.join(unknown)} is not there to be broken; there are {', '.join(sorted(known))}"
                    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if self._run.began_s is None:
            self._run.began_s = call.clock()
        await next(replace(call, meddler=self._meddle), emit)

    async def _meddle(self, call: Call, emit: Emit, provider: Handler, /) -> None:
        """Around the provider: one attempt."""
        run = self._run
        at_s = call.clock() - (run.began_s or 0.0)
        for injection in self.injections:
            if injection.concerns(call, at_s) and run.dice.random() < injection.share:
                fault = injection.fault
                call.note("Chaos", "injects a fault into the attempt at %s: %r", call.target.name, fault)
                if call.attempt is not None:
                    call.attempt.injected = fault.word
                await fault.befall(call, emit, provider, run.dice)
                return
        await provider(call, emit)
