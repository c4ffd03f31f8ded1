"""From a frame of chat completions to a chunk.

This runs for every piece of every answer, so what most frames do not have is asked for last, and costs one comparison
where it is not there.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from ..router.chunk import Chunk, Logprobs, TokenLogprob, ToolCallDelta, Usage
from .openai_wire import ToolCallFragment, VendorLogprobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .openai_wire import Choice, Delta, Frame, ReasoningDetail, Tokens


class CallNumbers:
    """Indexes of tool calls whose fragments have none.

    A fragment with an id not seen before, or with a name and no id, begins a call; one with neither goes on with the
    last. Where a frame has several such, each goes on with the call of its place.
    """

    __slots__ = ("_by_id", "_last")

    def __init__(self) -> None:
        self._by_id: dict[str, int] = {}
        self._last = -1

    def of(self, fragment: ToolCallFragment, place: int, together: int) -> int:
        """The index of *fragment*, which stands at *place* among *together* in its frame."""
        index, id_ = fragment.index, fragment.id
        if index is None:
            named = fragment.function or fragment.custom
            if id_:
                index = self._by_id.get(id_, self._last + 1)
            elif named is not None and named.name:
                index = self._last + 1
            else:
                index = place if together > 1 else max(0, self._last)
        if id_:
            self._by_id[id_] = index
        self._last = max(self._last, index)
        return index


def chunk_of(frame: Frame, raw: bytes = b"", numbers: CallNumbers | None = None) -> Chunk:
    """What *frame* says of the first answer. *raw*: its bytes as they came. *numbers*: of this answer's tool calls."""
    usage = None if frame.usage is None else usage_of(frame.usage)
    choices = frame.choices
    choice = choices[0] if choices else None
    if choice is not None and choice.index:  # hardly ever: the first answer mostly comes first
        choice = next((one for one in choices or () if not one.index), None)
    if choice is None:
        return Chunk("", "", "", (), None, usage, raw)
    finish_reason = choice.finish_reason or None
    if finish_reason is not None and usage is None and choice.usage is not None:
        usage = usage_of(choice.usage)
    delta = choice.delta or choice.message
    if delta is None:
        return Chunk("", "", "", (), finish_reason, usage, raw)
    return Chunk(
        delta.content or "",
        delta.reasoning_content
        or delta.reasoning
        or (reasoning_in(delta.reasoning_details) if delta.reasoning_details else ""),
        delta.refusal or "",
        tool_calls_of(delta, numbers or CallNumbers()) if delta.tool_calls or delta.function_call else (),
        finish_reason,
        usage,
        raw,
        False,  # noqa: FBT003  by position: names would cost more than all fields
        None if choice.logprobs is None else logprobs_of(choice),
    )


def tool_calls_of(delta: Delta, numbers: CallNumbers) -> tuple[ToolCallDelta, ...]:
    """Fragments in order; the old ``function_call`` is the only call there is."""
    if not delta.tool_calls:
        fragment = ToolCallFragment(index=0, type="function_call", function=delta.function_call)
        return (_delta_of(fragment, 0),)
    together = len(delta.tool_calls)
    return tuple(
        _delta_of(fragment, numbers.of(fragment, place, together)) for place, fragment in enumerate(delta.tool_calls)
    )


def _delta_of(fragment: ToolCallFragment, index: int) -> ToolCallDelta:
    function, custom = fragment.function, fragment.custom
    name = (function and function.name) or (custom and custom.name) or None
    arguments = (function and function.arguments) or (custom and custom.input) or ""
    return ToolCallDelta(
        index=index, id=fragment.id or None, name=name, arguments=arguments, type=fragment.type or None
    )


def reasoning_in(details: list[ReasoningDetail]) -> str:
    """What of them can be read."""
    return "".join(detail.text or detail.summary or "" for detail in details)


def logprobs_of(choice: Choice) -> Logprobs | None:
    """Log-probabilities, whichever way the vendor writes them; None where it wrote an empty form."""
    told = choice.logprobs
    if not isinstance(told, VendorLogprobs):
        text = choice.delta and choice.delta.content
        return Logprobs(content=(TokenLogprob(token=text, logprob=told),)) if text else None
    content = told.content
    if content is None and told.tokens and told.token_logprobs:
        content = tuple(_in_lists(told, told.tokens, told.token_logprobs))
    return None if content is None and told.refusal is None else Logprobs(content=content, refusal=told.refusal)


def _in_lists(told: VendorLogprobs, tokens: list[str], logprobs: list[float | None]) -> Iterator[TokenLogprob]:
    """The older form. Together gives one mapping of the likeliest where it gives one token."""
    likeliest = told.top_logprobs if isinstance(told.top_logprobs, list) else [told.top_logprobs]
    for token, logprob, others in zip_longest(tokens, logprobs, likeliest):
        if token is None:
            return
        instead = None if others is None else tuple(TokenLogprob(token=o, logprob=others[o]) for o in others)
        yield TokenLogprob(token=token, logprob=logprob, top_logprobs=instead)


def usage_of(tokens: Tokens) -> Usage | None:
    """None for a usage that says nothing: it must not take the place of one that did."""
    if tokens.prompt_tokens is None and tokens.completion_tokens is None:
        return None
    prompt, completion = tokens.prompt_tokens_details, tokens.completion_tokens_details
    cached = None if prompt is None else prompt.cached_tokens
    if cached is None:
        cached = tokens.cached_tokens if tokens.prompt_cache_hit_tokens is None else tokens.prompt_cache_hit_tokens
    return Usage(
        input_tokens=tokens.prompt_tokens,
        output_tokens=tokens.completion_tokens,
        cached_tokens=cached,
        cache_write_tokens=None if prompt is None else prompt.cache_write_tokens,
        reasoning_tokens=None if completion is None else completion.reasoning_tokens,
    )
