"""One piece of an answer, and what the answer cost in tokens.

These two are made by the hundred for every call, so they are structs of msgspec (0.05 µs to make) where everything a
person builds is of attrs (0.5 µs, validated).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens as the vendor bills them. None: the vendor did not say.

    input_tokens: the whole prompt, cached part included.
    cached_tokens: the part of it read from the vendor's prompt cache.
    cache_write_tokens: the part of it written into that cache, where the vendor counts that.
    output_tokens: the whole answer, reasoning included.
    reasoning_tokens: the part of it that is reasoning.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment of a tool call. ``id``, ``name`` and ``type`` come with its first; ``arguments`` are to be joined.

    type: as for `answer.ToolCall`; None where the vendor leaves it out, as most fragments do.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    type: str | None = None


ToolCalls: TypeAlias = tuple[ToolCallDelta, ...]


class TokenLogprob(msgspec.Struct, frozen=True, kw_only=True):
    """One token, and how likely the model held it to be.

    token: its text, which may be a part of a character.
    logprob: natural logarithm of its probability, at most 0; None where it was too small to tell.
    bytes: its UTF-8; None where the vendor does not say.
    top_logprobs: the likeliest tokens in its place; None where they were not asked for.
    """

    token: str
    logprob: float | None = None
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple[TokenLogprob, ...] | None = None


class Logprobs(msgspec.Struct, frozen=True, kw_only=True):
    """Log-probabilities of a piece: of the tokens of its text, and of those of its refusal. None: there are none."""

    content: tuple[TokenLogprob, ...] | None = None
    refusal: tuple[TokenLogprob, ...] | None = None


class ChoiceDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of another answer to the same question, where several were asked for. Fields as in `Chunk`.

    index: which answer, from 1; the first is the chunk itself.
    """

    index: int
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: ToolCalls = ()
    finish_reason: str | None = None
    logprobs: Logprobs | None = None

    @property
    def is_progress(self) -> bool:
        """As `Chunk.is_progress`."""
        return bool(self.text or self.reasoning or self.refusal or self.tool_calls)

    def __repr__(self) -> str:
        """Its index, never content."""
        return f"ChoiceDelta(index={self.index})"


Vector: TypeAlias = Sequence[float]
"""The embedding of one text. An adapter may put off making its numbers until somebody looks at them."""


class Chunk(msgspec.Struct, frozen=True):
    """One piece of an answer. A chunk is not a token: vendors send from none to many tokens in one.

    Where several answers were asked for, a chunk is of the first one, and pieces of the others go along in ``others``:
    who does not look there has one answer, whole, and nothing is mixed up.

    text, reasoning, refusal: what this piece adds; empty when it adds nothing.
    tool_calls: fragments of tool calls.
    finish_reason: set on the piece that ends the answer; of several, on the piece that ends the last of them.
    usage: tokens so far; cumulative, the last one counts.
    raw: the vendor's own JSON of this piece, without the stream's ``data:`` around it, for passing on without encoding
        again, or the body of an answer in one piece. It holds also what has no field here, such as citations. Empty
        when made here. Of several pieces in one, the JSON of each on a line of its own.
    discard: the pieces so far are void and the answer begins anew. Only sent to a caller who takes the answer whole,
        or whose route restarts what breaks off (`policies.Resume`).
    logprobs: of this piece's tokens, where they were asked for.
    others: pieces of the other answers, where several were asked for.
    thinking_blocks: reasoning in the form in which the vendor wants it back, sealed, with the results of the tools it
        led to: for the ``thinking_blocks`` of the assistant's message. Says no more than ``reasoning`` does.
    embeddings: one for each text, in their order, all at once.
    pieces: how many of the vendor's it stands for. Those that came in one read and say nothing but text are one here:
        all of a read is there at the same moment, and handing it on costs as much for a word as for a page.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: ToolCalls = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    raw: bytes = b""
    discard: bool = False
    logprobs: Logprobs | None = None
    others: tuple[ChoiceDelta, ...] = ()
    thinking_blocks: tuple[Mapping[str, object], ...] = ()
    embeddings: tuple[Vector, ...] = ()
    pieces: int = 1

    @property
    def is_progress(self) -> bool:
        """Whether a person sees more than before: non-empty text, reasoning, refusal or tool call, or embeddings.

        The first progress commits the answer. Role-only frames, empty choices and usage are not progress.
        """
        if self.text or self.reasoning or self.refusal or self.tool_calls:
            return True
        if self.embeddings:
            return True
        return bool(self.others) and any(other.is_progress for other in self.others)

    def __repr__(self) -> str:
        """Sizes, never content: an answer must not reach a log by accident."""
        sizes = {"text": len(self.text), "reasoning": len(self.reasoning), "refusal": len(self.refusal)}
        shown = ", ".join(f"{name}={size} chars" for name, size in sizes.items() if size)
        end = f"finish_reason={self.finish_reason!r}" if self.finish_reason else ""
        return f"Chunk({', '.join(part for part in (shown, end) if part)})"


DISCARD = Chunk(discard=True)
