"""A conversation in Anthropic's form as OpenAI's: the system prompt, and turns of the user and the assistant.

- A ``tool_result`` is a message of its own, of role ``tool``; what the user says before and after it keeps its place.
- ``tool_use`` is a tool call, and sealed ``thinking`` goes along as ``thinking_blocks``, which an endpoint of
  Anthropic's takes back and others never see.
- A message holds its thinking, its words and its calls in this order. An assistant's turn in another order becomes
  several messages, which Anthropic reads as one turn: the order of what was said is part of it.
- Thinking without a seal was another vendor's, shown to the client through here. Nobody could check it and nobody asks
  for it back: it is not sent.
"""

from __future__ import annotations

import msgspec

from .anthropic_blocks import block_at, blocks_at, content_of, part_of
from .anthropic_fields import Fields, Json, list_at, mistaken, object_at, text_at

THINKING = frozenset(("thinking", "redacted_thinking"))
OF_A_MESSAGE = frozenset(("role", "content"))
OF_A_RESULT = frozenset(("type", "tool_use_id", "content", "is_error", "cache_control"))
OF_A_CALL = frozenset(("type", "id", "name", "input", "cache_control", "caller"))
DIRECT = {"type": "direct"}
"""The caller of a tool that the model itself called, as it is unless something else is said."""

_encode = msgspec.json.Encoder().encode


def conversation(system: object, messages: object) -> list[Json]:
    """The messages.

    Raises:
        Mistake: naming what is wrong, by its path, never what is in it.
    """
    said = _instructions(system)
    turns = list_at(messages, "messages")
    if not turns:
        mistaken("messages", "at least one message is required")
    for place, given in enumerate(turns):
        path = f"messages.{place}"
        message = object_at(given, path)
        for name in sorted(message.keys() - OF_A_MESSAGE):
            mistaken(f"{path}.{name}", "Extra inputs are not permitted")
        role = text_at(message, "role", f"{path}.role")
        if role not in _SAID_BY:
            mistaken(f"{path}.role", "Input should be 'user' or 'assistant'; a system prompt belongs into 'system'")
        if "content" not in message:
            mistaken(f"{path}.content", "Field required")
        said += _SAID_BY[role](blocks_at(message["content"], f"{path}.content"), f"{path}.content")
    return said


def _instructions(system: object) -> list[Json]:
    if system is None or system in ("", []):
        return []
    if isinstance(system, str):
        return [{"role": "system", "content": system}]
    parts: list[Json] = []
    for place, value in enumerate(list_at(system, "system")):
        block = block_at(value, f"system.{place}")
        if block["type"] != "text":
            mistaken(f"system.{place}.type", "a system prompt is text alone")
        parts.append(part_of(block, f"system.{place}"))
    return [{"role": "system", "content": content_of(parts)}]


def _user(blocks: list[Fields], path: str) -> list[Json]:
    said: list[Json] = []
    parts: list[Json] = []
    for place, block in enumerate(blocks):
        here = f"{path}.{place}"
        if block["type"] == "tool_result" and not block.keys() - OF_A_RESULT:
            if parts:
                said.append({"role": "user", "content": content_of(parts)})
                parts = []
            said.append(_result(block, here))
        else:
            parts.append(part_of(block, here))
    if parts:
        said.append({"role": "user", "content": content_of(parts)})
    return said


def _result(block: Fields, path: str) -> Json:
    message: Json = {
        "role": "tool",
        "tool_call_id": text_at(block, "tool_use_id", f"{path}.tool_use_id"),
        "content": _result_content(block.get("content"), f"{path}.content"),
    }
    if block.get("is_error") is True:
        message["is_error"] = True
    if "cache_control" in block:
        message["cache_control"] = block["cache_control"]
    return message


def _result_content(content: object, path: str) -> object:
    """A tool may have nothing to say, which is a text of its own in OpenAI's form."""
    if content is None or content in ("", []):
        return ""
    if isinstance(content, str):
        return content
    return content_of([part_of(block, f"{path}.{place}") for place, block in enumerate(blocks_at(content, path))])


class _Message:
    """An assistant's message in the making: thinking, then words, then calls."""

    def __init__(self) -> None:
        self.thinking: list[Json] = []
        self.parts: list[Json] = []
        self.calls: list[Json] = []

    def takes(self, kind: str) -> bool:
        """Whether a block of *kind* keeps its place in it."""
        if kind in THINKING:
            return not (self.parts or self.calls)
        return kind == "tool_use" or not self.calls

    def said(self) -> Json | None:
        if not (self.thinking or self.parts or self.calls):
            return None
        message: Json = {"role": "assistant", "content": content_of(self.parts) if self.parts else None}
        if self.calls:
            message["tool_calls"] = self.calls
        if self.thinking:
            message["thinking_blocks"] = self.thinking
        return message


def _assistant(blocks: list[Fields], path: str) -> list[Json]:
    messages = [_Message()]
    for place, block in enumerate(blocks):
        here, kind = f"{path}.{place}", str(block["type"])
        if kind == "tool_use" and (block.keys() - OF_A_CALL or block.get("caller", DIRECT) != DIRECT):
            kind = "other"  # as it is, among the words
        if not messages[-1].takes(kind):
            messages.append(_Message())
        if kind == "tool_use":
            messages[-1].calls.append(_call(block, here))
        elif kind not in THINKING:
            messages[-1].parts.append(part_of(block, here))
        elif kind == "redacted_thinking" or block.get("signature"):
            messages[-1].thinking.append(dict(block))
    return [message for made in messages if (message := made.said()) is not None]


def _call(block: Fields, path: str) -> Json:
    call: Json = {
        "id": text_at(block, "id", f"{path}.id"),
        "type": "function",
        "function": {
            "name": text_at(block, "name", f"{path}.name"),
            "arguments": _arguments(block.get("input"), f"{path}.input"),
        },
    }
    if "cache_control" in block:
        call["cache_control"] = block["cache_control"]
    return call


def _arguments(value: object, path: str) -> str:
    """An object as JSON, nulls and all: it is the model's own."""
    object_at(value, path)
    return _encode(value).decode()


_SAID_BY = {"user": _user, "assistant": _assistant}
