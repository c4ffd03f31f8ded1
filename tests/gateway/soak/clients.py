"""Clients of the soak: they ask in both forms, whole and streamed, and one in twenty leaves before it has its answer.

One that leaves does so a moment after its call has reached a vendor, so that each call sent is one that the gateway has
admitted, and its report must know of it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

import aiohttp
import msgspec

from .vendors import answer_to

Json: TypeAlias = dict[str, Any]

LEAVE = 0.05
LEAVE_WITHIN_S = 0.01
MODELS = ("chat", "chat", "gpt", "claude")
OPENAI, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
PATIENCE = aiohttp.ClientTimeout(total=30.0)

ANSWERED, FAILED, LEFT = "answered", "failed", "left"


class NotAsItShouldBe(Exception):
    """An answer that is neither whole nor an error, or somebody else's."""


class Clients:
    """*at_once* of them. outcomes: what became of their calls. between: awaited with the number of each call done."""

    def __init__(self, url: str, dice: random.Random, *, at_once: int = 48) -> None:
        self.outcomes: Counter[str] = Counter()
        self.sent = 0
        self._url = url
        self._dice = dice
        self._at_once = at_once
        self._waiting: dict[int, asyncio.Event] = {}

    def arrived(self, number: int) -> None:
        """A call has reached a vendor."""
        waiting = self._waiting.get(number)
        if waiting is not None:
            waiting.set()

    async def make(self, calls: int, between: Callable[[int], Awaitable[None]]) -> None:
        """Make so many calls. Gives back when all are over, with every connection closed."""
        numbers = iter(range(calls))
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as session,
            asyncio.TaskGroup() as group,
        ):

            async def one_after_another() -> None:
                for number in numbers:
                    await self._call(session, number)
                    await between(number)

            for _ in itertools.repeat(None, self._at_once):
                group.create_task(one_after_another())

    async def _call(self, session: aiohttp.ClientSession, number: int) -> None:
        self.sent += 1
        asking = asyncio.create_task(self._ask(session, number))
        if self._dice.random() < LEAVE:
            await self._leave(asking, number)
        try:
            self.outcomes[await asking] += 1
        except asyncio.CancelledError:
            if not asking.cancelled():
                raise
            self.outcomes[LEFT] += 1

    async def _leave(self, asking: asyncio.Task[str], number: int) -> None:
        arrived = self._waiting[number] = asyncio.Event()
        waiting = asyncio.create_task(arrived.wait())
        try:
            await asyncio.wait([asking, waiting], return_when=asyncio.FIRST_COMPLETED)
            if arrived.is_set():
                await asyncio.sleep(self._dice.uniform(0, LEAVE_WITHIN_S))
                asking.cancel()
        finally:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            del self._waiting[number]

    async def _ask(self, session: aiohttp.ClientSession, number: int) -> str:
        dice = self._dice
        path, streamed = dice.choice((OPENAI, ANTHROPIC)), dice.random() < 0.5
        body: Json = {
            "model": dice.choice(MODELS),
            "max_tokens": 50,
            "stream": streamed,
            "messages": [{"role": "user", "content": f"call {number}, please"}],
        }
        async with session.post(self._url + path, json=body) as response:
            said = await response.read()
            if response.status >= 400:
                assert "message" in msgspec.json.decode(said)["error"]
                return FAILED
        outcome, text = (_streamed if streamed else _whole)(path, said)
        if outcome == ANSWERED and text != "".join(answer_to(number)):
            raise NotAsItShouldBe(f"call {number} was answered with {text!r}")
        return outcome


def _whole(path: str, said: bytes) -> tuple[str, str]:
    body: Json = msgspec.json.decode(said)
    if path == OPENAI:
        return ANSWERED, body["choices"][0]["message"]["content"]
    return ANSWERED, "".join(block["text"] for block in body["content"])


def _streamed(path: str, said: bytes) -> tuple[str, str]:
    text = ""
    last = ""
    for event in said.decode().split("\n\n"):
        data = event.partition("data: ")[2]
        if not data:
            continue
        last = data
        if data == "[DONE]":
            break
        frame: Json = msgspec.json.decode(data)
        if "error" in frame:
            return FAILED, text
        if path == OPENAI:
            text += "".join(choice["delta"].get("content") or "" for choice in frame["choices"])
        elif frame["type"] == "content_block_delta":
            text += frame["delta"]["text"]
    if last != "[DONE]" and '"message_stop"' not in last:
        raise NotAsItShouldBe(f"a stream ended with {last!r}")
    return ANSWERED, text
