"""One region's server: OpenAI's chat completions, at the speed and with the faults of the scene.

It listens on loopback and speaks the protocol in full: a frame with the role alone, frames of several tokens each, a
frame with the finish reason, usage if it was asked for, the end marker; or the whole answer in one piece. The caller
says in ``metadata`` which call of the plan this is (``call``) and how long its answer is to be (``answer_tokens``),
so that every router under test is told the same.

The round trip is waited for in full before the answer starts, and stretched by nothing. What the server itself takes
is drawn by `fate`, stretched by its load, and by the incident while that lasts: an answer that is under way slows
down when the incident begins, and recovers when it ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from . import frames
from .fate import Failure, Fate, draw, tpot_under_load, ttft_under_load
from .published import ANSWER_TOKENS, HEADERS_AHEAD_S
from .scene import MODELS, endpoint_name, round_trip_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from .frames import Question
    from .scene import Incident

MOST_BYTES = 4 * 1024 * 1024
"""Of a request."""


class Vendor:
    """All models in one region, for one contestant.

    seed: names the fates, with the call and the endpoint.
    clock: seconds since the run began; None before.
    """

    def __init__(self, region: str, *, seed: int, incident: Incident, clock: Callable[[], float | None]) -> None:
        self._region = region
        self._seed = seed
        self._incident = incident
        self._clock = clock
        self._visits: Counter[tuple[str, str]] = Counter()
        self._in_flight: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The server, ready to be run."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/v1/chat/completions", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            question = frames.question(await request.read())
        except msgspec.DecodeError as mistake:
            return _refusal(400, "invalid_request_error", str(mistake))
        if question.model not in MODELS:
            return _refusal(
                404, "invalid_request_error", f"there is no model {question.model!r} here", "model_not_found"
            )
        self._in_flight[question.model] += 1
        try:
            return await self._serve(request, question)
        finally:
            self._in_flight[question.model] -= 1

    async def _serve(self, request: web.Request, question: Question) -> web.StreamResponse:
        fate, tokens = self._draw(question)
        struck = self._struck()
        wait_s = fate.ttft_s * ttft_under_load(self._in_flight[question.model])
        wait_s *= self._incident.ttft_factor if struck else 1.0
        await asyncio.sleep(round_trip_s(self._region))
        if fate.failure is Failure.REFUSED:
            return _refusal(503, "server_error", "the engine is overloaded, try again later")
        if fate.failure is Failure.CRASHED or (fate.failure is Failure.BROKEN and not question.stream):
            await asyncio.sleep(wait_s / 2.0)
            return _refusal(500, "server_error", "the server had an error while processing the request")
        if not question.stream:
            await asyncio.sleep(wait_s + fate.tpot_s * (tokens - 1))
            return web.Response(body=frames.whole(question, tokens), content_type="application/json")
        await asyncio.sleep(wait_s - HEADERS_AHEAD_S)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        with suppress(ConnectionError):  # the caller has left, and nobody is to be told
            await self._speak(response, question, fate, tokens)
        return response

    async def _speak(self, response: web.StreamResponse, question: Question, fate: Fate, tokens: int) -> None:
        await response.write(frames.role(question))
        await asyncio.sleep(HEADERS_AHEAD_S)
        if fate.failure is Failure.BROKEN:
            await response.write(frames.broken())
            return
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for first, count in frames.portions(tokens):
            if first:
                due_s += count * self._pace_s(fate, question.model)
                await asyncio.sleep(due_s - loop.time())
            await response.write(frames.content(question, first, count))
        await response.write(frames.finish(question, tokens))
        await response.write_eof()

    def _draw(self, question: Question) -> tuple[Fate, int]:
        """The fate of this visit, and how many tokens its answer has."""
        call = question.metadata.get("call", "unplanned")
        place = endpoint_name(question.model, self._region)
        self._visits[call, place] += 1
        lot = f"{self._seed}/{call}/{place}/{self._visits[call, place]}"
        failing = self._incident.failing if self._struck() else 0.0
        asked = question.metadata.get("answer_tokens", "")
        tokens = int(asked) if asked.isdecimal() else round(ANSWER_TOKENS.median)
        return draw(MODELS[question.model], lot, failing=failing), max(1, min(tokens, question.most_tokens or tokens))

    def _pace_s(self, fate: Fate, model: str) -> float:
        """Seconds per token, as of now."""
        pace_s = fate.tpot_s * tpot_under_load(self._in_flight[model])
        return pace_s * self._incident.tpot_factor if self._struck() else pace_s

    def _struck(self) -> bool:
        return self._incident.strikes(self._region, self._clock())


def _refusal(status: int, kind: str, message: str, code: str | None = None) -> web.Response:
    return web.Response(status=status, body=frames.error(kind, message, code), content_type="application/json")
