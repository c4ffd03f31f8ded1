"""The handler of a provider that can do more than chat: one client an operation, over one pool.

Each operation has an address, a body and an answer of its own, and so a `Dialect` of its own. An endpoint is mostly
asked for one of them, so the clients need to have nothing in common but the connections.

A vendor's API knows an operation though a model of it may not: OpenAI refuses completions by its chat models with a
404, and embeddings with a 403. Such a refusal says nothing against an endpoint that is asked for something else all
day. So where an endpoint is said to do several things, "not found" and "not permitted" are taken for `Unsupported` of
whatever is no chat: another endpoint may be asked, and this one is as well as before. An endpoint that is said to do
that alone has no such excuse.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from ..router.errors import NotFound, PermissionDenied, Unsupported
from ..router.operation import CHAT, EMBEDDING, Operation
from .http_client import Client
from .http_pool import open_pool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Mapping

    from yarl import URL

    from ..router.call import Call
    from ..router.clock import Clock
    from ..router.pipeline import Emit
    from .http_address import Address
    from .http_client import Dialect, Settings
    from .http_connections import Connections
    from .http_pool import HttpPool

TIMES_AS_LONG = 8
"""What embeddings may be longer than other answers: 2,048 texts, the most that OpenAI takes at once, make up to 140 MB
in numbers of 3,072 dimensions."""


@attrs.frozen(kw_only=True)
class _Settings:
    """Those of a provider, for embeddings."""

    name: str
    connections: Connections
    max_frame_bytes: int
    max_answer_bytes: int


@asynccontextmanager
async def open_clients(
    chat: Dialect, others: Mapping[Operation, Dialect], settings: Settings, clock: Clock
) -> AsyncGenerator[ByOperation]:
    """A connection pool for one router on the running loop, and the handler that calls over it, whatever is asked."""
    longer = _Settings(
        name=settings.name,
        connections=settings.connections,
        max_frame_bytes=settings.max_frame_bytes,
        max_answer_bytes=settings.max_answer_bytes * TIMES_AS_LONG,
    )
    async with open_pool(clock, settings.connections) as pool:
        clients = {
            operation: Client(dialect, longer if operation is EMBEDDING else settings, pool, clock)
            for operation, dialect in others.items()
        }
        yield ByOperation(chat, clients, settings, pool, clock)


class ByOperation(Client):
    """The handler: a client for chats, which hands on what else is asked to others."""

    __slots__ = ("_others",)

    def __init__(
        self, chat: Dialect, others: Mapping[Operation, Client], settings: Settings, pool: HttpPool, clock: Clock
    ) -> None:
        super().__init__(chat, settings, pool, clock)
        self._others = others

    def __call__(self, call: Call, emit: Emit, /) -> Awaitable[None]:
        """One request to the call's target, and its answer."""
        if call.request.operation is CHAT:
            return Client.__call__(self, call, emit)
        return self._other(call, emit)

    async def _other(self, call: Call, emit: Emit) -> None:
        endpoint, operation = call.target.endpoint, call.request.operation
        try:
            await self._others[operation](call, emit)
        except (NotFound, PermissionDenied) as refused:
            if len(endpoint.operations) == 1:
                raise
            unsupported = Unsupported(f"cannot do {operation.value}, it seems: {refused}", endpoint=endpoint.name)
            unsupported.request_id = refused.request_id
            raise unsupported from refused


def beside_chat(address: Address, path: str) -> Address:
    """The address of another operation, given that of chats: ``chat/completions`` is replaced by *path*."""
    return address.moved(_beside(address.url, path))


def _beside(chat: URL, path: str) -> URL:
    return (chat.parent.parent / path).with_query(chat.query)
