"""What there is to say of a good configuration: its stack, its endpoints, and where the calls of each route go."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from ...router import Operation
from ...router.pipeline import name_of
from .findings import EndpointFound, Findings, PolicyFound, RouteFound
from .rehearsal import Rehearsed, rehearse

if TYPE_CHECKING:
    from ...router import Endpoint, Objective, Priority, Route
    from ...router.reach import ResidencyProof
    from ..config import Configuration

FAST = {"ttft": "the first token counts", "total": "the whole answer counts", "throughput": "tokens a second count"}


def look_into(anew: Callable[[], Configuration]) -> Findings:
    """Look into a configuration. *anew* makes one, as often as it is asked: a router's policies belong to it alone."""
    given = anew()
    router = given.router()
    proofs = {proof.route: proof for proof in router.residency_proofs}
    return Findings(
        source=given.source,
        ok=True,
        listens=_listens(given),
        stack=[PolicyFound(name=name_of(policy), options=_options(policy)) for policy in given.policies],
        endpoints=[_endpoint(endpoint) for endpoint in given.endpoints],
        routes=[_route(route, proofs.get(route.name), anew, given.budget_s) for route in router.fleet.routes],
    )


def _listens(given: Configuration) -> str:
    settings = given.settings
    many = len(settings.keys)
    keys = f"{many} key{'s' if many > 1 else ''}" if many else "no keys: anyone who reaches it is let in"
    watched = "" if settings.watch_bind is None else f"; dashboard and metrics at {settings.watch_bind}"
    workers = f", {settings.workers} processes" if settings.workers > 1 else ""
    return f"{settings.bind}, {keys}{workers}{watched}"


def _options(policy: object) -> str:
    """Those of a policy's options that are not as by default."""
    kind = type(policy)
    if not attrs.has(kind):
        return "" if inspect.isfunction(policy) else repr(policy)
    try:
        usual: object = kind()
    except (TypeError, ValueError):
        usual = None  # some options have no default
    told: list[str] = []
    for field in attrs.fields(kind):
        if field.init and field.repr:
            value = _words(getattr(policy, field.name))
            default: Any = field.default if usual is None else getattr(usual, field.name)
            if value != _words(default):
                told.append(f"{field.alias} = {value}")
    return ", ".join(told)


def _words(value: object) -> str:
    """A value, or what is in it where it has no words of its own, as those of tenacity have not."""
    if type(value).__repr__ is not object.__repr__:
        return repr(value)
    inside = ", ".join(f"{name}={each!r}" for name, each in getattr(value, "__dict__", {}).items())
    return f"{type(value).__name__}({inside})"


def _endpoint(endpoint: Endpoint) -> EndpointFound:
    slots = endpoint.slots
    return EndpointFound(
        name=endpoint.name,
        provider=endpoint.provider.name,
        model=endpoint.model,
        region=endpoint.region,
        slots="no limit" if slots is None else str(slots) if isinstance(slots, int) else type(slots).__name__.lower(),
        operations=[each.value for each in Operation if each in endpoint.operations],
    )


def _route(
    route: Route, proof: ResidencyProof | None, anew: Callable[[], Configuration], budget_s: float
) -> RouteFound:
    rehearsed, unrehearsed = Rehearsed(), None
    try:
        rehearsed = rehearse(anew, route)
    except Exception as fault:  # noqa: BLE001  a plugin may need what a rehearsal does not have
        unrehearsed = f"{type(fault).__name__}: {fault}"
    never = () if proof is None else proof.never
    return RouteFound(
        name=route.name,
        models=list(route.models),
        promises=_promises(route.objective, route.priority, route.budget_s or budget_s),
        residency=None if route.residency is None else sorted(route.residency),
        kept_by=[] if proof is None else list(proof.kept_by),
        never=list(never),
        shares=rehearsed.shares,
        paths=rehearsed.paths,
        kept=rehearsed.reached.isdisjoint(never),
        unrehearsed=unrehearsed,
    )


def _promises(objective: Objective, priority: Priority, budget_s: float) -> str:
    words = (("first token in", objective.ttft_s), ("whole answer in", objective.total_s))
    promised = [f"{name} {seconds:g}s" for name, seconds in words if seconds is not None]
    promised.append(f"{objective.success * 100:.4g}% answered")
    return f"{FAST[priority.value]}; {', '.join(promised)}; budget {budget_s:g}s"
