"""The dashboard's addresses.

    collector = Collector()
    async with Running(configuration, [collector]) as running:
        mount(app, running, collector)      # on a server of one's own; `serve` takes the `routes` and guards them

    GET /dashboard              the page; its files are below it
    GET /api/live               a snapshot about once a second, as server-sent events
    GET /api/live.json          one snapshot
    GET /api/live/past.json     the last ten minutes: what a page begins with
    GET /api/live/changes.json  what has changed between two stretches of them

Who may look is for the server to say (``watch_keys``): nothing here asks for a key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec
from aiohttp import hdrs, web

from .assets import CHARTS, HEADERS, Asset, located, page_files
from .changes import Changes, Question, Unanswerable
from .feed import Feed

if TYPE_CHECKING:
    from ...router import Clock
    from .collector import Collector
    from .feed import Runs
    from .now import Loaded

PATIENCE_S = 20.0
"""A watcher that takes nothing for so long has gone."""

JSON = "application/json"
FRESH = {**HEADERS, hdrs.CACHE_CONTROL: "no-store"}
EVENTS = {**FRESH, hdrs.CONTENT_TYPE: "text/event-stream", "X-Accel-Buffering": "no"}
SQUEEZED_ELSEWHERE = 16_384
"""Bytes from which on a body is squeezed in a thread."""

RETRY = b"retry: 1000\n\n"
"""A page whose gateway is gone asks again after a second."""


def mount(
    app: web.Application,
    running: Runs,
    collector: Collector,
    *,
    clock: Clock = time.monotonic,
    loaded: Callable[[], Loaded] | None = None,
) -> None:
    """Add the dashboard to a server, and have its streams end when that shuts down.

    clock: of the routers. loaded: what there is to say of the configuration.
    """
    feed = Feed(running, collector, clock, loaded)

    async def end(_app: web.Application) -> None:
        feed.end()

    app.on_shutdown.append(end)
    app.add_routes(routes(feed, Changes(running, clock)))


def routes(feed: Feed, changes: Changes) -> list[web.RouteDef]:
    """The same, for a server that ends its streams itself."""
    served = _Served(feed, changes)
    given = [
        web.get("/api/live", served.live, allow_head=False),
        web.get("/api/live.json", served.once),
        web.get("/api/live/past.json", served.past),
        web.get("/api/live/changes.json", served.changed),
    ]
    for name, path in page_files().items():
        given.append(web.get("/dashboard" if name == "index.html" else f"/dashboard/{name}", Asset(path).answer))
    charts = located()
    given.append(web.get(f"/dashboard/{CHARTS}", served.no_charts if charts is None else Asset(charts).answer))
    return given


class _Served:
    """The handlers."""

    def __init__(self, feed: Feed, changes: Changes) -> None:
        self._feed = feed
        self._changes = changes

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Frames as they are made."""
        if self._feed.has_ended:
            return _going_down()
        if self._feed.is_full:
            return _refusal(503, "too many are watching: close another dashboard")
        response = web.StreamResponse(headers=EVENTS)
        await response.prepare(request)
        try:
            await response.write(RETRY)
            async with aclosing(self._feed.watch()) as frames:
                async for frame in frames:
                    async with asyncio.timeout(PATIENCE_S):
                        await response.write(b"data: " + frame + b"\n\n")
        except (ConnectionResetError, TimeoutError):
            pass  # it has gone
        return response

    async def once(self, _request: web.Request) -> web.Response:
        """One snapshot."""
        if self._feed.has_ended:
            return _going_down()
        return web.Response(body=self._feed.now(), content_type=JSON, headers=FRESH)

    async def past(self, _request: web.Request) -> web.Response:
        """The last ten minutes."""
        response = web.Response(
            body=self._feed.past(), content_type=JSON, headers=FRESH, zlib_executor_size=SQUEEZED_ELSEWHERE
        )
        response.enable_compression()
        return response

    async def changed(self, request: web.Request) -> web.Response:
        """What has changed."""
        if self._feed.has_ended:
            return _going_down()
        try:
            answer = await self._changes.answer(Question.read(request.query))
        except Unanswerable as why:
            return _refusal(400, str(why))
        return web.Response(body=answer, content_type=JSON, headers=FRESH)

    async def no_charts(self, _request: web.Request) -> web.Response:
        """The chart library is missing."""
        return _refusal(404, "plotly is not installed: pip install 'paceline[gateway]'")


def _going_down() -> web.Response:
    return _refusal(503, "the gateway is going down")


def _refusal(status: int, words: str) -> web.Response:
    body = msgspec.json.encode({"error": {"message": words}})
    return web.Response(status=status, body=body, content_type=JSON, headers=FRESH)
