"""The adapter for OpenAI's chat completions, which most vendors and all open servers speak.

    Endpoint(name="local", provider=OpenAICompatible(), url="http://127.0.0.1:8000/v1", model="qwen3")

A chat is one ``POST {url}/chat/completions``; text completions and embeddings go to ``/completions`` and
``/embeddings`` beside it. The answer is asked for as a stream, because a stream is how the first
token is seen; a server that answers in one piece all the same is understood. Usage is always asked for. What servers
differ in when they answer is understood without being told; what they differ in when asked is a field here, and
`presets` holds the fields of those in wide use.

Whatever ends a call before its answer is complete, be it an error, a limit or a caller who left, closes its connection
at once and synchronously: the vendor stops computing, and nothing is left to clean up. A complete answer gives its
connection back to the pool.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import attrs

from ..router import check
from ..router.errors import ConfigurationError
from ..router.operation import EVERY_OPERATION, Operation, operations
from .http_address import address_of, check_address
from .http_client import Dialect
from .http_connections import Connections
from .http_operations import beside_chat, open_clients
from .openai_answer import ChatAnswer
from .openai_completions import decode_text, encode_completion
from .openai_embeddings import EmbeddingAnswer, encode_embedding
from .openai_request import ANTHROPICS, CAPS, encode_request
from .sse import DEFAULT_MAX_FRAME_BYTES

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..router.clock import Clock
    from ..router.endpoint import Endpoint
    from ..router.pipeline import Handler
    from ..router.secret import Secret
    from .http_address import Address


def cap_name(instance: object, _attribute: attrs.Attribute[str], value: str) -> None:
    """One of the two names in use."""
    if value not in CAPS:
        raise ConfigurationError(f"{type(instance).__name__}: cap must be {' or '.join(CAPS)}, not {value!r}")


def _names(value: object) -> frozenset[str]:
    return frozenset(check.names(value, "OpenAICompatible: ignores"))


def _operations(value: object) -> frozenset[Operation]:
    return operations(value, "OpenAICompatible: operations")


@attrs.frozen(kw_only=True)
class OpenAICompatible:
    """A `Provider` for ``/chat/completions``, ``/completions`` and ``/embeddings``.

    Endpoints with equal ones share a connection pool within a router.

    name: in reports. Default ``openai-compatible``.
    url: base URL of endpoints that give none. Default None: they must.
    cap: what the server calls the cap on an answer's length: ``max_tokens``, the default, or ``max_completion_tokens``.
    ignores: parameters that the server is known to pass over without a word. A request with one of them is refused
        there, as `Unsupported`, and may go elsewhere. Default: none.
    operations: what the server can do; at least one. Default: everything.
    connections: how they are made and kept. Default `Connections()`.
    max_frame_bytes: the longest event of a stream, at least 1024. Default 1 MiB. A longer one is a `MalformedAnswer`.
    max_answer_bytes: the longest answer in one piece, at least 1024. Default 32 MiB. Embeddings, which may be of
        thousands of texts, may have eight times as many.
    """

    hints: ClassVar[frozenset[str]] = ANTHROPICS
    """What is left out of requests: it means something to other vendors, and asks for nothing here."""

    name: str = attrs.field(default="openai-compatible", validator=check.named)
    url: str | None = attrs.field(default=None, validator=check.if_given(check.named))
    cap: str = attrs.field(default=CAPS[0], validator=cap_name)
    ignores: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    operations: frozenset[Operation] = attrs.field(default=EVERY_OPERATION, converter=_operations)
    connections: Connections = attrs.field(factory=Connections, validator=check.one_of(Connections))
    max_frame_bytes: int = attrs.field(default=DEFAULT_MAX_FRAME_BYTES, validator=check.count(1024))
    max_answer_bytes: int = attrs.field(default=32 << 20, validator=check.count(1024))

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint without a usable url, or with headers that cannot be sent.

        Raises:
            ConfigurationError: saying what to mend.
        """
        check_address(endpoint, self._address)

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """A connection pool for one router on the running loop; closed on leaving."""
        chat = self._dialect()
        completion = attrs.evolve(
            chat,
            address=partial(self._address_beside, "completions"),
            encode=partial(encode_completion, ignored=self.ignores),
            reader=partial(ChatAnswer, decode=decode_text, decode_served=decode_text),
        )
        embedding = attrs.evolve(
            chat,
            address=partial(self._address_beside, "embeddings"),
            encode=encode_embedding,
            reader=EmbeddingAnswer,
        )
        others = {Operation.COMPLETION: completion, Operation.EMBEDDING: embedding}
        return open_clients(chat, others, self, clock)

    def _dialect(self) -> Dialect:
        return Dialect(
            address=self._address,
            encode=partial(encode_request, cap=self.cap, ignored=self.ignores, hints=self.hints),
            reader=ChatAnswer,
            request_id="x-request-id",
        )

    def _address(self, endpoint: Endpoint, key: Secret | None) -> Address:
        return address_of(endpoint, key, self.url)

    def _address_beside(self, path: str, endpoint: Endpoint, key: Secret | None) -> Address:
        return beside_chat(self._address(endpoint, key), path)
