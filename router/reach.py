"""Where the calls of a router can go: proven when it is built, and held at every attempt.

A route may be bound to regions. For each such route it is proven which endpoints its calls can ever reach, whatever
fails and whatever the policies do. The proof is short:

1. Every attempt goes through one door. The stack is composed around one innermost handler, `Bounds.dispatch`, and each
   handler that a policy is given as ``next`` leads there or raises.
2. What a call may reach is fixed before any policy has seen it, and is kept in `InFlight`, by the call's ledger. A
   policy has a view of the call and can make others of it: by ``with_``, by msgspec's ``replace``, out of nothing. None
   of that alters what is kept. A view with another ledger, or of a call that is over, is of no call that is known.
3. The door is passed only with the regions that the router gave the call, which its route and its request both allow,
   and only to an endpoint that serves its route; and behind it `dispatch.dispatch` refuses an endpoint outside of those
   regions. Endpoints, routes and regions never change once a router is built.

So the endpoints a bound route reaches are among those that serve it and lie in its regions, and that set is read off
when the router is built: `ResidencyProof`, which ``router.describe()`` prints. A bound route without such an endpoint,
or without a policy that keeps its calls inside, is an error then. (A policy at `Layer.REGION` is what makes bound calls
succeed; the door alone would only make them fail.)

Copies that a policy has made of a call (`mirrors`) are calls of their own, and do not pass this door. They are held to
the same regions, by what is kept here.

Not proven is what no router can prove: what a policy or a provider does with a prompt by itself, past ``next`` or as
part of another call; that nobody tampers with the router's own objects; and that a vendor serves a call from where its
endpoint says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .dispatch import dispatch
from .errors import ConfigurationError, PolicyFailed
from .operation import CHAT
from .pipeline import Layer, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .call import Call
    from .fleet import Fleet
    from .inflight import InFlight
    from .ledger import Ledger
    from .pipeline import Emit, Policy
    from .route import Route
    from .target import Target


NOT_OURS = "a policy sent on a call that is over, or that this router never admitted"


@attrs.frozen(kw_only=True)
class ResidencyProof:
    """What a route that is bound to regions can reach, and what not.

    route, residency: as configured. kept_by: names of the policies that keep its calls inside.
    reaches: names of the endpoints it can reach, by model; a model without any can never answer.
    never: names of the endpoints that serve its models and lie outside.
    """

    route: str
    residency: frozenset[str]
    kept_by: tuple[str, ...]
    reaches: dict[str, tuple[str, ...]]
    never: tuple[str, ...]

    def __str__(self) -> str:
        reaches = "; ".join(f"{model}: {', '.join(names) or 'none'}" for model, names in self.reaches.items())
        return (
            f"stays in {', '.join(sorted(self.residency))}, kept there by {', '.join(self.kept_by)} and dispatch: "
            f"reaches {reaches}; never {', '.join(self.never) or 'any other'}"
        )


def residency_proofs(fleet: Fleet, policies: Sequence[Policy]) -> tuple[ResidencyProof, ...]:
    """One proof for each route that is bound to regions, in the order of the routes.

    Raises:
        ConfigurationError: no policy of the stack keeps calls in regions.
    """
    kept_by = tuple(name_of(policy) for policy in policies if getattr(policy, "layer", None) is Layer.REGION)
    proofs: list[ResidencyProof] = []
    for route in fleet.routes:
        if route.residency is None:
            continue
        if not kept_by:
            raise ConfigurationError(
                f"Route {route.name!r} is bound to regions, but no policy of the stack keeps calls in regions: "
                "put Regions() into it"
            )
        proofs.append(_proof(route, fleet.serving(route), kept_by))
    return tuple(proofs)


def _proof(route: Route, serving: Sequence[Target], kept_by: tuple[str, ...]) -> ResidencyProof:
    allowed = route.residency or frozenset[str]()
    return ResidencyProof(
        route=route.name,
        residency=allowed,
        kept_by=kept_by,
        reaches={
            model: tuple(target.name for target in serving if target.model == model and target.region in allowed)
            for model in route.models
        },
        never=tuple(target.name for target in serving if target.region not in allowed),
    )


class Bounds:
    """What each call in flight may reach, and the door that holds it there. One a router."""

    __slots__ = ("_in_flight", "_serving")

    def __init__(self, fleet: Fleet, in_flight: InFlight) -> None:
        self._serving = {route.name: frozenset(fleet.serving(route)) for route in fleet.every_route}
        self._in_flight = in_flight

    def residency(self, ledger: Ledger) -> frozenset[str] | None:
        """The regions that a call in flight may use, whatever its views say; None: all.

        Raises:
            PolicyFailed: the call is over, or was never admitted.
        """
        running = self._in_flight.get(ledger)
        if running is None:
            raise PolicyFailed(NOT_OURS)
        return running.residency

    async def dispatch(self, call: Call, emit: Emit) -> None:
        """Make one attempt at the call's first candidate, if the call may reach it. The innermost handler.

        Raises:
            PolicyFailed: a policy has led it where it may not go. Nothing was sent.
            CallError: as `dispatch.dispatch`, which refuses what lies outside the call's regions.
        """
        running = self._in_flight.get(call.ledger)
        if running is None:
            raise PolicyFailed(NOT_OURS)
        if call.residency != running.residency:
            raise PolicyFailed("a policy altered the regions that the call may use: they are the route's and request's")
        if call.candidates and call.candidates[0] not in self._serving[running.route]:
            raise PolicyFailed(
                f"a policy sent the call to {call.candidates[0].name}, which does not serve route {call.route.name!r}"
            )
        operation = call.request.operation
        if operation is not CHAT and call.candidates and operation not in call.target.endpoint.operations:
            raise PolicyFailed(f"a policy sent the call to {call.target.name}, which cannot do {operation.value}")
        await dispatch(call, emit)
