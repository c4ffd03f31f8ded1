"""The adapter for Anthropic's Messages API.

    provider = Anthropic()
    Endpoint(name="claude", provider=provider, api_key=key, model="claude-sonnet-4-6")

Requests come in OpenAI's form, as for every provider, and answers go out in it. What that takes stands in
`anthropic_request` and `anthropic_answer`: what Anthropic cannot express is refused by name before anything is sent.

A key goes out as ``x-api-key``, a token from a `TokenSource` as a bearer's. Betas are asked for by a call, in its
parameter ``betas`` (`anthropic_betas`), or by all calls of an endpoint, in its headers: ``headers={"anthropic-beta":
"..."}``.

The API version is 2023-06-01, whose answers are those of 2026-10-21. Of requests the newer one takes less: no
``temperature``, ``top_p`` or ``top_k``. An endpoint that is to use it says so in its headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ..router import check
from ..router.credential import static_secrets
from ..router.errors import ConfigurationError
from .anthropic_answer import MessagesAnswer
from .anthropic_betas import with_betas
from .anthropic_request import Encoder
from .anthropic_thinking import AdaptiveThinking, Thinking
from .http_address import Address, address_at, base_of, check_address, plain_headers
from .http_client import Dialect, open_client
from .http_connections import Connections
from .sse import DEFAULT_MAX_FRAME_BYTES

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..router.clock import Clock
    from ..router.endpoint import Endpoint
    from ..router.pipeline import Handler
    from ..router.secret import Secret

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
    connections: how they are made and kept. Default `Connections()`.
    max_frame_bytes: the longest event of a stream, at least 1024. Default 1 MiB. A longer one is a `MalformedAnswer`.
    max_answer_bytes: the longest answer in one piece, at least 1024. Default 32 MiB.
    """

    name: str = attrs.field(default="anthropic", validator=check.named)
    max_tokens: int = attrs.field(default=DEFAULT_MAX_TOKENS, validator=check.count(1))
    thinking: Thinking = attrs.field(factory=AdaptiveThinking, validator=check.one_of(Thinking))
    connections: Connections = attrs.field(factory=Connections, validator=check.one_of(Connections))
    max_frame_bytes: int = attrs.field(default=DEFAULT_MAX_FRAME_BYTES, validator=check.count(1024))
    max_answer_bytes: int = attrs.field(default=32 << 20, validator=check.count(1024))

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint whose url cannot be called, or with headers that cannot be sent.

        Raises:
            ConfigurationError: saying what to mend.
        """
        check_address(endpoint, address_of)

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """A connection pool for one router on the running loop; closed on leaving."""
        dialect = Dialect(
            address=address_of,
            encode=Encoder(max_tokens=self.max_tokens, thinking=self.thinking),
            reader=MessagesAnswer,
            request_id="request-id",
            head=with_betas,
        )
        return open_client(dialect, self, clock)


def address_of(endpoint: Endpoint, key: Secret | None) -> Address:
    """The address of *endpoint*'s messages, for a call with *key*; the url is Anthropic's own unless it has one.

    Raises:
        ConfigurationError: its url or its headers cannot work; the message says what to mend, and shows no value.
    """
    base = base_of(endpoint, endpoint.url or BASE, BASE)
    if base.path.rstrip("/").endswith(("/v1", "/v1/messages")):
        raise ConfigurationError(f"endpoint {endpoint.name!r}: url is to end before /v1/messages, which is added")
    headers = plain_headers()
    headers["anthropic-version"] = VERSION
    if key is not None:
        is_key = key in static_secrets(endpoint.api_key)
        name, form = ("x-api-key", "{}") if is_key else ("Authorization", "Bearer {}")
        headers[name] = form.format(key.reveal())
    return address_at((base / "v1" / "messages").with_query(base.query), headers, endpoint)
