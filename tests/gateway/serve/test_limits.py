"""What the gateway takes from anyone: bodies, headers, time, and calls at once."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from paceline.router.testing import SILENT, Scripted, answers, endpoint

from ...providers.loopback import begun, frame, text
from .gateways import ASKED, CHAT, MESSAGES, loopback, serving

HEAD = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def answering() -> Any:
    return [endpoint("a", Scripted(answers(0.0, "ok")))]


async def connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
def test_a_body_that_is_too_long_is_refused_in_the_apis_form(path: str) -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(max_body_bytes=2048)) as scene:
            heard = await scene.ask(b"[" * 10_000_000, path=path)
            assert heard.status == 413
            assert "2048" in heard.error["message"]

    asyncio.run(main())


def test_a_body_of_untold_length_is_refused_when_it_gets_too_long() -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(max_body_bytes=2048)) as scene:

            async def endless() -> Any:
                for _ in range(50):
                    yield b" " * 1000
                    await asyncio.sleep(0)

            headers = {"Content-Type": "application/json"}
            async with scene.session.post(scene.url + CHAT, data=endless(), headers=headers) as response:
                assert response.status == 413

    asyncio.run(main())


def test_a_small_body_that_unpacks_into_a_large_one_is_refused() -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(max_body_bytes=1 << 20)) as scene:
            bomb = gzip.compress(b" " * (64 << 20))
            assert len(bomb) < 1 << 20
            heard = await scene.ask(bomb, Content_Encoding="gzip")
            assert heard.status == 413

    asyncio.run(main())


def test_a_body_that_is_not_packed_as_it_says_is_a_mistake() -> None:
    async def main() -> None:
        async with serving(endpoints=answering()) as scene:
            heard = await scene.ask(b"not gzip at all", Content_Encoding="gzip")
            assert heard.status == 400

    asyncio.run(main())


def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), settings=loopback(body_timeout_s=0.2)) as scene:
            reader, writer = await connected(scene.url)
            writer.write(HEAD % CHAT.encode() + b'Content-Length: 100\r\n\r\n{"mo')
            async with asyncio.timeout(3.0):
                told = await reader.readuntil(b"request_timeout")
            assert told.startswith(b"HTTP/1.1 408 ")
            writer.close()

    asyncio.run(main())


def test_headers_that_never_end_are_given_up() -> None:
    async def main() -> None:
        async with serving(endpoints=answering(), idle_s=0.3) as scene:
            reader, writer = await connected(scene.url)
            async with asyncio.timeout(3.0):
                writer.write(HEAD % CHAT.encode())
                assert await reader.read() == b""
            writer.close()

    asyncio.run(main())


@pytest.mark.parametrize("headers", [b"X: %b\r\n" % (b"a" * 20_000), b"X: a\r\n" * 5_000])
def test_headers_without_measure_are_refused(headers: bytes) -> None:
    async def main() -> None:
        async with serving(endpoints=answering()) as scene:
            reader, writer = await connected(scene.url)
            writer.write(HEAD % CHAT.encode() + headers + b"\r\n")
            async with asyncio.timeout(3.0):
                told = await reader.read()
            assert told.startswith(b"HTTP/1.0 400 ")
            assert (await scene.ask()).status == 200
            writer.close()

    asyncio.run(main())


def test_one_call_too_many_is_told_to_come_back() -> None:
    async def main() -> None:
        async with serving(endpoints=[endpoint("a", Scripted(SILENT))], settings=loopback(most_calls=1)) as scene:
            first = asyncio.ensure_future(scene.ask())
            await scene.busy()
            for path in (CHAT, "/v1/messages"):
                heard = await scene.ask(path=path)
                assert heard.status == 503
                assert heard.headers["Retry-After"] == "1"
            first.cancel()
            await scene.idle()

    asyncio.run(main())


async def endless(request: web.Request) -> web.StreamResponse:
    response = await begun(request)
    piece = frame(text("x" * 10_000))
    while True:
        await response.write(piece)
        await asyncio.sleep(0)


async def asking_little(scene: Any, body: bytes) -> tuple[socket.socket, asyncio.AbstractEventLoop]:
    """A client whose system takes as little ahead as it can."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)  # noqa: FBT003
    await loop.sock_connect(client, ("127.0.0.1", int(scene.url.rpartition(":")[2])))
    head = HEAD % CHAT.encode() + b"Content-Length: %d\r\n\r\n" % len(body)
    await loop.sock_sendall(client, head + body)
    return client, loop


