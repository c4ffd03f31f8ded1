"""Anthropic's form of the API: messages.

Requests become those of OpenAI's form, in which Paceline speaks to every vendor, and answers come back from it. Where
an endpoint is Anthropic's own the adapter (`providers.Anthropic`) undoes the first and did the second, and nothing that
was asked is lost between the two: what OpenAI's form has no word for travels in it as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import msgspec

from .anthropic_betas import betas_in
from .anthropic_body import read_body
from .anthropic_error import error_reply
from .anthropic_form import message_of
from .anthropic_stream import AnthropicWriter
from .dialect import Reply

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from ...router import Answer, Request
    from ...router.errors import PacelineError
    from .dialect import Asked

_encode = msgspec.json.Encoder().encode


class _Whole(msgspec.Struct, frozen=True, tag="message"):
    content: list[msgspec.Raw]


_decode_whole = msgspec.json.Decoder(_Whole).decode


def _new_id() -> str:
    return f"msg_{secrets.token_hex(12)}"


@attrs.frozen(kw_only=True)
class Anthropic:
    """A `Dialect`: ``POST /v1/messages``.

    new_id: what answers are called. Default: drawn at random.
    """

    new_id: Callable[[], str] = _new_id

    def read(self, body: bytes, /) -> Asked:
        """What a body asks for.

        Raises:
            InvalidRequest: saying what is wrong with it.
        """
        return read_body(body)

    def heed(self, request: Request, headers: CIMultiDictProxy[str], /) -> Request:
        """*request*, and the betas that its headers ask for: an endpoint of Anthropic's is asked for them, too.

        Raises:
            Mistake: they are no names, or too many.
        """
        betas = betas_in(headers)
        return attrs.evolve(request, params={**request.params, "betas": betas}) if betas else request

    def passes(self, body: bytes, /) -> bool:
        """Whether a vendor's whole answer is in this form already, so that it can go out as it is."""
        try:
            _decode_whole(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    def whole(self, asked: Asked, answer: Answer, /) -> Reply:
        """An answer in one piece."""
        del asked
        return Reply(body=_encode(message_of(answer, self.new_id())))

    def writer(self, asked: Asked, /) -> AnthropicWriter:
        """For an answer as it comes."""
        return AnthropicWriter(asked, self.new_id())

    def error(self, error: PacelineError, /) -> Reply:
        """What went wrong before anything was sent."""
        return error_reply(error)
