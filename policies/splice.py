"""Go on with an answer where it broke off, in the words of another endpoint.

The next model is given the question, what was said, and is asked for the rest. Some models go on in the middle of a
last message that is their own (a *prefill*); the others are told to repeat the last words and go on from there. How
the two texts are joined without losing or doubling a character is `join`'s.

Only plain text can be joined. An open tool call or a JSON schema has no place at which a half of one model and a half
of another make a whole; with several choices, or the probabilities of tokens, there is more than text to continue; and
a model that shows its reasoning would begin it anew.

Sources: Anthropic, "Prefill Claude's response"; that a prefill must not end in whitespace is its API's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.chunk import Chunk
from ..router.operation import Operation
from ..router.request import CHARACTERS_PER_TOKEN
from ..router.statistics.size_class import octave_of
from .join import Join, Unjoinable, anchor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..router.call import Call
    from ..router.request import Message, Request
    from .resumption import Leg
    from .said import Said

GO_ON = """\
Your answer was cut off in the middle by a technical fault. Please finish it. Begin your reply by repeating, character \
for character, the last words of what you wrote, which stand between the two lines below, and go straight on from \
there to the end of the answer. Do not greet, explain, apologise or quote, and do not start over.
-----
{anchor}
-----"""
"""What a model without prefill is asked. Its reply begins with the anchor, which is how its place is known."""

LONGEST_ANCHOR = 1000
"""Characters a model may be asked to repeat. Text whose last words need more to be told from those before is a table
or a loop, which no model copies reliably."""

NOT_PLAIN = frozenset(
    {
        "audio", "grammar", "guided_choice", "guided_grammar", "guided_json", "guided_regex", "logprobs",
        "structured_outputs",
    }
)  # fmt: skip
"""Parameters that make an answer more than text, or bind its form."""


def _models(given: object) -> frozenset[str]:
    return frozenset(check.names(given, "Splice: prefill"))


@attrs.frozen(kw_only=True)
class Splice:
    """Continue plain text where it broke off; what is not plain text ends in its error.

    prefill: models that go on exactly where a last message with role ``assistant`` ends, by the names that routes use.
        Default: none, and every model is asked to repeat the last words first. Name a model only if it does so to the
        letter: what it sends is then taken as it comes.

    An answer with a cap is continued under what is left of it, at four characters a token. Of a text completion any
    model is asked for what comes after its prompt and what was said.
    """

    prefill: frozenset[str] = attrs.field(default=frozenset[str](), converter=_models)

    @property
    def keeps(self) -> bool:
        """What was said is the beginning of the answer."""
        return True

    def hinders(self, call: Call, said: Said) -> str | None:
        """Why it cannot be continued."""
        if not said.is_text_only:
            return "there is more to it than text"
        hinders = _hinders_chat if call.request.operation is Operation.CHAT else _hinders_text
        return hinders(call.request)

    def leg(self, call: Call, said: Said) -> Leg:
        """The rest of the answer, by the model of the candidates.

        Raises:
            Unjoinable: its last words cannot be told from those before.
        """
        text = said.text
        if call.request.operation is Operation.COMPLETION:
            return _Rest(_asked_to_go_on(call, text), said, Join(text, prefilled=True))
        prefilled = call.target.model in self.prefill
        if not prefilled and len(anchor_of(text)) > LONGEST_ANCHOR:
            raise Unjoinable
        return _Rest(_asked_for_the_rest(call, text, prefilled=prefilled), said, Join(text, prefilled=prefilled))


class _Rest:
    """The rest of an answer, as it comes."""

    __slots__ = ("_join", "_said", "call")

    def __init__(self, call: Call, said: Said, join: Join) -> None:
        self.call = call
        self._said = said
        self._join = join

    async def emit(self, chunk: Chunk, /) -> None:
        """Pass on what is new.

        Raises:
            Unjoinable: nobody knows where it belongs.
        """
        join, text = self._join, chunk.text
        if not join.is_settled and (chunk.reasoning or chunk.refusal or chunk.tool_calls):
            raise Unjoinable
        if text:
            text = join.feed(text)
        if chunk.finish_reason is not None:
            text += join.end()
        if text != chunk.text:
            chunk = replace(chunk, text=text, raw=b"")
        if chunk.is_progress or chunk.finish_reason is not None or chunk.usage is not None:
            await self._said.emit(chunk)

    async def end(self) -> None:
        """Pass on what was held back, of an answer that ended with its end marker alone."""
        text = self._join.end()
        if text:
            await self._said.emit(Chunk(text))


def _hinders_chat(request: Request) -> str | None:
    """Why an answer cannot be continued by a model that is shown what was said."""
    params = request.params
    form = params.get("response_format")
    kind = cast("Mapping[str, object]", form).get("type") if isinstance(form, dict) else form
    if kind not in {None, "text"}:
        return f"its form is bound to {kind}"
    if params.get("n", 1) not in {None, 1}:
        return "there are several choices"
    for name in NOT_PLAIN:
        if params.get(name):
            return f"it was asked for with {name}"
    if _last(request).get("role") == "assistant" and not isinstance(_last(request).get("content"), str):
        return "the request ends with half an answer that is not text"
    return None


def _hinders_text(request: Request) -> str | None:
    """Why what comes after a text cannot be continued by asking what comes after that."""
    if request.operation is not Operation.COMPLETION:
        return "it is no text"
    if not isinstance(request.prompt, str):
        return "its prompt is not one text"
    if request.choices > 1:
        return "there are several choices"
    for name in (*NOT_PLAIN, "echo", "suffix"):
        asked = request.params.get(name)
        if asked or (asked == 0 and asked is not False):  # none of the likeliest tokens, but how likely each was
            return f"it was asked for with {name}"
    return None


def _asked_to_go_on(call: Call, text: str) -> Call:
    """The view with which an endpoint is asked for what comes after the prompt and *text*."""
    tokens, cap = _tokens_of(text), call.max_tokens
    request = attrs.evolve(call.request, prompt=f"{call.request.prompt}{text.rstrip()}")
    return _after(tokens, call, request, None if cap is None else max(1, cap - tokens))


def _asked_for_the_rest(call: Call, text: str, *, prefilled: bool) -> Call:
    """The view with which an endpoint is asked for what comes after *text*."""
    tokens, cap, anchor = _tokens_of(text), call.max_tokens, anchor_of(text)
    repeated = 0 if prefilled else len(anchor) // CHARACTERS_PER_TOKEN + 1
    request = attrs.evolve(call.request, messages=_messages(call.request, text, anchor, prefilled=prefilled))
    return _after(tokens, call, request, None if cap is None else min(cap, max(1, cap - tokens) + repeated))


def _after(tokens: int, call: Call, asked: Request, cap: int | None) -> Call:
    """The view with which *asked* is asked, which has so many tokens of the answer in its prompt."""
    prompt_tokens = call.prompt_tokens + tokens
    expected_tokens = _less(asked.expected_tokens, tokens)
    request = attrs.evolve(asked, max_tokens=cap, expected_tokens=expected_tokens, prompt_tokens=prompt_tokens)
    return replace(call, request=request, max_tokens=cap, prompt_tokens=prompt_tokens, size=octave_of(prompt_tokens))


def _tokens_of(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _messages(request: Request, text: str, anchor: str, *, prefilled: bool) -> tuple[Message, ...]:
    if not anchor:
        return request.messages  # nothing but whitespace was said: there is nothing to go on from
    messages, begun = request.messages, text.rstrip()
    if _last(request).get("role") == "assistant":  # the caller had begun the answer itself
        messages, begun = messages[:-1], f"{_last(request)['content']}{begun}"
    said: Message = {"role": "assistant", "content": begun}
    if prefilled:
        return (*messages, said)
    return (*messages, said, {"role": "user", "content": GO_ON.format(anchor=anchor)})


def _last(request: Request) -> Message:
    return request.messages[-1]


def _less(tokens: int | None, by: int) -> int | None:
    return None if tokens is None else max(1, tokens - by)
