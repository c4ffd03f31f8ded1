"""What all vendors on loopback have in common: they listen, remember what they were asked, and may be told to fail."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import attrs
import msgspec
from aiohttp import web

from .scene import Json


@attrs.frozen(kw_only=True)
class Refusal:
    """A vendor's no. body: JSON, or bytes as they are."""

    status: int
    body: Json | bytes
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])

    def response(self) -> web.Response:
        body = self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)
        return web.Response(status=self.status, body=body, headers={"Content-Type": "application/json", **self.headers})


class Vendor:
    """A server. Subclasses route and answer.

    asked: the bodies of the requests, and paths, queries and headers beside them.
    """

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.requests: list[web.Request] = []
        self.refusal: Refusal | None = None
        self.url = ""

    def routes(self, app: web.Application) -> None:
        raise NotImplementedError

    async def answer(self, request: web.Request, asked: Json) -> web.StreamResponse:
        raise NotImplementedError

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request, remembered."""
        asked = cast(Json, await request.json())
        self.asked.append(asked)
        self.requests.append(request)
        if self.refusal is not None:
            return self.refusal.response()
        return await self.answer(request, asked)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        app = web.Application()
        self.routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield
        finally:
            await runner.cleanup()


def no(status: int, code: str | None, message: str, type_: str = "invalid_request_error", **more: object) -> Refusal:
    """In OpenAI's form of an error."""
    return Refusal(
        status=status, body={"error": {"message": message, "type": type_, "param": None, "code": code, **more}}
    )


async def streamed(request: web.Request, pieces: list[bytes], headers: Mapping[str, str]) -> web.StreamResponse:
    """An answer as a stream of events."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8", **headers})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    return response
