"""Events as a router tells them, from small fleets in virtual time; and snapshots, read back from their JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from paceline.gateway.config import Configuration
from paceline.gateway.dashboard import Collector, Feed
from paceline.router import Endpoint, Policy, Request, Route, Router
from paceline.router.errors import PacelineError
from paceline.router.testing import run, virtual_clock

T = TypeVar("T")


class Stood:
    """What `Running` is to the dashboard, around a router of the test's own."""

    def __init__(self, router: Router, endpoints: Sequence[Endpoint]) -> None:
        self.router = router
        self.configuration = Configuration(endpoints=tuple(endpoints), source="of a test")


def watched(
    endpoints: Sequence[Endpoint],
    play: Callable[[Router, Collector, Feed], Awaitable[T]],
    *,
    routes: Sequence[Route] = (),
    policies: Sequence[Policy] = (),
) -> T:
    """What *play* gives, with a router, the collector that listens to it and a feed of both, in virtual time."""

    async def main() -> T:
        collector = Collector()
        async with Router(endpoints, routes, policies, clock=virtual_clock, listeners=[collector]) as router:
            return await play(router, collector, Feed(Stood(router, endpoints), collector, virtual_clock))

    return run(main)


async def ask(router: Router, **of: Any) -> None:
    """One streamed call, however it ends."""
    asked = Request(messages="secret words of the caller", **of)
    try:
        async with router.stream(asked) as chunks:
            async for _chunk in chunks:
                pass
    except PacelineError:
        pass


def read(told: bytes) -> Any:
    """JSON as plain data."""
    return msgspec.json.decode(told)


async def settle() -> None:
    """Let everything that is due run."""
    for _ in range(10):
        await asyncio.sleep(0)
