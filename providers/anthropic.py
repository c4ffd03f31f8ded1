"""The adapter for Anthropic's Messages API.

    provider = Anthropic()
    Endpoint(name="claude", provider=provider, api_key=key, model="claude-sonnet-4-6")

Requests come in OpenAI's form, as for every provider, and answers go out in it. What that takes stands in
`anthropic_request` and `anthropic_answer`: what Anthropic cannot express is refused by name before anything is sent.

The key goes out as ``x-api-key``. A token that Anthropic wants as a bearer goes into the endpoint's headers instead,
and so do betas: ``headers={"Authorization": f"Bearer {token}", "anthropic-beta": "..."}``.

The API version is 2023-06-01, whose answers are those of 2026-10-21. Of requests the newer one takes less: no
``temperature``, ``top_p`` or ``top_k``. An endpoint that is to use it says so in its headers.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
from multidict import CIMultiDict

from ..router import check
from ..router.errors import ConfigurationError
from .anthropic_answer import MessagesAnswer
from .anthropic_request import Encoder
from .anthropic_thinking import AdaptiveThinking, Thinking
from .http_address import Address, address_at, base_of
from .http_pool import open_session
from .openai_compatible import Client, Dialect
from .sse import DEFAULT_MAX_FRAME_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

    from ..router.clock import Clock
    from ..router.endpoint import Endpoint
    from ..router.pipeline import Handler

BASE = "https://api.anthropic.com"
VERSION = "2023-06-01"
DEFAULT_MAX_TOKENS = 16384


@attrs.frozen(kw_only=True)
class Anthropic:
    """A `Provider` for ``/v1/messages``. Endpoints with equal ones share a connection pool within a router.

    name: in reports. Default ``anthropic``.
    max_tokens: the most tokens of an answer, thinking included, where neither request nor route sets a cap: Anthropic
        demands one. At least 1, default 16384, which every current model allows.
    thinking: how its models take OpenAI's ``reasoning_effort``. Default `AdaptiveThinking`, for those from Claude 4.6
        on; earlier ones need `ThinkingBudgets`.
    keepalive_s: seconds an idle connection is kept for the next call, above 0. Default 30.
    max_frame_bytes: the longest event of a stream, at least 1024. Default 1 MiB. A longer one is a `MalformedAnswer`.
    max_answer_bytes: the longest answer in one piece, at least 1024. Default 32 MiB.
    """

    name: str = attrs.field(default="anthropic", validator=check.named)
    max_tokens: int = attrs.field(default=DEFAULT_MAX_TOKENS, validator=check.count(1))
    thinking: Thinking = attrs.field(factory=AdaptiveThinking, validator=check.one_of(Thinking))
    keepalive_s: float = attrs.field(default=30.0, validator=check.positive)
    max_frame_bytes: int = attrs.field(default=DEFAULT_MAX_FRAME_BYTES, validator=check.count(1024))
    max_answer_bytes: int = attrs.field(default=32 << 20, validator=check.count(1024))

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint whose url cannot be called, or with headers that cannot be sent.

        Raises:
            ConfigurationError: saying what to mend.
        """
        address_of(endpoint)

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """A connection pool for one router on the running loop; closed on leaving."""
        return self._opened(clock)

    @asynccontextmanager
    async def _opened(self, clock: Clock) -> AsyncGenerator[Handler]:
        dialect = Dialect(
            address=address_of,
            encode=Encoder(max_tokens=self.max_tokens, thinking=self.thinking),
            reader=MessagesAnswer,
            request_id="request-id",
        )
        async with open_session(clock, self.keepalive_s) as session:
            yield Client(dialect, self, session, clock)


def address_of(endpoint: Endpoint) -> Address:
    """The address of *endpoint*'s messages; the url is Anthropic's own unless it has one.

    Raises:
        ConfigurationError: its url or its headers cannot work; the message says what to mend, and shows no value.
    """
    base = base_of(endpoint, endpoint.url or BASE, BASE)
    if base.path.rstrip("/").endswith(("/v1", "/v1/messages")):
        raise ConfigurationError(f"endpoint {endpoint.name!r}: url is to end before /v1/messages, which is added")
    headers = CIMultiDict({"Content-Type": "application/json", "User-Agent": "paceline", "anthropic-version": VERSION})
    if endpoint.api_key is not None:
        headers["x-api-key"] = endpoint.api_key.reveal()
    return address_at((base / "v1" / "messages").with_query(base.query), headers, endpoint)
