"""A vendor of one's own on loopback, and a router that asks it. Leaving `asking` proves that nothing stays behind."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import aiohttp
import msgspec
from aiohttp import web

from paceline.providers import OpenAICompatible
from paceline.router import Answer, Chunk, Clock, Endpoint, Listener, Policy, Request, Router, Target

Say: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEY = "sk-live-0123456789abcdef"
PROMPT = "the secret of the prompt"

STOP: dict[str, object] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE: dict[str, object] = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
DONE = b"data: [DONE]\n\n"


def frame(said: object) -> bytes:
    return b"data: " + msgspec.json.encode(said) + b"\n\n"


def text(content: str, **fields: object) -> dict[str, object]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}], **fields}


HEARD = web.AppKey("heard", asyncio.Event)
"""Set when the caller has its first chunk: a server that is to fail after that waits for it."""

WHOLE = b"".join((frame(text("Hello")), frame(text(" there")), frame(STOP), frame(USAGE), DONE))
"""A good answer."""


async def begun(request: web.Request, content_type: str = "text/event-stream", **headers: str) -> web.StreamResponse:
    """A response whose headers are out."""
    response = web.StreamResponse(headers={"Content-Type": content_type, **headers})
    await response.prepare(request)
    return response


def streams(*pieces: bytes, content_type: str = "text/event-stream", **headers: str) -> Say:
    """Answers with *pieces*, and ends the body."""

    async def say(request: web.Request) -> web.StreamResponse:
        response = await begun(request, content_type, **headers)
        for data in pieces:
            await response.write(data)
        return response

    return say


def replies(body: bytes | object, status: int = 200, content_type: str = "application/json", **headers: str) -> Say:
    """Answers with *body* in one piece."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)

    async def say(_request: web.Request) -> web.Response:
        return web.Response(body=data, status=status, headers={"Content-Type": content_type, **headers})

    return say


class Vendor:
    """What the server saw.

    bodies, headers: of each request. asked: set by the first.
    left: set when a client goes before its answer is complete.
    """

    def __init__(self, say: Say) -> None:
        self.say = say
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.url = ""
        self._server: web.Server | None = None
        self._app: web.Application | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        self.asked.set()
        try:
            return await self.say(request)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncGenerator[None]:
        app = web.Application(client_max_size=16 << 20)
        app[HEARD] = asyncio.Event()
        app.router.add_post("/v1/chat/completions", self.answer)
        for path in ("messages", "completions", "embeddings"):
            app.router.add_post(f"/v1/{path}", self.answer)
        self._app = app
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            self._server = runner.server
            self.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}/v1"
            yield
        finally:
            await runner.cleanup()

    @property
    def connections(self) -> int:
        """Connections that are open on this side."""
        assert self._server is not None
        return len(self._server.connections)

    def is_heard(self) -> None:
        """The caller has a chunk."""
        assert self._app is not None
        self._app[HEARD].set()

    async def all_gone(self) -> None:
        """Until the server has seen every connection end."""
        async with asyncio.timeout(2.0):
            while self.connections:  # noqa: ASYNC110  the server tells nobody
                await asyncio.sleep(0)


class Asked:
    """A router with one endpoint, the vendor."""

    def __init__(self, router: Router, vendor: Vendor) -> None:
        self.router = router
        self.vendor = vendor

    @property
    def target(self) -> Target:
        return self.router.fleet["vendor"]

    @property
    def connector(self) -> aiohttp.BaseConnector:
        """The pool of the endpoint's provider."""
        connector: aiohttp.BaseConnector = self.target.handler._pool._connector  # type: ignore[attr-defined]
        return connector

    @property
    def in_use(self) -> int:
        """Connections that a call holds."""
        return len(self.connector._acquired)

    async def complete(self, budget_s: float = 5.0, **fields: Any) -> Answer:
        return await self.router.complete(question(budget_s, **fields))

    async def stream(self, budget_s: float = 5.0, **fields: Any) -> list[Chunk]:
        """Every chunk, as a caller sees them."""
        heard: list[Chunk] = []
        await self.stream_into(heard, budget_s, **fields)
        return heard

    async def stream_into(self, heard: list[Chunk], budget_s: float = 5.0, **fields: Any) -> None:
        async def emit(chunk: Chunk) -> None:
            heard.append(chunk)
            self.vendor.is_heard()

        await self.router.send(question(budget_s, **fields), emit)


def question(budget_s: float = 5.0, **fields: Any) -> Request:
    given: dict[str, Any] = {"messages": PROMPT, "model": "m", "budget_s": budget_s, **fields}
    return Request(**given)


@asynccontextmanager
async def asking(
    say: Say,
    *,
    provider: OpenAICompatible | None = None,
    url: str | None = None,
    policies: Sequence[Policy] = (),
    listeners: Sequence[Listener] = (),
    clock: Clock = time.monotonic,
    tls: ssl.SSLContext | None = None,
    **fields: Any,
) -> AsyncGenerator[Asked]:
    """A router that asks a vendor who says *say*. At the end nothing may be in flight, open or running."""
    vendor = Vendor(say)
    async with vendor.serving(tls):
        before = asyncio.all_tasks()
        given: dict[str, Any] = {"model": "m", "api_key": KEY, **fields}
        endpoint = Endpoint(name="vendor", provider=provider or OpenAICompatible(), url=url or vendor.url, **given)
        async with Router([endpoint], policies=policies, listeners=listeners, clock=clock) as router:
            asked = Asked(router, vendor)
            yield asked
            assert asked.in_use == 0
            assert asked.target.in_flight == 0
        await vendor.all_gone()
        assert asyncio.all_tasks() <= before


@asynccontextmanager
async def bare_server(reply: bytes) -> AsyncGenerator[str]:
    """A server that sends *reply* to whatever it is asked, bytes as they are, and closes. Gives its base URL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(4) == b"POST":  # anything else is the beginning of TLS
            await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        await server.wait_closed()
