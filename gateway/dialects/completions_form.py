"""The shapes of OpenAI's completions, for those that are made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from .openai_form import Tokens

if TYPE_CHECKING:
    from ...router import Logprobs, Request

Json: TypeAlias = dict[str, object]


class TextLogprobs(msgspec.Struct, frozen=True):
    """Log-probabilities as lists of equal length. text_offset: where each token begins, counted from the prompt's."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float | None] | None]
    text_offset: list[int]


class TextChoice(msgspec.Struct, frozen=True):
    """One of the texts, or a piece of it."""

    text: str
    index: int
    logprobs: TextLogprobs | None = None
    finish_reason: str | None = None


class Text(msgspec.Struct, frozen=True):
    """A whole answer, or a piece of a stream.

    usage: of a stream, null on all but the last where the client asked for it; left out where it did not.
    paceline: what OpenAI's form has no word for.
    """

    id: str
    created: int
    model: str
    choices: list[TextChoice]
    usage: Tokens | UnsetType | None = UNSET
    object: str = "text_completion"
    paceline: Json | UnsetType = UNSET


def starts_at(request: Request) -> int:
    """Where what is written begins: behind the prompt, unless that comes along. Of tokens nobody knows how long."""
    prompt = request.prompt
    return 0 if request.params.get("echo") or not isinstance(prompt, str) else len(prompt)


def logprobs_from(told: Logprobs | None, begins: int) -> TextLogprobs | None:
    """Those of a piece that begins at an offset, in the older form; None where none were told."""
    tokens = () if told is None else told.content or ()
    if not tokens:
        return None
    offsets: list[int] = []
    for token in tokens:
        offsets.append(begins)
        begins += len(token.token)
    return TextLogprobs(
        tokens=[token.token for token in tokens],
        token_logprobs=[token.logprob for token in tokens],
        top_logprobs=[
            None if token.top_logprobs is None else {other.token: other.logprob for other in token.top_logprobs}
            for token in tokens
        ],
        text_offset=offsets,
    )
