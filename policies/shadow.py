"""Send a copy of some calls to an endpoint that is being tried out, and let nobody notice.

Whether a new endpoint is fast enough is told by real traffic, and by nothing else. `Shadow` copies a share of the calls
to it, at the moment they arrive. The copy's answer is thrown away; what remains is what every attempt leaves behind at
its endpoint: latencies in its windows, its row in ``router.report().endpoints``, an event. When the endpoint is put
into a route afterwards it is known, and not a stranger.

Nothing of a copy reaches the call it was made of: not its answer, error or delay, not its ledger and so not its money,
not the budget of extra attempts, not the lengths of its route's answers. Copies are reported as of a route of their
own, ``"<route> (mirrored)"``. They run in tasks that belong to the router (`router.mirrors`), which ends them first of
all when it closes.

Copies are what is given up first: there are so many at once and no more, they wait for no slot, and while the endpoints
of the calls themselves are busy none is made. A call that is bound to regions is not copied out of them.

A copy costs what a call costs, at the vendor. Do not use it where a prompt must be seen by one vendor only, unless the
route says so by its residency, or where calls have effects (tools that the vendor itself runs).

Inside of `Admission` and outside of everything that tries again: a call is copied once.

Sources: traffic mirroring as in Envoy's request_mirror_policies (fire and forget, a share by runtime), which leaves the
bounds to the operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from ..router import check
from ..router.errors import ConfigurationError
from ..router.pipeline import Layer

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.fleet import Fleet
    from ..router.mirrors import Mirrors
    from ..router.pipeline import Emit, Handler


def _routes(value: object) -> frozenset[str] | None:
    return check.names_or_none(value, "Shadow: routes")


@attrs.frozen(kw_only=True)
class Shadow:
    """Copies of calls to one endpoint. For several endpoints, several of these.

    to: name of the endpoint. It serves a model that the mirrored routes need not know.
    share: of the calls, above 0, up to 1.
    routes: names of the routes that are mirrored. Default None: all, but calls that may go to the endpoint anyway.
    at_most: copies under way at once. Default 4; at least 1. What is more is not copied.
    busy_above: load of the call's own endpoints, as a share of their slots, from which on calls are not copied. Default
        0.8; above 0, up to 1. The least loaded of them counts; endpoints without a limit are never busy.

    The endpoint's slots, and its requests to be left alone, take precedence over all of those, and so does residency.
    """

    layer: ClassVar[Layer] = Layer.MIRROR

    to: str = attrs.field(validator=check.named)
    share: float = attrs.field(validator=check.share)
    routes: frozenset[str] | None = attrs.field(default=None, converter=_routes)
    at_most: int = attrs.field(default=4, validator=check.count(1))
    busy_above: float = attrs.field(default=0.8, validator=check.share)

    def check_fleet(self, fleet: Fleet, /) -> None:
        """Refuse names that the router does not know.

        Raises:
            ConfigurationError: the endpoint or a route is none of the fleet's, or the route is served by the endpoint.
        """
        names = {target.name for target in fleet}
        if self.to not in names:
            raise ConfigurationError(f"Shadow: no endpoint is named {self.to!r}; there are {', '.join(sorted(names))}")
        routes = {route.name: route for route in fleet.every_route}
        for name in sorted(self.routes or ()):
            if name not in routes:
                raise ConfigurationError(f"Shadow: no route is named {name!r}; there are {', '.join(sorted(routes))}")
            if fleet[self.to] in fleet.serving(routes[name]):
                raise ConfigurationError(
                    f"Shadow: {self.to!r} serves route {name!r} already, and is learned of from its calls"
                )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        mirrors = call.mirrors
        if (
            mirrors is not None
            and (self.routes is None or call.route.name in self.routes)
            and (self.share >= 1.0 or call.dice.random() < self.share)
        ):
            self._copy(call, mirrors)
        await next(call, emit)

    def _copy(self, call: Call, mirrors: Mirrors) -> None:
        """Make a copy, if there is room for it."""
        target = mirrors.target(self.to)
        if target in call.candidates:
            return
        if mirrors.in_flight(target) >= self.at_most:
            call.note("Shadow", "is not copied to %s: %d copies are under way", self.to, self.at_most)
        elif min((other.load for other in call.candidates), default=0.0) >= self.busy_above:
            call.note("Shadow", "is not copied to %s: its own endpoints are busy", self.to)
        elif mirrors.send(call, target):
            call.note("Shadow", "is copied to %s", self.to)
        else:
            call.note("Shadow", "is not copied to %s: it may not go there, or has no slot", self.to)
