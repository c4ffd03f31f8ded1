"""What a form of the API has to do: read what is asked, and write answers, streams and errors.

It turns bytes into a `Request` and chunks into bytes, and knows nothing of HTTP servers; `serve` knows no form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    from ...router import Answer, Chunk, Request
    from ...router.errors import PacelineError


@attrs.frozen(kw_only=True, slots=False)
class Asked:
    """What a body asks for.

    request: for the router, but for what the headers say (budget, route, residency, user), which `serve` adds.
    streamed: whether the client wants events. body: as it was decoded, for what only the dialect knows of.
    """

    request: Request
    streamed: bool
    body: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Reply:
    """A whole answer, or an error, as it goes out. Always JSON; ``headers`` are beyond the content type."""

    status: int = 200
    body: bytes = attrs.field(repr=False)
    headers: Mapping[str, str] = {}


class Writer(Protocol):
    """Writes one stream. Each method gives the bytes to send now, framed as server-sent events; empty is nothing."""

    def introduce(self, model: str, service_tier: str | None, /) -> None:
        """Who speaks, told before the first chunk, if at all.

        model: in the vendor's words, where it told them. service_tier: None where it did not.
        """
        ...

    def chunk(self, chunk: Chunk, /) -> bytes:
        """A piece of the answer."""
        ...

    def end(self) -> bytes:
        """The answer is complete."""
        ...

    def broken(self, error: PacelineError, /) -> bytes:
        """It broke off after it had begun: an error event in the API's form, and no end marker."""
        ...


class Dialect(Protocol):
    """One form of the API."""

    def read(self, body: bytes, /) -> Asked:
        """What a body asks for.

        Raises:
            InvalidRequest: saying what is wrong with it. Never another error, whatever the bytes.
        """
        ...

    def whole(self, asked: Asked, answer: Answer, /) -> Reply:
        """An answer in one piece."""
        ...

    def writer(self, asked: Asked, /) -> Writer:
        """For an answer as it comes."""
        ...

    def error(self, error: PacelineError, /) -> Reply:
        """What went wrong before anything was sent, with the status, Retry-After and what else clients heed."""
        ...
