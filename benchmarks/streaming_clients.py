"""The clients of `benchmarks.streaming`, each in a process of its own.

    python -m benchmarks.streaming_clients NAME URL

says ``ready``, or why it is absent, then makes 64 calls at a time for every line it reads, in the way that stands
there, and answers with the microseconds of processor time a call. So what one has loaded, and the threads it keeps, are
no other's burden. Other people's clients are used as their documentation shows it, with retries turned off.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import aiohttp

from benchmarks.apart import READY, Absent, answering, library
from paceline.providers import OpenAICompatible
from paceline.router import Chunk, Endpoint, Request, Router

CALLS = 64
WAYS = ("trickle", "burst", "whole")
FLOOR, BY_HAND, PACELINE = "aiohttp, bytes only (floor)", "aiohttp and json.loads", "Paceline"

MODEL = "bench-1"
MESSAGES = [{"role": "user", "content": "hello"}]
BODY = {"model": MODEL, "messages": MESSAGES}
NO_TIMEOUT = aiohttp.ClientTimeout(total=None, ceil_threshold=math.inf)

Ask: TypeAlias = Callable[[str], Awaitable[None]]
"""One call, in one of the ways."""


# -- by hand


@asynccontextmanager
async def by_hand(url: str, *, decode: bool) -> AsyncGenerator[Ask]:
    """Aiohttp as one would use it; *decode*: and ``json.loads`` of each event."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=NO_TIMEOUT) as session:

        async def ask(way: str) -> None:
            stream = way != "whole"
            body = json.dumps(BODY | ({"stream": True} if stream else {})).encode()
            headers = {"Content-Type": "application/json", "Authorization": "Bearer bench"}
            async with session.post(f"{url}/{way}/v1/chat/completions", data=body, headers=headers) as response:
                if not decode:
                    while await response.content.readany():
                        pass
                elif not stream:
                    json.loads(await response.read())
                else:
                    async for line in response.content:
                        if line.startswith(b"data: ") and line != b"data: [DONE]\n":
                            json.loads(line[6:])

        yield ask


# -- Paceline


async def heard(chunk: Chunk) -> None:
    """Take a chunk and do nothing with it."""
    del chunk


@asynccontextmanager
async def paceline(url: str) -> AsyncGenerator[Ask]:
    """A router with an endpoint for each way, and no policies."""
    provider = OpenAICompatible()
    endpoints = [
        Endpoint(name=way, provider=provider, model=way, url=f"{url}/{way}/v1", api_key="bench") for way in WAYS
    ]
    requests = {way: Request(messages="hello", model=way, stream=way != "whole") for way in WAYS}
    async with Router(endpoints, dice=random.Random(1)) as router:

        async def ask(way: str) -> None:
            if way == "whole":
                await router.complete(requests[way])
            else:
                await router.send(requests[way], heard)

        yield ask


# -- others


@asynccontextmanager
async def openai(url: str) -> AsyncGenerator[Ask]:
    """OpenAI's own SDK, one client a way."""
    sdk = library("openai")
    clients = {way: sdk.AsyncOpenAI(api_key="bench", base_url=f"{url}/{way}/v1", max_retries=0) for way in WAYS}

    async def ask(way: str) -> None:
        if way == "whole":
            await clients[way].chat.completions.create(model=MODEL, messages=MESSAGES)
            return
        async for _ in await clients[way].chat.completions.create(model=MODEL, messages=MESSAGES, stream=True):
            pass

    yield ask
    for client in clients.values():
        await client.close()


@asynccontextmanager
async def litellm(url: str) -> AsyncGenerator[Ask]:
    """LiteLLM's Router, one deployment a way."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it asks the network when it is imported
    library("litellm").suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    deployments = [
        {
            "model_name": way,
            "litellm_params": {"model": f"openai/{MODEL}", "api_key": "bench", "api_base": f"{url}/{way}/v1"},
        }
        for way in WAYS
    ]
    router = library("litellm").Router(model_list=deployments, num_retries=0)

    async def ask(way: str) -> None:
        answer = await router.acompletion(model=way, messages=MESSAGES, stream=way != "whole")
        if way != "whole":
            async for _ in answer:
                pass

    yield ask


TENSORZERO_MODEL = """
[models.{way}]
routing = ["bench"]

[models.{way}.providers.bench]
type = "openai"
model_name = "bench-1"
api_base = "{url}/{way}/v1/"
api_key_location = "none"
"""


@asynccontextmanager
async def tensorzero(url: str) -> AsyncGenerator[Ask]:
    """TensorZero's gateway, embedded, without observability."""
    client = library("tensorzero").AsyncTensorZeroGateway
    config = "[gateway]\nobservability.enabled = false\n" + "".join(
        TENSORZERO_MODEL.format(way=way, url=url) for way in WAYS
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tensorzero.toml"
        path.write_text(config, encoding="utf-8")
        try:
            opened = await client.build_embedded(config_file=str(path), async_setup=True)
        except Exception as error:  # noqa: BLE001  whatever it is: it is told in the table
            raise Absent(f"does not start ({type(error).__name__}: {error})") from None

        async def ask(way: str) -> None:
            answer = await opened.inference(model_name=way, input={"messages": MESSAGES}, stream=way != "whole")
            if way != "whole":
                async for _ in answer:
                    pass

        async with opened:
            yield ask


# -- what the benchmark asks for

OTHERS: Mapping[str, Callable[[str], AbstractAsyncContextManager[Ask]]] = {
    "openai": openai,
    "litellm": litellm,
    "tensorzero": tensorzero,
}
"""By the names they are installed under."""

CLIENTS: Mapping[str, Callable[[str], AbstractAsyncContextManager[Ask]]] = {
    FLOOR: partial(by_hand, decode=False),
    BY_HAND: partial(by_hand, decode=True),
    PACELINE: paceline,
    **OTHERS,
}


async def timed_us(ask: Ask, way: str) -> float:
    """CPU microseconds a call, of as many at a time as there are. What a client leaves for later is in its next."""
    began_s = time.process_time()
    await asyncio.gather(*(ask(way) for _ in range(CALLS)))
    return (time.process_time() - began_s) / CALLS * 1e6


async def main(name: str, url: str) -> None:
    """Do as asked until there is nothing more to read."""
    with answering() as said:
        try:
            async with CLIENTS[name](url) as ask:
                print(READY, file=said)
                for line in sys.stdin:
                    print(await timed_us(ask, line.strip()), file=said)
        except Absent as why:
            print(why, file=said)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
