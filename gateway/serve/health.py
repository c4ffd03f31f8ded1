"""Whether the gateway lives (``/healthz``), and whether a call would find somebody to answer it (``/readyz``).

Ready means that each route has an endpoint that is in: one that the breaker has not taken out, or whose time out is
over, within the route's regions. Who asks without a key, where there are keys, gets the status alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from .told import OF_JSON

if TYPE_CHECKING:
    from ...router import Route, Target
    from .front import Front


class RouteState(msgspec.Struct, frozen=True):
    """Of one route: who could answer, and who could not and why."""

    ready: bool
    usable: list[str]
    out: dict[str, str]


class Readiness(msgspec.Struct, frozen=True, omit_defaults=True):
    """status: ``ready``, ``not ready`` or ``going down``."""

    status: str
    routes: dict[str, RouteState] = {}


def routes(front: Front) -> list[web.RouteDef]:
    """The two paths."""

    async def alive(_: web.Request) -> web.Response:
        return _json(200, Readiness("alive"))

    async def ready(http: web.Request) -> web.Response:
        found = readiness(front)
        shown = found if front.keys().lets_in(http.headers) else Readiness(found.status)
        return _json(200 if found.status == "ready" else 503, shown)

    return [web.get("/healthz", alive), web.get("/readyz", ready)]


def readiness(front: Front) -> Readiness:
    """Which routes could answer now."""
    if front.going_down:
        return Readiness("going down")
    fleet, now_s = front.router.fleet, front.clock()
    states = {route.name: _state(route, fleet.serving(route), now_s) for route in fleet.routes or fleet.every_route}
    return Readiness("ready" if all(state.ready for state in states.values()) else "not ready", states)


def _state(route: Route, targets: tuple[Target, ...], now_s: float) -> RouteState:
    usable: list[str] = []
    out: dict[str, str] = {}
    for target in targets:
        why = _hindrance(route, target, now_s)
        if why is None:
            usable.append(target.name)
        else:
            out[target.name] = why
    return RouteState(bool(usable), usable, out)


def _hindrance(route: Route, target: Target, now_s: float) -> str | None:
    if route.residency is not None and target.region not in route.residency:
        return f"{target.region} is outside of the route's residency"
    ejection = None if target.health is None else target.health.ejection
    if ejection is not None and not ejection.pause and now_s < ejection.until_s:
        return f"out for {ejection.until_s - now_s:.1f} s more: {ejection.reason}"
    return None


def _json(status: int, said: Readiness) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(said), headers=OF_JSON)
