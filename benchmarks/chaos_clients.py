"""The clients of `benchmarks.chaos`, each in a process of its own.

    python -m benchmarks.chaos_clients NAME

says ``ready``, or why it is absent. For a line ``BEFORE AFTER URL URL URL`` it starts with nothing learned, makes so
many calls, one every 25 ms, and says ``now``; with the next line, whatever it is, it makes as many again as *after*
says, and answers with what those callers saw, as JSON. Every client is told the same: give an attempt up after a second
of silence, and a call after four seconds. Otherwise each has its own defaults; retries are what its documentation
shows.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import cycle
from typing import TypeAlias

import aiohttp

from benchmarks import litellm_quietly
from benchmarks.apart import READY, Absent, answering
from benchmarks.chaos_faults import TEXT
from paceline.policies import Restart, Resume, stacks
from paceline.providers import OpenAICompatible
from paceline.router import Chunk, Endpoint, Limits, Objective, Profile, Request, Route, Router

PATIENCE_S = 1.0
"""Silence after which an attempt is given up."""

BUDGET_S = 4.0
"""Seconds a caller waits for the whole answer."""

EVERY_S = 0.025
RETRIES = 2
MESSAGES = [{"role": "user", "content": "hello"}]
AIOHTTP, PACELINE, LITELLM = "aiohttp with a timeout", "Paceline", "LiteLLM's Router"

NOW = "now"
RIGHT, WRONG, FAILED = "right", "wrong", "failed"
"""What a caller saw: the whole answer; something else that passed for it; an error."""

Ask: TypeAlias = Callable[[], Awaitable[str]]
"""One call. Gives the text that its caller takes for the answer."""


@asynccontextmanager
async def by_hand(urls: Sequence[str]) -> AsyncGenerator[Ask]:
    """What everybody would write: the servers in turn, a timeout, and lines that are read until the stream ends."""
    turns = cycle(urls)
    timeout = aiohttp.ClientTimeout(total=BUDGET_S, sock_connect=PATIENCE_S, sock_read=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def ask() -> str:
            said: list[str] = []
            body = {"model": "m", "messages": MESSAGES, "stream": True}
            async with session.post(f"{next(turns)}/chat/completions", json=body) as response:
                response.raise_for_status()
                async for line in response.content:
                    if line.startswith(b"data: ") and line.strip() != b"data: [DONE]":
                        said += [choice["delta"].get("content") or "" for choice in json.loads(line[6:])["choices"]]
            return "".join(said)

        yield ask


@asynccontextmanager
async def paceline(urls: Sequence[str]) -> AsyncGenerator[Ask]:
    """The interactive stack, and a caller who can take back what he has shown."""
    provider = OpenAICompatible()
    limits = Limits(first_token_s=PATIENCE_S, gap_s=PATIENCE_S)
    profile = Profile(ttft_s=0.05)
    endpoints = [
        Endpoint(
            name=f"vendor-{number}", provider=provider, model="m", url=url, slots=50, limits=limits, profile=profile
        )
        for number, url in enumerate(urls)
    ]
    routes = [Route(name="chat", models="m", objective=Objective(ttft_s=0.5), budget_s=BUDGET_S)]
    stack = [Resume(otherwise=Restart()), *stacks.interactive()]
    request = Request(messages="hello", route="chat")
    async with Router(endpoints, routes, stack, dice=random.Random(1)) as router:

        async def ask() -> str:
            said: list[str] = []

            async def heard(chunk: Chunk) -> None:
                if chunk.discard:
                    said.clear()
                said.append(chunk.text)

            await router.send(request, heard)
            return "".join(said)

        yield ask


@asynccontextmanager
async def litellm(urls: Sequence[str]) -> AsyncGenerator[Ask]:
    """LiteLLM's Router: latency routing, two retries, its cooldowns."""
    sdk = litellm_quietly.litellm()
    deployments = [
        {
            "model_name": "m",
            "litellm_params": {"model": "openai/m", "api_key": "bench", "api_base": url, "max_retries": 0},
            "model_info": {"id": f"vendor-{number}"},
        }
        for number, url in enumerate(urls)
    ]
    router = sdk.Router(
        model_list=deployments,
        routing_strategy="latency-based-routing",
        num_retries=RETRIES,
        timeout=PATIENCE_S,
        stream_timeout=PATIENCE_S,
    )

    async def ask() -> str:
        said: list[str] = []
        async for chunk in await router.acompletion(model="m", messages=MESSAGES, stream=True):
            said.extend(choice.delta.content or "" for choice in chunk.choices)
        return "".join(said)

    yield ask


CLIENTS: Mapping[str, Callable[[Sequence[str]], AbstractAsyncContextManager[Ask]]] = {
    AIOHTTP: by_hand,
    LITELLM: litellm,
    PACELINE: paceline,
}


async def seen(ask: Ask) -> tuple[str, float]:
    """What one caller saw, and after how many seconds."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        async with asyncio.timeout(BUDGET_S):
            said = await ask()
    except Exception:  # noqa: BLE001  whatever it is, the caller has no answer
        return FAILED, loop.time() - began_s
    return RIGHT if said == TEXT else WRONG, loop.time() - began_s


async def traffic(ask: Ask, calls: int) -> list[tuple[str, float]]:
    """So many calls, each at its time, whatever became of those before."""
    async with asyncio.TaskGroup() as group:
        made: list[asyncio.Task[tuple[str, float]]] = []
        for _ in range(calls):
            made.append(group.create_task(seen(ask)))
            await asyncio.sleep(EVERY_S)
    return [call.result() for call in made]


async def main(name: str) -> None:
    """Do as asked until there is nothing more to read."""
    with answering() as said:
        try:
            if name == LITELLM:
                litellm_quietly.litellm()
        except Absent as why:
            print(why, file=said)
            return
        print(READY, file=said)
        for line in sys.stdin:
            before, after, *urls = line.split()
            async with CLIENTS[name](urls) as ask:
                await traffic(ask, int(before))
                print(NOW, file=said)
                sys.stdin.readline()
                print(json.dumps(await traffic(ask, int(after))), file=said)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
