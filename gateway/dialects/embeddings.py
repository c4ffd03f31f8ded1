"""OpenAI's embeddings: ``POST /v1/embeddings``.

OpenAI's own client asks for ``base64`` unless it is told otherwise, and makes numbers of it. A vendor's vectors go out
as they came; only those from no wire are written here, in the form that was asked for.
"""

from __future__ import annotations

import sys
from array import array
from binascii import b2a_base64
from typing import TYPE_CHECKING, NoReturn

import attrs
import msgspec

from ...router import Operation
from .completions_body import request_of
from .dialect import Asked, Reply
from .made_here import model_of
from .openai_error import error_reply
from .openai_fields import decoded, flag_in, text_in
from .refused import Mistake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router import Answer, Vector
    from ...router.errors import PacelineError

OURS = frozenset({"model", "input", "stream"})
"""Fields that are not handed on among the parameters."""

_encode = msgspec.json.Encoder().encode


class _Embedding(msgspec.Struct, frozen=True):
    index: int
    embedding: str | Sequence[float]
    object: str = "embedding"


class _Tokens(msgspec.Struct, frozen=True):
    prompt_tokens: int
    total_tokens: int


class _Embeddings(msgspec.Struct, frozen=True):
    data: list[_Embedding]
    model: str
    usage: _Tokens
    object: str = "list"


@attrs.frozen
class Embeddings:
    """A `Dialect`: ``POST /v1/embeddings``."""

    def read(self, body: bytes, /) -> Asked:
        """What a body asks for.

        Raises:
            InvalidRequest: saying what is wrong with it, never what is in it.
        """
        fields = decoded(body)
        if flag_in(fields, "stream"):
            raise Mistake("embeddings come all at once: leave out stream", param="stream")
        request = request_of(
            "input",
            operation=Operation.EMBEDDING,
            prompt=fields.get("input"),
            model=text_in(fields, "model"),
            user=text_in(fields, "user"),
            stream=True,
            params={name: value for name, value in fields.items() if name not in OURS},
        )
        return Asked(request=request, streamed=False, body=fields)

    def passes(self, body: bytes, /) -> bool:
        """Whether a vendor's answer is in this form already, so that it can go out as it is."""
        return b'"data"' in body and b'"embedding"' in body

    def whole(self, asked: Asked, answer: Answer, /) -> Reply:
        """An answer in one piece."""
        written = _in_base64 if asked.body.get("encoding_format") == "base64" else _in_numbers
        data = [_Embedding(index, written(vector)) for index, vector in enumerate(answer.embeddings)]
        tokens = answer.usage.input_tokens or 0
        return Reply(body=_encode(_Embeddings(data, model_of(answer), _Tokens(tokens, tokens))))

    def writer(self, asked: Asked, /) -> NoReturn:
        """There is none: nobody is asked for embeddings as a stream."""
        raise NotImplementedError

    def error(self, error: PacelineError, /) -> Reply:
        """What went wrong before anything was sent."""
        return error_reply(error)


def _in_numbers(vector: Vector) -> Sequence[float]:
    return list(vector)


def _in_base64(vector: Vector) -> str:
    """Its numbers as 32-bit floats, little end first."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b2a_base64(floats, newline=False).decode("ascii")
