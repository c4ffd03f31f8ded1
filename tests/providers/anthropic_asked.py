"""What a request in OpenAI's form becomes on its way to Anthropic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paceline.providers import AdaptiveThinking
from paceline.providers.anthropic_request import Encoder
from paceline.providers.anthropic_thinking import Thinking
from paceline.router import Request
from paceline.router.errors import InvalidRequest, Unsupported

from .anthropic_server import Json

PIXEL = "iVBORw0KGgo="
LOOK: Json = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
TOOL: Json = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
CACHE = {"type": "ephemeral"}
REFUSED = (InvalidRequest, Unsupported)
USER = {"role": "user", "content": "hi"}


def body(
    messages: object = "hi",
    *,
    cap: int | None = None,
    stream: bool = True,
    thinks: Thinking | None = None,
    **params: Any,
) -> Json:
    given: Any = messages
    encoder = Encoder(max_tokens=500, thinking=thinks or AdaptiveThinking())
    return encoder.body(Request(messages=given, params=params, stream=stream), "m", cap)


def turns(*messages: Mapping[str, object]) -> list[tuple[str, Any]]:
    return [(turn["role"], turn["content"]) for turn in body(messages)["messages"]]


def parts(*content: Mapping[str, object]) -> list[Json]:
    """What the parts of a user's message become."""
    ((_, blocks),) = turns({"role": "user", "content": content})
    return blocks


def called(**fields: Any) -> Json:
    """An assistant's message with one call."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}, **fields}
    return {"role": "assistant", "content": None, "tool_calls": [call]}
