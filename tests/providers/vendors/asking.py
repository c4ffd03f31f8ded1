"""The same question, by the vendor's SDK and by us."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from paceline.router import Answer, Chunk, Endpoint, Request, Router
from paceline.router.endpoint import Provider

from .scene import KEY, MODEL, PROMPT, Json
from .told import Told, by_sdk_stream, by_sdk_whole, by_us

MESSAGES: list[Json] = [{"role": "system", "content": "be brief"}, {"role": "user", "content": PROMPT}]


async def asked_by_sdk(client: AsyncOpenAI, *, stream: bool, model: str = MODEL, **params: Any) -> Told:
    """What their own client makes of the answer."""
    given: dict[str, Any] = {"model": model, "messages": MESSAGES, **params}
    async with client:
        if not stream:
            whole = await client.chat.completions.create(**given)  # pyright: ignore[reportUnknownVariableType]
            return by_sdk_whole(whole)  # pyright: ignore[reportUnknownArgumentType]  Any picks no overload
        chunks = await client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **given)
        return by_sdk_stream([chunk async for chunk in chunks])


def sdk(url: str, key: str = KEY) -> AsyncOpenAI:
    """OpenAI's client, without retries."""
    return AsyncOpenAI(base_url=url, api_key=key, max_retries=0, http_client=DefaultAsyncHttpxClient(trust_env=False))


@asynccontextmanager
async def routed(provider: Provider, url: str | None, **fields: Any) -> AsyncGenerator[Router]:
    """A router with one endpoint, the vendor."""
    given: dict[str, Any] = {"name": "vendor", "model": MODEL, "api_key": KEY, **fields}
    async with Router([Endpoint(provider=provider, url=url, **given)]) as router:
        yield router


async def answer_of(router: Router, *, stream: bool, **fields: Any) -> Answer:
    given: dict[str, Any] = {"messages": MESSAGES, "model": MODEL, "budget_s": 5.0, **fields}
    return await router.complete(Request(stream=stream, **given))


async def chunks_of(router: Router, **fields: Any) -> list[Chunk]:
    heard: list[Chunk] = []

    async def emit(chunk: Chunk) -> None:
        heard.append(chunk)

    given: dict[str, Any] = {"messages": MESSAGES, "model": MODEL, "budget_s": 5.0, **fields}
    await router.send(Request(**given), emit)
    return heard


async def asked_by_us(provider: Provider, url: str | None, /, *, stream: bool, **params: Any) -> Told:
    """What we make of it."""
    async with routed(provider, url) as router:
        return by_us(await answer_of(router, stream=stream, params=params))
