"""Several answers to one question (``n`` above 1), as their frames come interleaved.

Each frame becomes one chunk: what it says of the first answer is the chunk itself, what it says of the others goes
along. The call is over when all of them have ended, so the chunk that ends the last of them carries the finish reason
(the first answer's), though the first may have ended long before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.chunk import ChoiceDelta, Chunk
from .openai_chunk import CallNumbers, logprobs_of, reasoning_in, tool_calls_of, usage_of

if TYPE_CHECKING:
    from .openai_wire import Choice, Frame

GAVE_UP = "error"
"""OpenRouter's finish reason of an answer that failed."""


class Choices:
    """What has come of them.

    asked: how many were asked for, at least 2.
    """

    __slots__ = ("_asked", "_ended", "_numbers")

    def __init__(self, asked: int) -> None:
        self._asked = asked
        self._ended: dict[int, str] = {}
        self._numbers: dict[int, CallNumbers] = {}

    @property
    def missing(self) -> int:
        """How many have not ended."""
        return self._asked - sum(index < self._asked for index in self._ended)

    def chunk(self, frame: Frame, raw: bytes) -> Chunk:
        """What *frame* says. *raw*: its bytes as they came."""
        missing = self.missing
        pieces = [self._piece(choice) for choice in frame.choices or ()]
        finish_reason = None
        if any(piece.finish_reason == GAVE_UP for piece in pieces):
            finish_reason = GAVE_UP
        elif missing and not self.missing:
            finish_reason = self._ended[0]
        first = next((piece for piece in pieces if piece.index == 0), None) or ChoiceDelta(index=0)
        return Chunk(
            first.text,
            first.reasoning,
            first.refusal,
            first.tool_calls,
            finish_reason,
            None if frame.usage is None else usage_of(frame.usage),
            raw,
            logprobs=first.logprobs,
            others=tuple(piece for piece in pieces if piece.index > 0),
        )

    def _piece(self, choice: Choice) -> ChoiceDelta:
        index = choice.index or 0
        if choice.finish_reason:
            self._ended[index] = choice.finish_reason
        delta = choice.delta or choice.message
        logprobs = None if choice.logprobs is None else logprobs_of(choice)
        finish_reason = choice.finish_reason or None
        if delta is None:
            return ChoiceDelta(index=index, finish_reason=finish_reason, logprobs=logprobs)
        numbers = self._numbers.setdefault(index, CallNumbers())
        return ChoiceDelta(
            index=index,
            text=delta.content or "",
            reasoning=delta.reasoning_content or delta.reasoning or reasoning_in(delta.reasoning_details or []),
            refusal=delta.refusal or "",
            tool_calls=tool_calls_of(delta, numbers) if delta.tool_calls or delta.function_call else (),
            finish_reason=finish_reason,
            logprobs=logprobs,
        )
