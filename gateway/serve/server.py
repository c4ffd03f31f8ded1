"""The server: the API and its watching pages at their addresses, from opening to draining.

    async with Gateway(configuration) as gateway:
        print(gateway.url)
        await asyncio.Event().wait()

Leaving drains: what is in flight has the settings' ``grace_s`` to end, new calls are told to come back (another worker,
or another machine, takes them), and ``/readyz`` says so to whoever shares out the traffic. Calls that have not ended by
then end in an error of their API's form.
"""

from __future__ import annotations

import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from aiohttp import web

from ..dashboard import Changes, Collector, Feed, loaded
from ..dashboard import routes as dashboard
from ..dialects.anthropic import Anthropic
from ..dialects.completions import Completions
from ..dialects.embeddings import Embeddings
from ..dialects.openai import OpenAI
from ..running import Running
from . import health, models, nothing_here, openapi, report, watching
from .calls import Calls
from .front import Front

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from ...router import Listener
    from ..config import Configuration
    from ..config.settings import Bind
    from ..dashboard import Loaded
    from ..reload import Reload
    from .call_log import CallLog

    Pages = Callable[[Front], Sequence[web.RouteDef]]

IDLE_S = 75.0
"""How long a connection may send nothing complete: between two requests, and for the headers of one. Longer than the
minute after which most load balancers let go of theirs, so that it is not we who close under their hands."""

LINGER_S = 2.0
"""How long the rest of a body that was refused is read, so that its sender gets to see why."""

CLEANUP_S = 5.0
BACKLOG = 1024


class Gateway:
    """A server of one configuration. Use it as ``async with Gateway(...) as gateway``.

    pages: more for `watching`, each a function of the `Front` that gives its routes. listeners: told of the events of
        every router there will be. log: of calls. Default: none of them.
    reuse_port: let other processes listen at the same address. idle_s: as `IDLE_S`.
    front, running: what it is made of.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        pages: Sequence[Pages] = (),
        listeners: Sequence[Listener] = (),
        log: CallLog | None = None,
        reuse_port: bool = False,
        idle_s: float = IDLE_S,
    ) -> None:
        from ...router.export.prometheus import Prometheus  # noqa: PLC0415  it needs the extra

        self._prometheus = Prometheus(routes=configuration.routes)
        collector = Collector()
        self.running = Running(configuration, [self._prometheus, collector, *listeners])
        self.reload: Reload | None = None
        """What looks after its file, to be told of on the dashboard; None: nobody does."""
        self._feed = Feed(self.running, collector, time.monotonic, self._loaded)
        self.front = Front(self.running, log=log)
        self._pages = tuple(pages)
        self._reuse_port = reuse_port
        self._idle_s = idle_s
        self._router = AsyncExitStack()
        self._servers = AsyncExitStack()
        self.url = ""
        """Of the API, without ``/v1``. watch_url: of the watching pages."""
        self.watch_url = ""

    def application(self) -> web.Application:
        """The API; and the watching pages, unless they have an address of their own."""
        front, openai, anthropic = self.front, OpenAI(), Anthropic()
        served = [
            web.post("/v1/chat/completions", Calls(front, openai, "/v1/chat/completions").answer),
            web.post("/v1/completions", Calls(front, Completions(), "/v1/completions").answer),
            web.post("/v1/embeddings", Calls(front, Embeddings(), "/v1/embeddings").answer),
            web.post("/v1/messages", Calls(front, anthropic, "/v1/messages", id_header="request-id").answer),
            *models.routes(front, openai),
            *health.routes(front),
            *openapi.routes(),
        ]
        if front.settings.watch_bind is None:
            served += self.watching_pages()
        app = web.Application()
        app.add_routes([*served, *nothing_here.routes(openai, served, {"/v1/messages": anthropic})])
        return app

    def watching_pages(self) -> list[web.RouteDef]:
        """Metrics, the report, the dashboard, and whatever pages there are."""
        routes = watching.metrics(self.front, self._prometheus)
        routes += report.routes(self.front)
        routes += dashboard(self._feed, Changes(self.running, time.monotonic))
        for page in self._pages:
            routes += page(self.front)
        return watching.guarded(self.front, routes)

    async def __aenter__(self) -> Self:
        settings = self.running.configuration.settings
        async with AsyncExitStack() as opened:
            await self._router.enter_async_context(self.running)
            opened.push_async_callback(self._router.aclose)
            self.url = await self._listen(self.application(), settings.bind)
            opened.push_async_callback(self._servers.aclose)
            self.watch_url = self.url
            if settings.watch_bind is not None:
                app = web.Application()
                app.add_routes([*self.watching_pages(), *health.routes(self.front)])
                self.watch_url = await self._listen(app, settings.watch_bind)
            opened.pop_all()
        return self

    async def _listen(self, app: web.Application, bind: Bind) -> str:
        runner = web.AppRunner(
            app,
            handler_cancellation=True,
            access_log=None,
            logger=quiet,
            keepalive_timeout=self._idle_s,
            lingering_time=LINGER_S,
            shutdown_timeout=CLEANUP_S,
        )
        await runner.setup()
        self._servers.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, bind.host, bind.port, backlog=BACKLOG, reuse_port=self._reuse_port or None).start()
        host, port = runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def begin_to_end(self) -> None:
        """Take nothing more; what is in flight goes on."""
        self.front.going_down = True
        self._feed.end()

    def _loaded(self) -> Loaded:
        return loaded(self.running.configuration.source, None if self.reload is None else self.reload.last)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.begin_to_end()
        self.front.is_closed = True
        try:
            await self._router.aclose()
        finally:
            await self._servers.aclose()
            await self.front.log.aclose()


class _Quiet(logging.Filter):
    """aiohttp logs requests that it cannot parse, with the bytes it stumbled over: those may be a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[0] if record.exc_info else None
        record.msg, record.args = "http: %s", (error.__name__ if error is not None else "a request went wrong",)
        record.exc_info = None
        return record.levelno >= logging.ERROR


quiet = logging.getLogger("paceline.gateway.http")
quiet.addFilter(_Quiet())
