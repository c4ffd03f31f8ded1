"""Connections of a provider: made ready before there is traffic, and counted while there is.

A provider that keeps connections opens a handler which is `Pooled`. The router knows no more of them than this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from .endpoint import Endpoint, Provider
    from .events import Listeners
    from .pipeline import Handler


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's connections in one router, at one moment.

    in_use: held by calls, or being opened for them. idle: kept for the next calls. opened: since the router was opened.
    """

    provider: str
    in_use: int
    idle: int
    opened: int


@runtime_checkable
class Pooled(Protocol):
    """A handler that keeps connections."""

    def pool(self) -> Pool:
        """Its connections, now."""
        ...

    async def make_ready(self, endpoints: Sequence[Endpoint], listeners: Listeners) -> None:
        """Do what can be done before there is traffic, such as opening connections. A failure is told, not raised."""
        ...


async def made_ready(handlers: Mapping[Provider, Handler], endpoints: Iterable[Endpoint], listeners: Listeners) -> None:
    """Let every handler that keeps connections make ready, all at the same time."""
    by_provider: dict[Provider, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_provider.setdefault(endpoint.provider, []).append(endpoint)
    async with asyncio.TaskGroup() as ready:
        for provider, handler in handlers.items():
            pooled = _pooled(handler)
            if pooled is not None:
                ready.create_task(pooled.make_ready(by_provider[provider], listeners))


def pools_of(handlers: Iterable[Handler]) -> tuple[Pool, ...]:
    """The connections of each of *handlers* that keeps any; one that stands there twice is told once."""
    each = map(_pooled, dict.fromkeys(handlers))
    return tuple(pooled.pool() for pooled in each if pooled is not None)


def _pooled(handler: object) -> Pooled | None:
    """*handler*, if it keeps connections. It is an object then, not a mere function."""
    return handler if isinstance(handler, Pooled) else None
