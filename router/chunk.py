"""One piece of an answer, and what the answer cost in tokens.

These two are made by the hundred for every call, so they are structs of msgspec (0.05 µs to make) where everything a
person builds is of attrs (0.5 µs, validated).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens as the vendor bills them. None: the vendor did not say.

    input_tokens: the whole prompt, cached part included.
    cached_tokens: the part of it read from the vendor's prompt cache.
    output_tokens: the whole answer, reasoning included.
    reasoning_tokens: the part of it that is reasoning.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment of a tool call. ``id`` and ``name`` come with its first fragment; ``arguments`` are to be joined."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


ToolCalls: TypeAlias = tuple[ToolCallDelta, ...]


class Chunk(msgspec.Struct, frozen=True):
    """One piece of an answer. A chunk is not a token: vendors send from none to many tokens in one.

    text, reasoning, refusal: what this piece adds; empty when it adds nothing.
    tool_calls: fragments of tool calls.
    finish_reason: set on the piece that ends the answer.
    usage: tokens so far; cumulative, the last one counts.
    raw: the vendor's own bytes of this piece, for passing on without encoding again; empty when made here.
    discard: the pieces so far are void and the answer begins anew. Only sent to a caller who takes the answer whole,
        or whose route restarts what breaks off (`policies.Resume`).
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: ToolCalls = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    raw: bytes = b""
    discard: bool = False

    @property
    def is_progress(self) -> bool:
        """Whether a person sees more than before: non-empty text, reasoning, refusal or tool call.

        The first progress commits the answer. Role-only frames, empty choices and usage are not progress.
        """
        return bool(self.text or self.reasoning or self.refusal or self.tool_calls)

    def __repr__(self) -> str:
        """Sizes, never content: an answer must not reach a log by accident."""
        sizes = {"text": len(self.text), "reasoning": len(self.reasoning), "refusal": len(self.refusal)}
        shown = ", ".join(f"{name}={size} chars" for name, size in sizes.items() if size)
        end = f"finish_reason={self.finish_reason!r}" if self.finish_reason else ""
        return f"Chunk({', '.join(part for part in (shown, end) if part)})"


DISCARD = Chunk(discard=True)
