"""A whole answer, with the story of how it came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import msgspec

from .chunk import Usage
from .pieces import Pieces, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .call import Call
    from .chunk import Chunk, Logprobs, Vector
    from .ledger import Attempt, Decision, Ledger, ModelLeft


@attrs.frozen(kw_only=True)
class Choice:
    """Another answer to the same question, where several were asked for. Fields as in `Answer`.

    index: which one, from 1; the first is the `Answer` itself.
    """

    index: int
    text: str = attrs.field(repr=False)
    reasoning: str = attrs.field(default="", repr=False)
    refusal: str = attrs.field(default="", repr=False)
    tool_calls: tuple[ToolCall, ...] = attrs.field(default=(), repr=False)
    finish_reason: str | None
    logprobs: Logprobs | None = attrs.field(default=None, repr=False)

    def message(self) -> dict[str, object]:
        """As `Answer.message`."""
        return _message(self)


class Answer(msgspec.Struct, frozen=True):
    """What came of a call. Times are seconds as the caller saw them, queueing, retries and fallbacks included.

    What a vendor says beyond this, such as citations, is in the chunks' raw bytes: take them by `Router.send`.

    text, reasoning, refusal: never shown in a repr. tool_calls: in order of their index.
    thinking_blocks: the reasoning as the vendor wants it back, with the results of the tools; see `Chunk`.
    finish_reason: the vendor's; None if it closed with its end marker but gave no reason.
    logprobs: of its tokens; None where they were not asked for.
    others: the other answers, where several were asked for (``n`` among the params), in order of their index.
    embeddings: of an `Operation.EMBEDDING`, one for each text, in their order; floats. Empty for everything else.
    usage: tokens, of all answers together; fields the vendor did not report are None. Of a resumed answer, those of all
        its legs.
    service_tier: the one that served it; None where the vendor does not say.
    endpoint, model, region: who served it.
    fallbacks: models that were left for another, in order, with the reason; empty if the first one answered.
    retries: the reason of each retry, one word each.
    attempts: every try, with its timings. decisions: every decision, with its reason.
    ttft_s: to the first progress, None for an answer without any. total_s: to the end.
    """

    text: str
    finish_reason: str | None
    usage: Usage
    endpoint: str
    model: str
    region: str
    fallbacks: tuple[ModelLeft, ...]
    retries: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    decisions: tuple[Decision, ...]
    ttft_s: float | None
    total_s: float
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    thinking_blocks: tuple[Mapping[str, object], ...] = ()
    logprobs: Logprobs | None = None
    others: tuple[Choice, ...] = ()
    embeddings: tuple[Vector, ...] = ()
    service_tier: str | None = None

    @property
    def fell_back(self) -> bool:
        """Whether another model than the first of the route served it."""
        return bool(self.fallbacks)

    def message(self) -> dict[str, object]:
        """The answer as an assistant's message in OpenAI's form, for the conversation to go on from.

        Reasoning is not in it, but for ``thinking_blocks``: most vendors do not want their models' back, and the one
        that does wants it sealed. Where a model of DeepSeek's or Moonshot's is to go on thinking after a tool's result,
        add it: ``{**answer.message(), "reasoning_content": answer.reasoning}``.
        """
        message = _message(self)
        return {**message, "thinking_blocks": list(self.thinking_blocks)} if self.thinking_blocks else message

    def __repr__(self) -> str:
        """How it came about, never content: an answer must not reach a log by accident."""
        return f"Answer({', '.join(f'{name}={getattr(self, name)!r}' for name in SHOWN)})"

    def story(self) -> str:
        """Every decision and attempt in words, a line each, in order of time."""
        lines = [(decision.at_s, str(decision)) for decision in self.decisions]
        lines += [(attempt.sent_s, f"attempt {attempt}") for attempt in self.attempts]
        return "\n".join(line for _, line in sorted(lines, key=lambda pair: pair[0]))


SHOWN = (
    "finish_reason", "usage", "service_tier", "endpoint", "model", "region", "fallbacks", "retries", "ttft_s", "total_s"
)  # fmt: skip
"""What the repr of an answer tells."""


class Collector:
    """The ``emit`` that keeps an answer's pieces until it is whole."""

    __slots__ = ("_embeddings", "_first", "_others", "_usage")

    def __init__(self) -> None:
        self._first = Pieces()
        self._others: dict[int, Pieces] | None = None
        self._embeddings: tuple[Vector, ...] = ()
        self._usage: Usage | None = None

    async def emit(self, chunk: Chunk) -> None:
        """Take one chunk."""
        if chunk.discard or chunk.others or chunk.thinking_blocks or chunk.usage is not None or chunk.embeddings:
            self.add(chunk)
        else:
            self._first.add(chunk)

    def add(self, chunk: Chunk) -> None:
        """Take one chunk; one that says discard voids those before it."""
        if chunk.discard:
            self._first = Pieces()
            self._others = None
            self._embeddings = ()
            self._usage = None
        if chunk.usage is not None:
            self._usage = chunk.usage
        self._first.add(chunk)
        if chunk.embeddings:
            self._embeddings = chunk.embeddings
        if chunk.thinking_blocks:
            self._first.thinking_blocks += chunk.thinking_blocks
        if not chunk.others:
            return
        if self._others is None:
            self._others = {}
        for piece in chunk.others:
            self._others.setdefault(piece.index, Pieces()).add(piece)

    def answer(self, call: Call) -> Answer:
        """The answer of a call that has been answered."""
        ledger: Ledger = call.ledger
        attempt = ledger.answered_by
        if attempt is None or attempt.finished_s is None:
            raise RuntimeError("the call has not been answered")
        endpoint, first_s = attempt.endpoint, ledger.spoke_s(attempt)
        first, others = self._first, self._others
        return Answer(  # by position: names would cost more than all fields
            first.text,
            attempt.finish_reason,
            self._usage or attempt.usage or Usage(),
            endpoint.name,
            endpoint.model,
            endpoint.region,
            tuple(ledger.models_left),
            tuple(ledger.retries),
            tuple(ledger.attempts),
            tuple(ledger.decisions),
            None if first_s is None else first_s - ledger.began_s,
            attempt.finished_s - ledger.began_s,
            first.reasoning,
            first.refusal,
            first.tool_calls,
            first.thinking_blocks,
            first.logprobs,
            tuple(_choice(index, others[index]) for index in sorted(others)) if others else (),
            self._embeddings,
            attempt.service_tier,
        )


def _choice(index: int, pieces: Pieces) -> Choice:
    return Choice(
        index=index,
        text=pieces.text,
        reasoning=pieces.reasoning,
        refusal=pieces.refusal,
        tool_calls=pieces.tool_calls,
        finish_reason=pieces.finish_reason,
        logprobs=pieces.logprobs,
    )


def _message(said: Answer | Choice) -> dict[str, object]:
    message: dict[str, object] = {"role": "assistant", "content": said.text or None}
    if said.refusal:
        message["refusal"] = said.refusal
    calls = said.tool_calls
    if calls and calls[0].type == "function_call":
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [call.form() for call in calls]
    return message