def test_a_client_that_takes_nothing_of_a_stream_is_given_up() -> None:
    async def main() -> None:
        async with serving(endless, settings=loopback(write_timeout_s=0.3)) as scene:
            client, _ = await asking_little(scene, b'{"model":"m","stream":true,"messages":[{"role":"user"}]}')
            async with asyncio.timeout(10.0):
                await scene.vendor.left.wait()
            await scene.idle()
            assert (await scene.logged())["outcome"] == "slow"
            client.close()

    asyncio.run(main())


def test_a_client_that_takes_nothing_of_a_long_answer_is_given_up() -> None:
    async def main() -> None:
        long = [endpoint("a", Scripted(answers(0.0, "x" * 20_000_000)))]
        async with serving(endpoints=long, settings=loopback(write_timeout_s=0.3)) as scene:
            client, _ = await asking_little(scene, b'{"model":"m","messages":[{"role":"user"}]}')
            await scene.busy()
            await scene.idle(10.0)
            assert (await scene.logged())["outcome"] == "slow"
            client.close()

    asyncio.run(main())


def test_a_client_that_reads_slowly_slows_the_vendor_down_and_gets_everything() -> None:
    async def main() -> None:
        words = ["y" * 50_000] * 100
        vendor = Scripted(answers(0.0, *words))
        async with serving(endpoints=[endpoint("a", vendor)], settings=loopback(write_timeout_s=5.0)) as scene:
            asked = {"model": "m", "messages": MESSAGES, "stream": True}
            async with (
                aiohttp.ClientSession(read_bufsize=1024) as session,
                session.post(scene.url + CHAT, json=asked) as response,
            ):
                await asyncio.sleep(0.1)
                body = await response.read()
            assert body.count(b"y" * 50_000) == 100
            assert body.endswith(b"data: [DONE]\n\n")

    asyncio.run(main())


def test_a_client_of_http_1_0_gets_its_stream_without_chunks() -> None:
    async def main() -> None:
        async with serving(endpoints=answering()) as scene:
            reader, writer = await connected(scene.url)
            body = b'{"model":"m","stream":true,"messages":[{"role":"user"}]}'
            head = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") % CHAT.encode()
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            async with asyncio.timeout(3.0):
                told = await reader.read()
            headers, _, events = told.partition(b"\r\n\r\n")
            assert b"chunked" not in headers
            assert events.startswith(b"data: {")
            assert events.endswith(b"data: [DONE]\n\n")
            writer.close()

    asyncio.run(main())


def test_several_requests_in_one_packet_are_answered_in_order() -> None:
    async def main() -> None:
        async with serving(endpoints=answering()) as scene:
            reader, writer = await connected(scene.url)
            body = b'{"model":"m","messages":[{"role":"user"}]}'
            one = HEAD % CHAT.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
            writer.write(one * 3)
            async with asyncio.timeout(3.0):
                told = b""
                while told.count(b"HTTP/1.1 200 OK") < 3:
                    told += await reader.read(65536)
            writer.close()

    asyncio.run(main())


def test_the_next_call_on_a_connection_is_answered_after_one_that_failed() -> None:
    async def main() -> None:
        async with serving(endpoints=answering()) as scene:
            for _ in range(3):
                assert (await scene.ask(b"{")).status == 400
                assert (await scene.ask(ASKED)).status == 200

    asyncio.run(main())
