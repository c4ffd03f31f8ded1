"""`http_response` and `http_body`: when a connection may serve the next call, and what becomes of a long request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from paceline.providers import Connections, OpenAICompatible
from paceline.providers.http_body import LONG_BYTES, upload
from paceline.providers.http_head import Head
from paceline.providers.http_marks import MarkingConnector, MarkingResolver
from paceline.providers.http_pool import TRANSPORT_ERRORS, HttpPool
from paceline.providers.http_protocol import Protocol
from paceline.router import Attempt, Chunk, Endpoint, Router
from paceline.router.errors import CallError, ProviderError, RequestTooLarge, StreamInterrupted, TruncatedAnswer
from paceline.router.testing import Scripted, endpoint

from .loopback import frame, question, text

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.connector import Connection

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LONG_PROMPT = "word " * LONG_BYTES * 16
"""Five megabytes: more than the sockets hold between them."""
SAID = msgspec.json.encode({"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]})
GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(SAID), SAID)


class Server:
    """A server of bare bytes. connections: taken so far. gone: none of them is left."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._open = self.connections = 0
        self.gone = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
            while await reader.read(LONG_BYTES):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._open -= 1
        if not self._open:
            self.gone.set()


@asynccontextmanager
async def routed(talk: Talk) -> AsyncGenerator[tuple[Router, Server]]:
    server = Server(talk)
    async with await asyncio.start_server(server, "127.0.0.1", 0, limit=1024) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        before = asyncio.all_tasks()
        async with Router([Endpoint(name="e", provider=OpenAICompatible(), model="m", url=url)]) as router:
            yield router, server
            assert router.pools()[0].in_use == 0
        await asyncio.wait_for(server.gone.wait(), 1.0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before


def connector_of(router: Router) -> aiohttp.BaseConnector:
    connector: aiohttp.BaseConnector = router.fleet["e"].handler._pool._connector  # type: ignore[attr-defined]
    return connector


def transports_of(router: Router) -> list[asyncio.Transport]:
    held = [one for one in connector_of(router)._acquired if isinstance(one, Protocol)]
    return [one.transport for one in held if one.transport is not None]


async def whole_and_good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole_request(reader)
    writer.write(GOOD)


async def whole_request(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


def test_what_is_said_before_an_answer_is_passed_over() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await whole_request(reader)
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD)

    async def main() -> None:
        async with routed(talk) as (router, server):
            assert [(await router.complete(question())).text for _ in range(2)] == ["hello", "hello"]
            assert server.connections == 1

    asyncio.run(main())


def test_what_a_server_says_unasked_is_nobodys_answer() -> None:
    unasked = GOOD.replace(b"hello", b"stale")

    async def main() -> None:
        said = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await whole_request(reader)
            writer.write(GOOD)
            await said.wait()
            writer.write(unasked)

        async with routed(talk) as (router, server):
            assert (await router.complete(question())).text == "hello"
            said.set()
            (kept,) = (kept for kept, _ in next(iter(connector_of(router)._conns.values())))
            async with asyncio.timeout(1.0):
                while not len(kept):  # noqa: ASYNC110  nobody tells of what nobody waits for
                    await asyncio.sleep(0)
            assert (await router.complete(question())).text == "hello"
            assert server.connections == 2

    asyncio.run(main())


def test_a_server_that_wants_to_speak_something_else_is_refused_and_asked_on_a_new_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: else\r\nConnection: upgrade\r\n\r\n")

    async def main() -> None:
        async with routed(talk) as (router, server):
            for _ in range(2):
                with pytest.raises(ProviderError, match="101"):
                    await router.complete(question())
            assert server.connections == 2

    asyncio.run(main())


def test_a_refusal_is_heard_before_a_long_request_is_out_and_the_rest_is_not_sent() -> None:
    had: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        had.append(len(await reader.readexactly(len(LONG_PROMPT))))

    async def main() -> None:
        async with routed(talk) as (router, server):
            for _ in range(2):
                with pytest.raises(RequestTooLarge) as raised:
                    await router.complete(question(messages=LONG_PROMPT))
                assert raised.value.attempts[0].upload_s is None
            assert server.connections == 2, "the first one still had a request on it"

    asyncio.run(main())
    assert not had, "all of it was sent"


def test_a_connection_that_breaks_under_a_long_request_is_told_once() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def main() -> CallError:
        async with routed(talk) as (router, _):
            with pytest.raises(CallError) as raised:
                await router.complete(question(messages=LONG_PROMPT))
        return raised.value

    error = asyncio.run(main())
    assert isinstance(error, ProviderError)
    assert "the connection broke before any answer" in str(error)
    assert error.attempts[0].upload_s is None


def test_an_upload_ends_quietly_where_there_is_no_connection_any_more() -> None:
    async def main() -> None:
        attempt = Attempt(endpoint=endpoint("e", Scripted()), number=1, sent_s=0.0)
        broken = Protocol(asyncio.get_running_loop())
        await upload(broken, b"head", b"body" * LONG_BYTES, attempt, time.monotonic)
        assert attempt.upload_s is None

    asyncio.run(main())


class Breaking(MarkingConnector):
    """Connections that break between being opened and being used."""

    async def connect(self, *asked: Any, **how: Any) -> Connection:
        connection = await super().connect(*asked, **how)
        transport = connection.transport
        assert transport is not None
        transport.abort()
        async with asyncio.timeout(1.0):
            while not connection.closed or connection.transport is transport:  # noqa: ASYNC110  nobody is told of it
                await asyncio.sleep(0)
        return connection


def test_a_connection_that_breaks_before_it_is_used_is_given_up() -> None:
    async def main() -> None:
        async with await asyncio.start_server(Server(whole_and_good), "127.0.0.1", 0) as listening:
            url = URL(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/")
            connector = Breaking(time.monotonic, tls=None, dns_ttl_s=60.0, keepalive_s=60.0, resolver=MarkingResolver())
            async with connector:
                pool = HttpPool(Connections(), connector, time.monotonic)
                with pytest.raises(TRANSPORT_ERRORS):
                    await pool.send(Head(url=url, headers=CIMultiDictProxy(CIMultiDict())), b"{}")
                assert connector.in_use == 0

    asyncio.run(main())


def test_a_caller_who_leaves_during_a_long_request_takes_the_connection_along() -> None:
    had: list[int] = []

    async def main() -> None:
        taken = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            taken.set()
            had.append(len(await reader.readexactly(len(LONG_PROMPT))))

        async with routed(talk) as (router, _):
            call = asyncio.create_task(router.complete(question(messages=LONG_PROMPT)))
            await asyncio.wait_for(taken.wait(), 1.0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert router.pools()[0].in_use == 0, "synchronously: before anybody else runs"

    asyncio.run(main())
    assert not had, "all of it was sent"


def test_who_leaves_a_server_that_does_not_read_leaves_nothing_behind_to_be_sent() -> None:
    async def main() -> None:
        left = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await left.wait()

        async with routed(talk) as (router, _):
            call = asyncio.create_task(router.complete(question(messages=LONG_PROMPT * 4)))
            async with asyncio.timeout(2.0):
                while not (full := [one for one in transports_of(router) if one.get_write_buffer_size()]):  # noqa: ASYNC110  nobody tells
                    await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert [one.get_write_buffer_size() for one in full] == [0]
            left.set()

    asyncio.run(main())


@pytest.mark.parametrize("bad", [b"ZZ\r\n", b"5\r\n12345678\r\n"], ids=["no length", "longer than it says"])
def test_a_body_whose_framing_breaks_is_given_up_at_once(bad: bytes) -> None:
    event = frame(text("Hello"))
    begun = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def main() -> StreamInterrupted:
        heard = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await whole_request(reader)
            writer.write(begun + b"%x\r\n%b\r\n" % (len(event), event))
            await heard.wait()
            writer.write(bad)

        async def emit(_: Chunk) -> None:
            heard.set()

        async with routed(talk) as (router, _), asyncio.timeout(1.0):
            with pytest.raises(StreamInterrupted) as raised:
                await router.send(question(), emit)
        return raised.value

    error = asyncio.run(main())
    assert isinstance(error.__cause__, TruncatedAnswer)
    assert error.delivered == len("Hello")
