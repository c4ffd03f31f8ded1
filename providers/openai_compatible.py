"""The adapter for OpenAI's chat completions, which most vendors and all open servers speak.

    provider = OpenAICompatible()
    Endpoint(name="openai", provider=provider, url="https://api.openai.com/v1", api_key=key, model="gpt-4o")

One call is one ``POST {url}/chat/completions``. The answer is asked for as a stream, because a stream is how the first
token is seen; a server that answers in one piece all the same is understood. Usage is always asked for.

Whatever ends a call before its answer is complete, be it an error, a limit or a caller who left, closes its connection
at once and synchronously: the vendor stops computing, and nothing is left to clean up. A complete answer gives its
connection back to the pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ..router import check
from .http_address import address_of, check_address
from .http_client import Dialect, open_client
from .http_connections import Connections
from .openai_answer import ChatAnswer
from .openai_request import encode_request
from .sse import DEFAULT_MAX_FRAME_BYTES

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..router.clock import Clock
    from ..router.endpoint import Endpoint
    from ..router.pipeline import Handler


CHAT_COMPLETIONS = Dialect(address=address_of, encode=encode_request, reader=ChatAnswer, request_id="x-request-id")


@attrs.frozen(kw_only=True)
class OpenAICompatible:
    """A `Provider` for ``/chat/completions``. Endpoints with equal ones share a connection pool within a router.

    name: in reports. Default ``openai``.
    connections: how they are made and kept. Default `Connections()`.
    max_frame_bytes: the longest event of a stream, at least 1024. Default 1 MiB. A longer one is a `MalformedAnswer`.
    max_answer_bytes: the longest answer in one piece, at least 1024. Default 32 MiB.
    """

    name: str = attrs.field(default="openai", validator=check.named)
    connections: Connections = attrs.field(factory=Connections, validator=check.one_of(Connections))
    max_frame_bytes: int = attrs.field(default=DEFAULT_MAX_FRAME_BYTES, validator=check.count(1024))
    max_answer_bytes: int = attrs.field(default=32 << 20, validator=check.count(1024))

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint without a usable url, or with headers that cannot be sent.

        Raises:
            ConfigurationError: saying what to mend.
        """
        check_address(endpoint, address_of)

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """A connection pool for one router on the running loop; closed on leaving."""
        return open_client(CHAT_COMPLETIONS, self, clock)
