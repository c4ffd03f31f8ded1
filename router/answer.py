"""A whole answer, with the story of how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import msgspec

from .chunk import Usage

if TYPE_CHECKING:
    from .call import Call
    from .chunk import Chunk
    from .ledger import Attempt, Decision, Ledger, ModelLeft


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call of an answer, put together. ``arguments`` is the JSON text the model wrote."""

    id: str
    name: str
    arguments: str


@attrs.frozen(kw_only=True)
class Answer:
    """What came of a call. Times are seconds as the caller saw them, queueing, retries and fallbacks included.

    text, reasoning, refusal: never shown in a repr. tool_calls: in order of their index.
    finish_reason: the vendor's; None if it closed with its end marker but gave no reason.
    usage: tokens; fields the vendor did not report are None. Of a resumed answer, those of all its legs.
    endpoint, model, region: who served it.
    fallbacks: models that were left for another, in order, with the reason; empty if the first one answered.
    retries: the reason of each retry, one word each.
    attempts: every try, with its timings. decisions: every decision, with its reason.
    ttft_s: to the first progress, None for an answer without any. total_s: to the end.
    """

    text: str = attrs.field(repr=False)
    reasoning: str = attrs.field(default="", repr=False)
    refusal: str = attrs.field(default="", repr=False)
    tool_calls: tuple[ToolCall, ...] = attrs.field(default=(), repr=False)
    finish_reason: str | None
    usage: Usage
    endpoint: str
    model: str
    region: str
    fallbacks: tuple[ModelLeft, ...]
    retries: tuple[str, ...]
    attempts: tuple[Attempt, ...] = attrs.field(repr=False)
    decisions: tuple[Decision, ...] = attrs.field(repr=False)
    ttft_s: float | None
    total_s: float

    @property
    def fell_back(self) -> bool:
        """Whether another model than the first of the route served it."""
        return bool(self.fallbacks)

    def story(self) -> str:
        """Every decision and attempt in words, a line each, in order of time."""
        lines = [(decision.at_s, str(decision)) for decision in self.decisions]
        lines += [(attempt.sent_s, f"attempt {attempt}") for attempt in self.attempts]
        return "\n".join(line for _, line in sorted(lines, key=lambda pair: pair[0]))


class Collector:
    """The ``emit`` that keeps an answer's pieces until it is whole."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, ToolCall] = {}
        self._usage: Usage | None = None

    def _discard(self) -> None:
        for pieces in (self._text, self._reasoning, self._refusal, self._calls):
            pieces.clear()
        self._usage = None

    async def emit(self, chunk: Chunk) -> None:
        """Take one chunk."""
        self.add(chunk)

    def add(self, chunk: Chunk) -> None:
        """Take one chunk; one that says discard voids those before it."""
        if chunk.discard:
            self._discard()
        if chunk.usage is not None:
            self._usage = chunk.usage
        if chunk.text:
            self._text.append(chunk.text)
        if chunk.reasoning:
            self._reasoning.append(chunk.reasoning)
        if chunk.refusal:
            self._refusal.append(chunk.refusal)
        for delta in chunk.tool_calls:
            known = self._calls.get(delta.index, _NO_CALL)
            self._calls[delta.index] = ToolCall(
                id=delta.id or known.id,
                name=delta.name or known.name,
                arguments=known.arguments + delta.arguments,
            )

    def answer(self, call: Call) -> Answer:
        """The answer of a call that has been answered."""
        ledger: Ledger = call.ledger
        attempt = ledger.answered_by
        if attempt is None or attempt.finished_s is None:
            raise RuntimeError("the call has not been answered")
        endpoint, first_s = attempt.endpoint, ledger.spoke_s(attempt)
        return Answer(
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            refusal="".join(self._refusal),
            tool_calls=tuple(self._calls[index] for index in sorted(self._calls)),
            finish_reason=attempt.finish_reason,
            usage=self._usage or attempt.usage or Usage(),
            endpoint=endpoint.name,
            model=endpoint.model,
            region=endpoint.region,
            fallbacks=tuple(ledger.models_left),
            retries=tuple(ledger.retries),
            attempts=tuple(ledger.attempts),
            decisions=tuple(ledger.decisions),
            ttft_s=None if first_s is None else first_s - ledger.began_s,
            total_s=attempt.finished_s - ledger.began_s,
        )


_NO_CALL = ToolCall(id="", name="", arguments="")
