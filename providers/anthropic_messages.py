"""A conversation in OpenAI's form as Anthropic's: a system prompt, and turns of the user and the assistant.

- All ``system`` and ``developer`` messages make up the system prompt, in order, wherever they stand: that is how
  Anthropic itself reads OpenAI's form.
- A ``tool`` message is a ``tool_result`` in a turn of the user. Neighbours of one role become one turn, so that the
  results of several calls and what the user says next stand together, as Anthropic demands.
- The ``thinking_blocks`` of an assistant's message (from `Answer` or `Chunk`) go back as they came, in front of it.
- A last message of the assistant is what the answer continues, as it is (prefill).

A field that has no place in any of this is refused by its name, unless it says nothing (null, or empty).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from .anthropic_parts import Fields, Json, blocks_of, cached, fields_of, list_of, mistaken, refuse, text_of
from .error_body import NO_JSON

if TYPE_CHECKING:
    from ..router.request import Message

EVERY = frozenset(("role", "content", "cache_control"))
FIELDS = {
    "system": EVERY,
    "developer": EVERY,
    "user": EVERY,
    "assistant": EVERY | {"tool_calls", "refusal", "thinking_blocks"},
    "tool": EVERY | {"tool_call_id", "is_error", "name"},
}
"""What a message of each role may hold. The name of a tool follows from the call that its message answers."""

SHOWN_REASONING = frozenset(("reasoning", "reasoning_content"))
"""What ``thinking_blocks`` say in a form that can be sent back."""

NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
"""Anthropic is stricter about the ids of tool calls than those who may have made them."""


def conversation(messages: Iterable[Message]) -> tuple[list[Json], list[Json]]:
    """The blocks of the system prompt, and the turns.

    Raises:
        InvalidRequest: something in *messages* is no message.
        Unsupported: something in them cannot be sent. Either says what, never what is in it.
    """
    system: list[Json] = []
    turns: list[tuple[str, list[Json]]] = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        role = _role(message, where)
        if role in {"system", "developer"}:
            system += _instructions(message, where)
            continue
        blocks = _SAID_BY[role](message, where)
        if not blocks:
            continue
        side = "assistant" if role == "assistant" else "user"
        if turns and turns[-1][0] == side:
            turns[-1][1].extend(blocks)
        else:
            turns.append((side, blocks))
    if not turns:
        refuse("messages", "there is nothing to answer, so add a message of the user")
    return system, [{"role": side, "content": blocks} for side, blocks in turns]


def _role(message: Message, where: str) -> str:
    """The role of *message*, whose fields are all known for it."""
    role = str(message["role"])
    if role not in FIELDS:
        refuse(f"{where}.role", f"{role!r} must be one of {', '.join(FIELDS)}")
    for name in sorted(message.keys() - FIELDS[role]):
        says_nothing = message[name] is None or message[name] in ("", [], {}, ())
        if says_nothing or (name in SHOWN_REASONING and message.get("thinking_blocks")):
            continue
        if name in SHOWN_REASONING:
            refuse(f"{where}.{name}", "reasoning goes back sealed, as thinking_blocks, or not at all")
        refuse(f"{where}.{name}", f"a message of role {role!r} has no place for it, so leave it out")
    return role


def _instructions(message: Message, where: str) -> list[Json]:
    blocks = _user(message, where)
    if any(block["type"] != "text" for block in blocks):
        refuse(f"{where}.content", "a system prompt is text alone")
    return blocks


def _user(message: Message, where: str) -> list[Json]:
    return _cached_to_here(blocks_of(message.get("content"), f"{where}.content"), message)


def _assistant(message: Message, where: str) -> list[Json]:
    sealed = list_of(message.get("thinking_blocks") or [], f"{where}.thinking_blocks")
    blocks: list[Json] = [dict(fields_of(block, f"{where}.thinking_blocks")) for block in sealed]
    blocks += blocks_of(message.get("content"), f"{where}.content")
    blocks += blocks_of(message.get("refusal"), f"{where}.refusal")
    calls = list_of(message.get("tool_calls") or [], f"{where}.tool_calls")
    blocks += [_call(call, f"{where}.tool_calls[{place}]") for place, call in enumerate(calls)]
    return _cached_to_here(blocks, message)


def _call(call: object, where: str) -> Json:
    fields = fields_of(call, where)
    if fields.get("type", "function") != "function":
        refuse(f"{where}.type", "it knows calls of functions alone")
    function = fields_of(fields.get("function"), f"{where}.function")
    use: Json = {
        "type": "tool_use",
        "id": _id(fields.get("id"), f"{where}.id"),
        "name": text_of(function.get("name"), f"{where}.function.name"),
        "input": _arguments(function.get("arguments"), f"{where}.function.arguments"),
    }
    return cached(use, fields)


def _tool(message: Message, where: str) -> list[Json]:
    result: Json = {"type": "tool_result", "tool_use_id": _id(message.get("tool_call_id"), f"{where}.tool_call_id")}
    content = message.get("content")
    if content is not None:
        result["content"] = content if isinstance(content, str) else blocks_of(content, f"{where}.content")
    if message.get("is_error") is not None:
        result["is_error"] = message["is_error"]
    return [cached(result, message)]


_SAID_BY = {"user": _user, "assistant": _assistant, "tool": _tool}


def _id(given: object, where: str) -> str:
    return NOT_IN_AN_ID.sub("_", text_of(given, where))


def _arguments(given: object, where: str) -> Fields:
    """The arguments of a call: JSON text of an object; empty text is an empty object."""
    text = text_of(given, where)
    if not text.strip():
        return {}
    try:
        return fields_of(msgspec.json.decode(text), where)
    except (*NO_JSON, UnicodeEncodeError):
        mistaken(where, "it is no JSON")


def _cached_to_here(blocks: list[Json], message: Message) -> list[Json]:
    """*blocks* of a message; its own ``cache_control`` is on the last one."""
    if blocks:
        blocks[-1] = cached(blocks[-1], message)
    return blocks
