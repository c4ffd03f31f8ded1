"""OpenAI's form of the API: chat completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import msgspec

from .dialect import Reply
from .made_here import drawn_id, model_of, seconds_now
from .openai_body import read_body
from .openai_error import error_reply
from .openai_form import Completion, SaidChoice, message_of, tokens_of
from .openai_stream import OpenAIWriter

if TYPE_CHECKING:
    from ...router import Answer
    from ...router.errors import PacelineError
    from .dialect import Asked

_encode = msgspec.json.Encoder().encode


class _WholeChoice(msgspec.Struct, frozen=True):
    message: msgspec.Raw


class _Whole(msgspec.Struct, frozen=True):
    choices: list[_WholeChoice]


_decode_whole = msgspec.json.Decoder(_Whole).decode


def _new_id() -> str:
    return drawn_id("chatcmpl")


@attrs.frozen(kw_only=True)
class OpenAI:
    """A `Dialect`: ``POST /v1/chat/completions``.

    new_id, now: what answers that are made here are called, and when they were made, in seconds since 1970. Default:
    drawn at random, and by the calendar.
    """

    new_id: Callable[[], str] = _new_id
    now: Callable[[], int] = seconds_now

    def read(self, body: bytes, /) -> Asked:
        """What a body asks for.

        Raises:
            InvalidRequest: saying what is wrong with it.
        """
        return read_body(body)

    def passes(self, body: bytes, /) -> bool:
        """Whether a vendor's whole answer is in this form already, so that it can go out as it is."""
        try:
            return bool(_decode_whole(body).choices)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False

    def whole(self, asked: Asked, answer: Answer, /) -> Reply:
        """An answer in one piece."""
        del asked
        calls, blocks = answer.tool_calls, answer.thinking_blocks
        message = message_of(answer.text, answer.reasoning, answer.refusal, calls, blocks)
        choices = [SaidChoice(0, message, answer.logprobs, answer.finish_reason)]
        for other in answer.others:
            message = message_of(other.text, other.reasoning, other.refusal, other.tool_calls)
            choices.append(SaidChoice(other.index, message, other.logprobs, other.finish_reason))
        completion = Completion(self.new_id(), self.now(), model_of(answer), choices, tokens_of(answer.usage))
        if answer.service_tier is not None:
            completion.service_tier = answer.service_tier
        return Reply(body=_encode(completion))

    def writer(self, asked: Asked, /) -> OpenAIWriter:
        """For an answer as it comes."""
        return OpenAIWriter(asked, self.new_id(), self.now())

    def error(self, error: PacelineError, /) -> Reply:
        """What went wrong before anything was sent."""
        return error_reply(error)
