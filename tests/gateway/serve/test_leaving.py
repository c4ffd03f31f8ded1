"""A client that goes away takes its call along: the vendor's connection is closed, and the slot is free."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from paceline.policies import Slots
from paceline.router.testing import SILENT, Scripted, answers, endpoint

from ...providers.loopback import begun, frame, text
from .gateways import CHAT, MESSAGES, Scene, serving


async def silence(_request: web.Request) -> web.StreamResponse:
    """Nothing, not even headers."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def one_word(request: web.Request) -> web.StreamResponse:
    response = await begun(request)
    await response.write(frame(text("Hel")))
    await asyncio.Event().wait()
    return response


async def leave(scene: Scene, *, stream: bool, after: asyncio.Event) -> None:
    """Ask over a connection of one's own, and break it off."""
    asked = {"model": "m", "messages": MESSAGES, "stream": stream}
    async with aiohttp.ClientSession() as session:
        call = asyncio.ensure_future(session.post(scene.url + CHAT, json=asked))
        await after.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_before_the_first_token_the_vendor_is_let_go(stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        async with serving(silence, slots=1) as scene:
            await leave(scene, stream=stream, after=scene.vendor.asked)
            async with asyncio.timeout(2.0):
                await scene.vendor.left.wait()
            await scene.idle()
            assert scene.gateway.running.router.fleet["e0"].in_flight == 0
            line = await scene.logged()
            assert line["outcome"] == "left"
            assert "status" not in line

    asyncio.run(main())


def test_in_the_middle_of_a_stream_the_vendor_is_let_go() -> None:
    async def main() -> None:
        async with serving(one_word, slots=1) as scene:
            asked = {"model": "m", "messages": MESSAGES, "stream": True}
            async with (
                aiohttp.ClientSession() as session,
                session.post(scene.url + CHAT, json=asked) as response,
            ):
                assert b"Hel" in await response.content.readany()
            async with asyncio.timeout(2.0):
                await scene.vendor.left.wait()
            await scene.idle()
            assert (await scene.logged())["outcome"] == "left"

    asyncio.run(main())


def test_the_call_ends_within_a_turn_of_the_loop_after_the_connection_is_lost() -> None:
    async def main() -> None:
        vendor = Scripted(SILENT)
        async with serving(endpoints=[endpoint("a", vendor)]) as scene:
            _, writer = await asyncio.open_connection("127.0.0.1", int(scene.url.rpartition(":")[2]))
            body = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
            head = (
                b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            writer.write(head % (CHAT.encode(), len(body)) + body)
            async with asyncio.timeout(2.0):
                while not vendor.live:  # noqa: ASYNC110  it tells nobody
                    await asyncio.sleep(0)
            writer.transport.abort()
            turns = 0
            async with asyncio.timeout(2.0):
                while vendor.live:
                    turns += 1
                    await asyncio.sleep(0)
            # One turn for the kernel's news, one for the loop to hand it on, one for the cancellation to arrive.
            assert turns <= 5

    asyncio.run(main())


def test_a_call_that_waits_for_a_slot_gives_up_its_place() -> None:
    async def main() -> None:
        vendor = Scripted(answers(0.5, "first"), answers(0.0, "second"))
        async with serving(endpoints=[endpoint("a", vendor, slots=1)], policies=[Slots(max_wait_s=5.0)]) as scene:
            first = asyncio.ensure_future(scene.ask())
            slots = scene.gateway.running.router.fleet["a"].slots
            async with asyncio.timeout(2.0):
                while not vendor.live:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                waiting = asyncio.Event()
                leaving = asyncio.ensure_future(leave(scene, stream=True, after=waiting))
                while not slots.waiting:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                waiting.set()
                await leaving
                while slots.waiting:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            assert (await first).status == 200
            assert vendor.calls == 1

    asyncio.run(main())
