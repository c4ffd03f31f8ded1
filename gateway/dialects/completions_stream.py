"""A stream of OpenAI's completions. What a vendor said in this form goes out as the bytes it came in, as in a chat.

A frame is made anew for the same three reasons as there: it came from no wire, or was changed on its way; it tells the
tokens, and this client did not ask for them; or what the client has is void (`policies.Restart`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .completions_form import Text, TextChoice, logprobs_from, starts_at
from .openai_error import error_body
from .openai_fields import decoded, wants_usage
from .openai_form import tokens_of
from .openai_stream import in_lines
from .refused import Mistake

if TYPE_CHECKING:
    from ...router import ChoiceDelta, Chunk, Usage
    from ...router.errors import PacelineError
    from .completions_form import Json
    from .dialect import Asked
    from .openai_form import Tokens

DONE = b"data: [DONE]\n\n"
DISCARD = b"event: paceline.discard\n"

_encode = msgspec.json.Encoder().encode


class TextWriter:
    """Writes one stream.

    asked: what it answers. id, created: for frames that are made here.
    """

    __slots__ = ("_begins", "_created", "_id", "_model", "_offsets", "_usage", "_usage_told", "_wants_usage")

    def __init__(self, asked: Asked, id: str, created: int) -> None:
        self._id = id
        self._created = created
        self._model = asked.request.model or asked.request.route or ""
        self._wants_usage = wants_usage(asked.body)
        self._begins = starts_at(asked.request)
        self._offsets: dict[int, int] = {}
        """Where each of the texts has got to."""
        self._usage: Usage | None = None
        self._usage_told = False

    def introduce(self, model: str, service_tier: str | None, /) -> None:
        """Who speaks."""
        del service_tier  # there is no word for it here
        self._model = model

    def chunk(self, chunk: Chunk) -> bytes:
        """A piece of the answer."""
        if chunk.discard:
            self._offsets.clear()
            self._usage, self._usage_told = None, False
            return DISCARD + self._framed([], paceline={"discard": True})
        if chunk.usage is not None:
            self._usage = chunk.usage
        raw = chunk.raw
        if raw and is_text_frame(raw):
            if chunk.usage is None or self._wants_usage:
                self._usage_told = chunk.usage is not None
                return in_lines(raw, chunk.pieces)
            return _without_usage(raw)
        choices = [self._choice(0, chunk), *(self._choice(other.index, other) for other in chunk.others)]
        said = [choice for choice in choices if choice.text or choice.finish_reason or choice.logprobs]
        return self._framed(said) if said else b""

    def end(self) -> bytes:
        """The answer is complete."""
        last = b""
        if self._wants_usage and not self._usage_told:
            last = self._framed([], usage=tokens_of(self._usage))
        return last + DONE

    def broken(self, error: PacelineError) -> bytes:
        """It broke off."""
        return b"data: %b\n\n" % error_body(error)

    def _choice(self, index: int, piece: Chunk | ChoiceDelta) -> TextChoice:
        begins = self._offsets.get(index, self._begins)
        self._offsets[index] = begins + len(piece.text)
        return TextChoice(piece.text, index, logprobs_from(piece.logprobs, begins), piece.finish_reason)

    def _framed(
        self,
        choices: list[TextChoice],
        *,
        usage: Tokens | None = None,
        paceline: Json | msgspec.UnsetType = msgspec.UNSET,
    ) -> bytes:
        shown = usage if self._wants_usage else msgspec.UNSET
        return b"data: %b\n\n" % _encode(Text(self._id, self._created, self._model, choices, shown, paceline=paceline))


def is_text_frame(raw: bytes) -> bool:
    """Whether a vendor's JSON is in this form, and not in that of a chat. Within a text, quotes are escaped."""
    return b'"choices"' in raw and b'"delta"' not in raw and b'"message"' not in raw


def _without_usage(raw: bytes) -> bytes:
    """A frame that tells the tokens, for a client who did not ask; nothing, if it tells nothing else."""
    try:
        fields = decoded(raw)
    except Mistake:
        return in_lines(raw)  # it was read as a frame before; whatever it is, it is the vendor's
    fields.pop("usage", None)
    return b"data: %b\n\n" % _encode(fields) if fields.get("choices") else b""
