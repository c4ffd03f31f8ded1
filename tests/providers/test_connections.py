"""What becomes of connections: whoever leaves before the end takes the connection along, at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import pytest

from paceline.providers import OpenAICompatible
from paceline.router import Chunk, Endpoint, Outcome, Router
from paceline.router.errors import ConnectFailed, RouterClosed

from .loopback import PROMPT, WHOLE, Say, asking, begun, frame, question, streams, text

if TYPE_CHECKING:
    from aiohttp import web

HELLO = frame(text("Hello"))


def hangs_after(*pieces: bytes) -> Say:
    """Sends *pieces*, and then nothing for as long as the client stays."""

    async def say(request: web.Request) -> web.StreamResponse:
        if not pieces:
            await asyncio.Event().wait()
        response = await begun(request)
        for data in pieces:
            await response.write(data)
        await asyncio.Event().wait()
        return response

    return say


@pytest.mark.parametrize("pieces", [(), (b": keep-alive\n\n",), (HELLO,), (HELLO, b"data: {")])
def test_a_caller_who_leaves_takes_the_connection_along(pieces: tuple[bytes, ...]) -> None:
    async def main() -> None:
        async with asking(hangs_after(*pieces)) as asked:
            call = asyncio.create_task(asked.stream())
            async with asyncio.timeout(1.0):
                await asked.vendor.asked.wait()
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                assert asked.in_use == 0, "synchronously: before anybody else runs"
                await asked.vendor.left.wait()

    asyncio.run(main())


def test_a_call_may_be_cancelled_at_any_step_and_leaves_nothing() -> None:
    """One more turn of the loop each time, until the call is over before it can be cancelled."""

    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            turns, call = 0, asyncio.create_task(asked.stream())
            while not call.done():
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                assert (asked.in_use, asked.target.in_flight) == (0, 0), turns
                turns, call = turns + 1, asyncio.create_task(asked.stream())
                for _ in range(turns):
                    await asyncio.sleep(0)
            assert turns > 5
            assert [chunk.text for chunk in await call] == ["Hello", " there", "", ""]

    asyncio.run(main())


def test_leaving_a_stream_early_closes_its_connection() -> None:
    async def main() -> None:
        async with asking(hangs_after(HELLO)) as asked:
            async with asked.router.stream(question()) as chunks:
                assert (await anext(aiter(chunks))).text == "Hello"
            async with asyncio.timeout(1.0):
                await asked.vendor.left.wait()

    asyncio.run(main())


def test_a_cancelled_call_says_nothing_against_the_endpoint() -> None:
    async def main() -> None:
        async with asking(hangs_after()) as asked:
            with anyio.move_on_after(0.05) as scope:
                await asked.complete()
            assert scope.cancelled_caught
            assert asked.target.learned.recent.failing(0.0) == 0.0

    asyncio.run(main())


@pytest.mark.parametrize("error", [ValueError("mine"), ConnectionResetError("my own client left")])
def test_what_the_receiver_raises_ends_the_call_and_is_passed_on_as_it_is(error: Exception) -> None:
    async def refuse(_chunk: Chunk) -> None:
        raise error

    async def main() -> None:
        async with asking(hangs_after(HELLO)) as asked:
            with pytest.raises(type(error)) as raised:
                await asked.router.send(question(), refuse)
            assert raised.value is error
            async with asyncio.timeout(1.0):
                await asked.vendor.left.wait()

    asyncio.run(main())


def test_a_router_that_closes_ends_the_calls_in_flight_and_their_connections() -> None:
    async def main() -> None:
        async with asking(hangs_after(HELLO)) as asked:
            endpoint = asked.target.endpoint
            router = Router([endpoint], grace_s=0.0)
            await router.__aenter__()
            call = asyncio.create_task(router.complete(question()))
            await asked.vendor.asked.wait()
            async with asyncio.timeout(1.0):
                await router.aclose()
                with pytest.raises(RouterClosed):
                    await call
                await asked.vendor.left.wait()

    asyncio.run(main())


def test_calls_at_once_have_a_connection_each_and_none_waits_for_another() -> None:
    everyone_is_here = asyncio.Event()
    calls = 120

    async def say(request: web.Request) -> web.StreamResponse:
        here.append(request)
        if len(here) == calls:
            everyone_is_here.set()
        await everyone_is_here.wait()
        return await streams(WHOLE)(request)

    here: list[web.Request] = []

    async def main() -> None:
        async with asking(say) as asked:
            answers = await asyncio.gather(*(asked.complete() for _ in range(calls)))
        assert {answer.text for answer in answers} == {"Hello there"}

    asyncio.run(main())


def test_a_kept_connection_that_the_server_just_closed_is_a_failed_connection() -> None:
    """The server takes the second request off a kept connection, and closes it without a word."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (WHOLE, b""):
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            if reply:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(reply), reply))
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server, Router([Endpoint(name="v", provider=OpenAICompatible(), model="m", url=url)]) as router:
            assert (await router.complete(question())).text == "Hello there"
            with pytest.raises(ConnectFailed, match="kept connection") as raised:
                await router.complete(question())
        assert raised.value.attempts[0].outcome is Outcome.FAILED

    asyncio.run(main())


def test_no_repr_on_the_way_shows_the_key_or_the_prompt() -> None:
    async def main() -> None:
        async with asking(streams(WHOLE)) as asked:
            answer = await asked.complete()
            shown = [repr(part) for part in (asked.target, asked.target.endpoint, answer, answer.attempts[0])]
            shown += [asked.router.describe(), answer.story(), repr(question())]
            handler = asked.target.handler
            shown += [repr(ring.only) for ring in handler._rings.values()]  # type: ignore[attr-defined]
        assert not [text for text in shown if "sk-live" in text or PROMPT in text]

    asyncio.run(main())
