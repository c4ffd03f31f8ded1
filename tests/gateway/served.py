"""A gateway on loopback in front of vendors on loopback, and the vendors' own clients of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from paceline.gateway.config import Configuration, Settings
from paceline.gateway.config.settings import Bind
from paceline.gateway.serve.server import Gateway
from paceline.router import Endpoint, Policy, Route, Secret

FREE = Bind(port=0)
GATEWAY_KEY = "gw-key-0123456789"


@asynccontextmanager
async def served(
    *endpoints: Endpoint,
    routes: tuple[Route, ...] = (),
    policies: tuple[Policy, ...] = (),
    keys: tuple[str, ...] = (),
    **settings: Any,
) -> AsyncGenerator[Gateway]:
    """A gateway to *endpoints*. At the end no call may be in flight."""
    given = Settings(bind=FREE, keys=tuple(Secret(key) for key in keys), **settings)
    configuration = Configuration(settings=given, endpoints=endpoints, routes=routes, policies=policies)
    async with Gateway(configuration) as gateway:
        yield gateway
        assert gateway.front.tally.in_flight == 0


@asynccontextmanager
async def anthropic_client(gateway: Gateway, key: str = GATEWAY_KEY, **fields: Any) -> AsyncGenerator[AsyncAnthropic]:
    """Anthropic's own client, which repeats nothing."""
    given: dict[str, Any] = {"max_retries": 0, **fields}
    async with AsyncAnthropic(api_key=key, base_url=gateway.url, **given) as client:
        yield client


@asynccontextmanager
async def openai_client(gateway: Gateway, key: str = GATEWAY_KEY, **fields: Any) -> AsyncGenerator[AsyncOpenAI]:
    """OpenAI's own client, which repeats nothing."""
    given: dict[str, Any] = {"max_retries": 0, **fields}
    async with AsyncOpenAI(api_key=key, base_url=f"{gateway.url}/v1", **given) as client:
        yield client
