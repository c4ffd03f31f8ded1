"""Vendors of the soak, on loopback, in OpenAI's form and in Anthropic's: one answer in twenty goes wrong.

Each answer repeats the number of the call that it was asked with, so that an answer which reached another caller is
noticed. Faults are drawn with seeded dice.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import msgspec
from aiohttp import web

Json: TypeAlias = dict[str, Any]

FAULTS = 0.05
KINDS = ("error", "rate limit", "reset", "cut", "silence", "stall", "error in the stream")
PIECE_S = 0.001
NUMBER = re.compile(r"call (\d+)")

OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}'


def answer_to(number: int) -> list[str]:
    """What a vendor says to a call, in pieces."""
    return ["answer", " to", " call", f" {number}", " and", " more"]


class Vendors:
    """The servers. arrived: told the number of each call that gets here. faults: how often each kind was played."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.arrived: Callable[[int], None] = lambda _: None
        self.faults: Counter[str] = Counter()
        self.asked = 0
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._openai)
        app.router.add_post("/v1/messages", self._anthropic)
        quiet = logging.getLogger("soak.vendors")
        quiet.disabled = True  # it would tell of every connection that it cuts itself
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, logger=quiet, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield
        finally:
            await runner.cleanup()

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        body, number = await self._number_of(request)
        said = "".join(answer_to(number))
        usage = {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        whole = {"id": "c", "model": "m", "usage": usage, "choices": [choice]}
        frames = [_frame({"choices": [{"index": 0, "delta": {"content": piece}}]}) for piece in answer_to(number)]
        frames += [
            _frame({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            _frame({"choices": [], "usage": usage}),
            b"data: [DONE]\n\n",
        ]
        return await self._answer(request, body, whole, frames, b'data: {"error":{"message":"busy"}}\n\n')

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        body, number = await self._number_of(request)
        usage = {"input_tokens": 9, "output_tokens": 6}
        message: Json = {"id": "m", "type": "message", "role": "assistant", "model": "m", "usage": usage}
        content = [{"type": "text", "text": "".join(answer_to(number))}]
        whole = {**message, "content": content, "stop_reason": "end_turn"}
        events: list[Json] = [
            {"type": "message_start", "message": {**message, "content": []}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
                for piece in answer_to(number)
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}},
            {"type": "message_stop"},
        ]
        frames = [b"event: %b\n%b" % (event["type"].encode(), _frame(event)) for event in events]
        return await self._answer(request, body, whole, frames, b"event: error\ndata: %b\n\n" % OVERLOADED)

    async def _number_of(self, request: web.Request) -> tuple[Json, int]:
        raw = await request.read()
        body: Json = msgspec.json.decode(raw)
        found = NUMBER.search(msgspec.json.encode(body["messages"]).decode())
        assert found is not None
        number = int(found[1])
        self.asked += 1
        self.arrived(number)
        return body, number

    async def _answer(
        self, request: web.Request, body: Json, whole: Json, frames: list[bytes], error: bytes
    ) -> web.StreamResponse:
        fault = self._dice.choice(KINDS) if self._dice.random() < FAULTS else ""
        if fault:
            self.faults[fault] += 1
        match fault:
            case "error":
                return web.Response(status=500, body=OVERLOADED, content_type="application/json")
            case "rate limit":
                return web.Response(
                    status=429, body=OVERLOADED, content_type="application/json", headers={"Retry-After": "0"}
                )
            case "reset":
                _abort(request)
            case "silence":
                await asyncio.Event().wait()
            case _:
                pass
        if not body.get("stream"):
            await asyncio.sleep(PIECE_S)
            return web.Response(body=msgspec.json.encode(whole), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for place, frame in enumerate(frames):
            if place == len(frames) // 2:
                await self._go_wrong(request, response, fault, error)
            await response.write(frame)
            if place % 3 == 0:
                await asyncio.sleep(self._dice.uniform(0, PIECE_S))
        return response

    @staticmethod
    async def _go_wrong(request: web.Request, response: web.StreamResponse, fault: str, error: bytes) -> None:
        if fault == "cut":
            _abort(request)
        elif fault == "stall":
            await asyncio.Event().wait()
        elif fault == "error in the stream":
            await response.write(error)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _frame(said: Json) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(said)
