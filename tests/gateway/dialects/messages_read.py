"""Reads a stream of Anthropic's form as strictly as it is documented, into the message it makes."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

ADDED = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("input", "partial_json"),
}
"""Of each kind of delta: the field of its block, and its own."""

KINDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
}


def events_in(stream: bytes) -> list[Json]:
    """The events, each of which says its name twice."""
    events: list[Json] = []
    for frame in stream.decode().split("\n\n")[:-1]:
        name, data = frame.split("\n")
        said: Json = json.loads(data.removeprefix("data: "))
        assert name == f"event: {said['type']}"
        events.append(said)
    return events


def message_in(stream: bytes) -> Json:
    """The whole message of a stream that is complete, and in order."""
    events = events_in(stream)
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    message: Json = events[0]["message"]
    assert message["content"] == []
    blocks: list[Json] = []
    open_blocks: set[int] = set()
    for event in events[1:-2]:
        index = event["index"]
        if event["type"] == "content_block_start":
            assert index == len(blocks)
            blocks.append(begun(event["content_block"]))
            open_blocks.add(index)
        elif event["type"] == "content_block_stop":
            open_blocks.remove(index)
        else:
            assert event["type"] == "content_block_delta"
            assert index in open_blocks
            add(blocks[int(index)], event["delta"])
    assert not open_blocks
    for block in blocks:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block["input"] or "{}")
    ends = events[-2]
    return {**message, "content": blocks, **ends["delta"], "usage": {**message["usage"], **ends["usage"]}}


def begun(block: Json) -> Json:
    """A block that has begun: the input of a tool call comes as text."""
    return {**block, "input": ""} if block["type"] == "tool_use" else {**block}


def add(block: Json, delta: Json) -> None:
    field, own = ADDED[delta["type"]]
    assert block["type"] == KINDS[delta["type"]]
    block[field] += delta[own]
