"""The pieces of one answer, kept by kind until it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from .chunk import Logprobs, TokenLogprob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .chunk import ChoiceDelta, Chunk, ToolCallDelta, ToolCalls

T = TypeVar("T")


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call of an answer, put together.

    arguments: the JSON text the model wrote; of a ``custom`` tool, whatever it takes.
    type: ``function`` or ``custom``; ``function_call`` in the old form, which knows one call and no id.
    """

    id: str
    name: str
    arguments: str
    type: str = "function"

    def form(self) -> dict[str, object]:
        """As in an assistant's message of OpenAI's form."""
        if self.type == "custom":
            return {"id": self.id, "type": "custom", "custom": {"name": self.name, "input": self.arguments}}
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


class Pieces:
    """What has come of one answer. Each list holds pieces in the order they came.

    Most answers are text and nothing else, so the other lists are made when there is something to put into them.
    """

    __slots__ = ("_calls", "_logprobs", "_reasoning", "_refusal", "_text", "finish_reason", "thinking_blocks")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] | None = None
        self._refusal: list[str] | None = None
        self._calls: dict[int, _Fragments] | None = None
        self._logprobs: list[Logprobs] | None = None
        self.finish_reason: str | None = None
        self.thinking_blocks: tuple[Mapping[str, object], ...] = ()

    def add(self, piece: Chunk | ChoiceDelta) -> None:
        """Take one."""
        if piece.text:
            self._text.append(piece.text)
        if piece.reasoning:
            self._reasoning = _kept(self._reasoning, piece.reasoning)
        if piece.refusal:
            self._refusal = _kept(self._refusal, piece.refusal)
        if piece.tool_calls:
            self._add_calls(piece.tool_calls)
        if piece.logprobs is not None:
            self._logprobs = _kept(self._logprobs, piece.logprobs)
        if piece.finish_reason is not None:
            self.finish_reason = piece.finish_reason

    def _add_calls(self, deltas: ToolCalls) -> None:
        if self._calls is None:
            self._calls = {}
        for delta in deltas:
            fragments = self._calls.get(delta.index)
            if fragments is None:
                fragments = self._calls[delta.index] = _Fragments()
            fragments.add(delta)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """All of it."""
        return "".join(self._reasoning) if self._reasoning else ""

    @property
    def refusal(self) -> str:
        """All of it."""
        return "".join(self._refusal) if self._refusal else ""

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """In order of their index."""
        calls = self._calls
        return tuple(calls[index].call() for index in sorted(calls)) if calls else ()

    @property
    def logprobs(self) -> Logprobs | None:
        """Of all tokens; None if none were told."""
        if self._logprobs is None:
            return None
        return Logprobs(
            content=_joined([told.content for told in self._logprobs]),
            refusal=_joined([told.refusal for told in self._logprobs]),
        )


class _Fragments:
    """Of one tool call. What names it is told once, mostly; where it is told again, the last word counts."""

    __slots__ = ("_arguments", "_id", "_name", "_type")

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._type = "function"
        self._arguments: list[str] = []

    def add(self, delta: ToolCallDelta) -> None:
        self._id = delta.id or self._id
        self._name = delta.name or self._name
        self._type = delta.type or self._type
        if delta.arguments:
            self._arguments.append(delta.arguments)

    def call(self) -> ToolCall:
        return ToolCall(id=self._id, name=self._name, arguments="".join(self._arguments), type=self._type)


def _kept(pieces: list[T] | None, piece: T) -> list[T]:
    """*pieces* and one more; a list of it where there were none."""
    if pieces is None:
        return [piece]
    pieces.append(piece)
    return pieces


def _joined(told: list[tuple[TokenLogprob, ...] | None]) -> tuple[TokenLogprob, ...] | None:
    tokens = [part for part in told if part is not None]
    return tuple(token for part in tokens for token in part) if tokens else None
