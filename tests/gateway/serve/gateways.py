"""A gateway on loopback before vendors on loopback: what a client sees, what a vendor saw, what the log says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
import msgspec
import openai

from paceline.gateway.config import Bind, Configuration, Settings
from paceline.gateway.serve.call_log import CallLog
from paceline.gateway.serve.server import Gateway
from paceline.providers import OpenAICompatible
from paceline.router import Endpoint, Policy, Provider, Route
from paceline.router.testing import assert_nothing_held

from ...providers.loopback import Say, Vendor

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hello"}]
ASKED: dict[str, Any] = {"model": "m", "messages": MESSAGES}

VENDOR_KEY = "sk-vendor-0123456789abcdef"


class Scene:
    """A gateway that serves, and all there is to look at.

    vendors: by the name of their endpoint. session: a client without an SDK. log: lines so far, when it is closed.
    """

    def __init__(self, gateway: Gateway, vendors: dict[str, Vendor], session: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.vendors = vendors
        self.session = session
        self.raw_log = bytearray()
        self.clients: list[openai.AsyncOpenAI] = []

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def vendor(self) -> Vendor:
        """The only one."""
        (vendor,) = self.vendors.values()
        return vendor

    @property
    def log(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in bytes(self.raw_log).splitlines()]

    async def logged(self) -> dict[str, Any]:
        """The last line, once all have been written."""
        await self.gateway.front.log.aclose()
        return self.log[-1]

    def sdk(self, **options: Any) -> openai.AsyncOpenAI:
        """OpenAI's own client, with no retries unless *options* say otherwise."""
        given: dict[str, Any] = {"api_key": "sk-client", "max_retries": 0, **options}
        client = openai.AsyncOpenAI(base_url=f"{self.url}/v1", **given)
        self.clients.append(client)
        return client

    async def ask(self, body: Any = None, path: str = CHAT, **headers: str) -> Heard:
        """One call, without an SDK. *body*: bytes as they are, anything else as JSON."""
        data = BytesIO(body if isinstance(body, bytes) else msgspec.json.encode(ASKED if body is None else body))
        told = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        async with self.session.post(self.url + path, data=data, headers=told) as response:
            return Heard(response.status, await response.read(), response.headers)

    async def get(self, path: str, **headers: str) -> Heard:
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.session.get(self.url + path, headers=told) as response:
            return Heard(response.status, await response.read(), response.headers)

    async def busy(self) -> None:
        """Until a call is in flight."""
        async with asyncio.timeout(2.0):
            while not self.gateway.front.tally.in_flight:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0)

    async def idle(self, within_s: float = 2.0) -> None:
        """Until no call is in flight; fails if that takes too long."""
        async with asyncio.timeout(within_s):
            while self.gateway.front.tally.in_flight:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0)


class Heard(msgspec.Struct):
    """An answer, as it came."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def events(self) -> list[bytes]:
        return [frame for frame in self.body.split(b"\n\n") if frame]


@asynccontextmanager
async def serving(
    *says: Say,
    settings: Settings | None = None,
    routes: Sequence[Route] = (),
    policies: Sequence[Policy] = (),
    provider: Provider | None = None,
    endpoints: Sequence[Endpoint] | None = None,
    idle_s: float = 75.0,
    **fields: Any,
) -> AsyncGenerator[Scene]:
    """A gateway before a vendor for each of *says*, the endpoints ``e0``, ``e1``, ... of model ``m``.

    endpoints: in their place. fields: of each endpoint. At the end nothing may be in flight or running.
    """
    vendors = {f"e{number}": Vendor(say) for number, say in enumerate(says)}
    before = asyncio.all_tasks()
    async with _all(list(vendors.values())):
        given: dict[str, Any] = {"model": "m", "api_key": VENDOR_KEY, **fields}
        made = endpoints or [
            Endpoint(name=name, provider=provider or OpenAICompatible(), url=vendor.url, **given)
            for name, vendor in vendors.items()
        ]
        configuration = Configuration(
            settings=settings or Settings(bind=Bind(port=0), grace_s=1.0),
            endpoints=tuple(made),
            routes=tuple(routes),
            policies=tuple(policies),
        )
        log = bytearray()
        async with (
            aiohttp.ClientSession() as session,
            Gateway(configuration, log=CallLog(log.extend), idle_s=idle_s) as gateway,
        ):
            scene = Scene(gateway, vendors, session)
            scene.raw_log = log
            router = gateway.running.router
            yield scene
            await scene.idle()
            for client in scene.clients:
                await client.close()
        assert_nothing_held(router)
        assert gateway.front.tally.in_flight == 0
    left = [repr(task) for task in asyncio.all_tasks() - before]
    others = ("RequestHandler.start", "async_generator_athrow")  # a vendor's connections, and what an SDK leaves
    ours = [task for task in left if not any(other in task for other in others)]
    assert not ours, ours


@asynccontextmanager
async def _all(vendors: list[Vendor]) -> AsyncGenerator[None]:
    if not vendors:
        yield
        return
    async with vendors[0].serving(), _all(vendors[1:]):
        yield


def loopback(**options: Any) -> Settings:
    """Settings of a gateway for a test."""
    given: dict[str, Any] = {"bind": Bind(port=0), "grace_s": 1.0, **options}
    return Settings(**given)
