"""OpenAI's embeddings: texts go in, and a vector for each comes out, all in one piece.

What came is looked through before it passes for an answer: as many vectors as there were texts, each a row of numbers.
A server that leaves one out would else put every later text in the place of another, and nobody would notice.

Source: OpenAI's API reference, "Create embeddings".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..router.chunk import Chunk, Usage
from ..router.errors import MalformedAnswer, TruncatedAnswer
from .error_body import NO_JSON, read_error
from .openai_answer import NO_ERROR
from .openai_completions import refuse_ours
from .openai_request import encoded
from .openai_vectors import NoVector, WireVector
from .openai_wire import NOTHING, Tokens
from .together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..router.call import Call
    from ..router.errors import AttemptFailed
    from ..router.ledger import Attempt
    from .error_body import VendorError
    from .sse import Event, Lines

OURS = frozenset({"model", "input", "stream", "messages"})
"""Parameters that the router sets, or that have no meaning here."""


def encode_embedding(call: Call) -> bytes:
    """The request's JSON, for the call's target.

    Raises:
        InvalidRequest: a parameter is not for a request to set, or something in it is no JSON. Nothing was sent.
    """
    request = call.request
    refuse_ours(request.params, OURS)
    return encoded({"model": call.target.endpoint.deployment, "input": request.prompt, **request.params})


class Item(msgspec.Struct, frozen=True, gc=False):
    """The embedding of one text. index: its place; some servers leave it out, and keep the order."""

    embedding: msgspec.Raw
    index: int | None = None


class Embeddings(msgspec.Struct, frozen=True, gc=False):
    """A list of them, or the error that came in its place."""

    data: list[Item] | None = None
    usage: Tokens | None = None
    model: str | None = None
    error: msgspec.Raw = NOTHING


_decode = msgspec.json.Decoder(Embeddings).decode


class EmbeddingAnswer:
    """What has come of one request. As `ChatAnswer`, but that it comes in one piece.

    attempt: gets the marks, and says how many texts there were. refused: makes the failure of an error in the answer.
    """

    __slots__ = ("_attempt", "_refused", "done")

    def __init__(self, attempt: Attempt, refused: Callable[[VendorError], AttemptFailed]) -> None:
        self._attempt = attempt
        self._refused = refused
        self.done = False

    def chunk(self, event: Event) -> Chunk | None:
        """Nothing of it comes as a stream.

        Raises:
            MalformedAnswer: always, but for what says nothing. AttemptFailed: the vendor reports a failure.
        """
        if event.name == b"error":
            raise self._refused(read_error(event.data))
        if not event.data:
            return None
        raise self._malformed("a stream in place of embeddings")

    def chunks(self, said: Lines | list[Event]) -> Iterator[Chunk]:
        """As `chunk`, of all that one read has brought."""
        return together(self, said, self._attempt)

    def whole(self, body: bytes) -> Chunk:
        """The chunk with all of them.

        Raises:
            TruncatedAnswer: there is nothing. MalformedAnswer: it is not the protocol.
            AttemptFailed: the vendor reports a failure.
        """
        body = body.strip()
        if not body:
            raise TruncatedAnswer("the body is empty", endpoint=self._attempt.endpoint.name)
        try:
            said = _decode(body)
        except NO_JSON as error:
            raise self._malformed(f"no embeddings: {error}") from None  # a place and a type, never a value
        if said.error is not NOTHING and (told := bytes(said.error)) not in NO_ERROR:
            raise self._refused(read_error(b'{"error":%b}' % told))
        self._attempt.served_model = said.model or self._attempt.served_model
        vectors = self._in_order(said.data or [])
        tokens = None if said.usage is None else said.usage.prompt_tokens
        return Chunk(raw=body, embeddings=vectors, usage=Usage(input_tokens=tokens, output_tokens=0))

    def end(self, unfinished: int) -> None:
        """A stream has ended that should not have been one.

        Raises:
            TruncatedAnswer: always.
        """
        del unfinished
        raise TruncatedAnswer("the stream ended without embeddings", endpoint=self._attempt.endpoint.name)

    def _in_order(self, items: list[Item]) -> tuple[WireVector, ...]:
        texts = self._attempt.choices
        places = [place if item.index is None else item.index for place, item in enumerate(items)]
        if sorted(places) != list(range(texts)):
            raise self._malformed(f"{len(items)} embeddings for {texts} texts, or not one for each")
        try:
            made = [WireVector(bytes(item.embedding)) for item in items]
        except NoVector as wrong:
            raise self._malformed(str(wrong)) from None
        if places != sorted(places):
            by_place = dict(zip(places, made, strict=True))
            made = [by_place[place] for place in range(texts)]
        return tuple(made)

    def _malformed(self, why: str) -> MalformedAnswer:
        return MalformedAnswer(why, endpoint=self._attempt.endpoint.name)
