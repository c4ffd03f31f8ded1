"""Servers that go wrong, each in one way. A server is a context that gives the URL to ask, and proves on leaving that
nobody is connected any more.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import trustme

from .loopback import STOP, Say, Vendor, begun, frame, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

Server: TypeAlias = Callable[[], AbstractAsyncContextManager[str]]
Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ROLE = frame({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
HELLO = frame(text("Hello"))
FINISH = frame(STOP)
OK = b"HTTP/1.1 200 OK\r\n"
PATIENCE_S = 2.0
"""How long a test waits for connections to end, which takes a moment or for ever."""


# -- where there is no server


def nowhere(url: str) -> Server:
    """Nobody is there."""

    @asynccontextmanager
    async def serve() -> AsyncGenerator[str]:
        yield url

    return serve


@asynccontextmanager
async def refused() -> AsyncGenerator[str]:
    """A port at which nobody listens any more."""
    server = await asyncio.start_server(_talk_to_nobody, "127.0.0.1", 0)
    url = _url_of(server)
    server.close()
    await server.wait_closed()
    yield url


async def _talk_to_nobody(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


# -- servers that speak HTTP


def http(say: Say) -> Server:
    """A server of aiohttp's that says *say*."""

    @asynccontextmanager
    async def serve() -> AsyncGenerator[str]:
        vendor = Vendor(say)
        async with vendor.serving():
            yield vendor.url
            await vendor.all_gone()

    return serve


def untrusted(say: Say) -> Server:
    """The same, over TLS, with a certificate that nobody knows."""

    @asynccontextmanager
    async def serve() -> AsyncGenerator[str]:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issued = trustme.CA().issue_cert("127.0.0.1")
        issued.configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
        vendor = Vendor(say)
        async with vendor.serving(tls):
            yield vendor.url
            await vendor.all_gone()

    return serve


async def silence(_request: web.Request) -> web.StreamResponse:
    """Says nothing at all."""
    await asyncio.Event().wait()
    raise AssertionError


async def headers_then_silence(request: web.Request) -> web.StreamResponse:
    """Answers, and says nothing."""
    await begun(request)
    return await silence(request)


def says_then_hangs(*pieces: bytes) -> Say:
    """Sends *pieces*, and nothing more."""

    async def say(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        for data in pieces:
            await response.write(data)
        return await silence(request)

    return say


async def keepalives_for_ever(request: web.Request) -> web.StreamResponse:
    """Lives, and says nothing."""
    response = await begun(request)
    while True:
        await response.write(b": keep-alive\n\n")
        await asyncio.sleep(0)


async def drip(request: web.Request) -> web.StreamResponse:
    """One token a second."""
    response = await begun(request)
    while True:
        await response.write(HELLO)
        await asyncio.sleep(1.0)


async def endless_line(request: web.Request) -> web.StreamResponse:
    """A hundred megabytes without a line's end. Nobody may want to have them all."""
    response = await begun(request)
    for megabyte in range(100):
        assert megabyte < 20, "the client reads on and on"
        await response.write(b"data: " + b"x" * (1 << 20))
    return response


async def reset_before_headers(request: web.Request) -> web.StreamResponse:
    """Takes the request, and resets the connection."""
    assert request.transport is not None
    request.transport.abort()
    return await silence(request)


# -- servers that speak something else


def bare(*replies: bytes) -> Server:
    """Sends *replies* to whatever it is asked, bytes as they are, and closes."""

    @asynccontextmanager
    async def serve() -> AsyncGenerator[str]:
        open_now: set[asyncio.StreamWriter] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_now.add(writer)
            try:
                if await reader.readexactly(4) == b"POST":  # anything else is the beginning of TLS
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(_length_in(head.lower().split(b"\r\n")))
                for data in replies:
                    writer.write(data)
                await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # the client has left
            finally:
                writer.close()
                open_now.discard(writer)

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            yield _url_of(server)
            async with asyncio.timeout(PATIENCE_S):
                while open_now:  # noqa: ASYNC110  a stream tells nobody that it is closed
                    await asyncio.sleep(0)

    return serve


def over_tls(server: Server) -> Server:
    """Asked for over TLS, of which the server knows nothing."""

    @asynccontextmanager
    async def serve() -> AsyncGenerator[str]:
        async with server() as url:
            yield url.replace("http://", "https://")

    return serve


def _length_in(lines: Iterable[bytes]) -> int:
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


def _url_of(server: asyncio.Server) -> str:
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
