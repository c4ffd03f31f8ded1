"""What a model says, whichever vendor serves it and in whatever form."""

from __future__ import annotations

from typing import TypeAlias

import attrs

MODEL = "gpt-test"
SERVED = "gpt-test-2026-01-01"
KEY = "sk-live-0123456789abcdef"
PROMPT = "the secret of the prompt"

Json: TypeAlias = dict[str, object]


@attrs.frozen(kw_only=True)
class Call:
    """A tool call. arguments: in the fragments they are written in. type: as `ToolCall.type`."""

    id: str
    name: str
    arguments: tuple[str, ...]
    type: str = "function"

    def fragment(self, index: int | None, part: int) -> Json:
        """Its *part*-th fragment; the first one names it."""
        key, inner = ("custom", "input") if self.type == "custom" else ("function", "arguments")
        said: Json = {inner: self.arguments[part]}
        if part == 0:
            said = {"name": self.name, **said}
        numbered: Json = {} if index is None else {"index": index}
        named: Json = {"id": self.id, "type": self.type} if part == 0 else {}
        return {**numbered, **named, key: said}

    def whole(self) -> Json:
        key, inner = ("custom", "input") if self.type == "custom" else ("function", "arguments")
        return {"id": self.id, "type": self.type, key: {"name": self.name, inner: "".join(self.arguments)}}


@attrs.frozen(kw_only=True)
class Says:
    """One answer. Each tuple holds the pieces it is written in; *calls* are written side by side.

    function_call: the old form, in fragments; the first is its name.
    """

    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    refusal: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    function_call: tuple[str, ...] = ()
    finish: str = "stop"


@attrs.frozen(kw_only=True)
class Scene:
    """All answers to one question, and what they cost."""

    says: tuple[Says, ...]
    usage: Json = attrs.field(
        factory=lambda: {
            "prompt_tokens": 21,
            "completion_tokens": 13,
            "total_tokens": 34,
            "prompt_tokens_details": {"cached_tokens": 16, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
        }
    )
    tier: str = "default"


def one(**fields: object) -> Scene:
    """A scene of one answer."""
    return Scene(says=(Says(**fields),))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


LOOK = Call(id="call_a", name="look", arguments=("", '{"city":', ' "Lü', 'beck"}'))
FIND = Call(id="call_b", name="find", arguments=("", '{"q": ', "1}"))
WRITE = Call(id="call_c", name="write", arguments=("", "SELECT ", "*"), type="custom")

PLAIN = one(text=("Hel", "lo, ", "wörld 🌍", "!\n\ndata: [DONE]"))
CUT_SHORT = one(text=("Hel", "lo"), finish="length")
FILTERED = one(text=("Hel",), finish="content_filter")
EMPTY = one()
REFUSED = one(refusal=("I can", "not."))
ONE_CALL = one(calls=(LOOK,), finish="tool_calls")
PARALLEL = one(text=("Let me see.",), calls=(LOOK, FIND), finish="tool_calls")
CUSTOM = one(calls=(WRITE, FIND), finish="tool_calls")
OLD_CALL = one(function_call=("look", '{"city"', ': "Kiel"}'), finish="function_call")
THREE = Scene(
    says=(
        Says(text=("Heads",)),
        Says(text=("Ta", "ils", "!"), finish="length"),
        Says(calls=(LOOK, FIND), finish="tool_calls"),
    )
)

SCENES = {
    "plain text": PLAIN,
    "cut at the cap": CUT_SHORT,
    "stopped by the filter": FILTERED,
    "nothing": EMPTY,
    "a refusal": REFUSED,
    "a tool call": ONE_CALL,
    "tool calls side by side": PARALLEL,
    "a custom tool": CUSTOM,
    "the old function call": OLD_CALL,
    "three answers": THREE,
}
"""By what they show."""
