"""What a caller has been given of an answer so far, over all the legs it took, and what those cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ..router.chunk import DISCARD, Usage
from ..router.request import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from ..router.chunk import Chunk
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit


class Said(msgspec.Struct):
    """The ``emit`` of a call that may be resumed, and its memory.

    passes_to: the caller's own ``emit``. pieces: of text, that the caller has. is_text_only: it has nothing else.
    leg_from: the first of them that is of this leg. spent: tokens of the legs before it.
    refused: what the caller's own ``emit`` raised; None: nothing.
    """

    passes_to: Emit
    pieces: list[str] = []
    is_text_only: bool = True
    leg_from: int = 0
    spent: Usage | None = None
    refused: Exception | None = None

    @property
    def characters(self) -> int:
        """Of text, that the caller has."""
        return sum(map(len, self.pieces))

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)

    async def emit(self, chunk: Chunk) -> None:
        """Pass a chunk on to the caller, and remember what it said."""
        if chunk.text:
            self.pieces.append(chunk.text)
        if chunk.reasoning or chunk.refusal or chunk.tool_calls:
            self.is_text_only = False
        if self.spent is not None and chunk.usage is not None:
            chunk = replace(chunk, usage=_sum(self.spent, chunk.usage), raw=b"")
        try:
            await self.passes_to(chunk)
        except Exception as error:
            self.refused = error
            raise

    async def begin_anew(self) -> None:
        """Tell the caller that all of it is void."""
        self.pieces.clear()
        self.leg_from = 0
        self.is_text_only = True
        await self.emit(DISCARD)

    def leg_broke_off(self, attempt: Attempt, prompt_tokens: int) -> Usage:
        """A leg is over before its answer is: add up what it cost. Gives its tokens.

        Vendors tell the tokens last, so where a stream broke off before that they are reckoned from what came.
        """
        usage = attempt.usage
        if usage is None or usage.input_tokens is None or usage.output_tokens is None:
            told, characters = usage or Usage(), sum(map(len, self.pieces[self.leg_from :]))
            usage = attempt.usage = Usage(
                input_tokens=prompt_tokens if told.input_tokens is None else told.input_tokens,
                output_tokens=told.output_tokens or -(-characters // CHARACTERS_PER_TOKEN),
                cached_tokens=told.cached_tokens,
                reasoning_tokens=told.reasoning_tokens,
            )
        self.spent = usage if self.spent is None else _sum(self.spent, usage)
        self.leg_from = len(self.pieces)
        return usage


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_tokens=_plus(one.input_tokens, other.input_tokens),
        output_tokens=_plus(one.output_tokens, other.output_tokens),
        cached_tokens=_plus(one.cached_tokens, other.cached_tokens),
        reasoning_tokens=_plus(one.reasoning_tokens, other.reasoning_tokens),
    )


def _plus(one: int | None, other: int | None) -> int | None:
    """What is not told of one leg is left out of the sum; what is told of none stays untold."""
    if one is None or other is None:
        return other if one is None else one
    return one + other
