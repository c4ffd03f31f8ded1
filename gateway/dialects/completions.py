"""OpenAI's completions, as they were before chat: ``POST /v1/completions``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import msgspec

from .completions_body import read_completion
from .completions_form import Text, TextChoice, logprobs_from, starts_at
from .completions_stream import TextWriter, is_text_frame
from .dialect import Reply
from .made_here import drawn_id, model_of, seconds_now
from .openai_error import error_reply
from .openai_form import tokens_of

if TYPE_CHECKING:
    from ...router import Answer
    from ...router.errors import PacelineError
    from .dialect import Asked

_encode = msgspec.json.Encoder().encode


def _new_id() -> str:
    return drawn_id("cmpl")


@attrs.frozen
class Completions:
    """A `Dialect`: ``POST /v1/completions``. new_id, now: as of `OpenAI`."""

    new_id: Callable[[], str] = _new_id
    now: Callable[[], int] = seconds_now

    def read(self, body: bytes, /) -> Asked:
        """What a body asks for.

        Raises:
            InvalidRequest: saying what is wrong with it.
        """
        return read_completion(body)

    def passes(self, body: bytes, /) -> bool:
        """Whether a vendor's whole answer is in this form already, so that it can go out as it is."""
        return is_text_frame(body)

    def whole(self, asked: Asked, answer: Answer, /) -> Reply:
        """An answer in one piece."""
        begins = starts_at(asked.request)
        choices = [TextChoice(answer.text, 0, logprobs_from(answer.logprobs, begins), answer.finish_reason)]
        choices += [
            TextChoice(other.text, other.index, logprobs_from(other.logprobs, begins), other.finish_reason)
            for other in answer.others
        ]
        usage = tokens_of(answer.usage)
        text = Text(self.new_id(), self.now(), model_of(answer), choices, msgspec.UNSET if usage is None else usage)
        return Reply(body=_encode(text))

    def writer(self, asked: Asked, /) -> TextWriter:
        """For an answer as it comes."""
        return TextWriter(asked, self.new_id(), self.now())

    def error(self, error: PacelineError, /) -> Reply:
        """What went wrong before anything was sent."""
        return error_reply(error)
