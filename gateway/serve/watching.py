"""Pages for those who look after the gateway: metrics, report, dashboard. Guarded by keys of their own.

Each is a list of `web.RouteDef`; whoever brings one adds it in a line. They are served beside the API or, if the
settings bind them elsewhere, at an address of their own: whoever may ask for answers need not see who else does.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from ..dialects.refused import ForeignPage
from .pages import refuse_foreign_pages
from .told import PLAIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ...router.export.prometheus import Prometheus
    from .front import Front

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ASK_FOR_KEY = {**PLAIN, "WWW-Authenticate": 'Basic realm="paceline", charset="UTF-8"'}
"""A browser asks a person for it: the name is of no matter, the key is the password."""


def guarded(front: Front, routes: Iterable[web.RouteDef]) -> list[web.RouteDef]:
    """*routes*, for those who have a key."""
    return [
        web.RouteDef(route.method, route.path, partial(_guard, front, route.handler), route.kwargs) for route in routes
    ]


async def _guard(front: Front, handler: Handler, http: web.Request) -> web.StreamResponse:
    keys = front.watch_keys()
    if keys.is_open:
        try:
            refuse_foreign_pages(http.headers, on_loopback=front.watched_on_loopback)
        except ForeignPage as refused:
            return web.Response(status=refused.status, text=f"{refused}\n", headers=PLAIN)
    elif not keys.lets_in(http.headers):
        return web.Response(
            status=401, text="a key is needed: as a bearer token, or as the password\n", headers=ASK_FOR_KEY
        )
    return await handler(http)


def metrics(front: Front, prometheus: Prometheus) -> list[web.RouteDef]:
    """``/metrics``, in Prometheus' text format: the router's figures, and the gateway's own."""
    prometheus.registry.register(front.tally)
    watched: list[object] = []

    async def handler(_: web.Request) -> web.Response:
        if not front.is_closed and watched != [front.router]:  # another configuration has taken the place
            watched[:] = [front.router]
            prometheus.watch(front.router)
        return web.Response(body=prometheus.text().encode(), headers={**PLAIN, "Content-Type": prometheus.content_type})

    return [web.get("/metrics", handler)]
