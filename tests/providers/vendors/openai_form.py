"""A scene in the form of OpenAI's chat completions, to the letter of its documentation.

Source: OpenAI, API reference, "Chat Completions": "The chat completion object", "The chat completion chunk object".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import cast

import msgspec

from .scene import SERVED, Json, Says, Scene

DONE = b"data: [DONE]\n\n"


def sse(said: Json) -> bytes:
    return b"data: " + msgspec.json.encode(said) + b"\n\n"


def logprobs(said: Says, pieces: tuple[str, ...], of: str) -> Json:
    """Of each piece as one token: likelier the longer it is, for want of a model."""
    tokens = [
        {
            "token": piece,
            "logprob": -1.0 / (1 + len(piece)),
            "bytes": list(piece.encode()),
            "top_logprobs": [
                {"token": piece, "logprob": -1.0 / (1 + len(piece)), "bytes": list(piece.encode())},
                {"token": "?", "logprob": -9999.0, "bytes": None},
            ],
        }
        for piece in pieces
    ]
    return {"content": None, "refusal": None, of: tokens}


def whole(scene: Scene, asked: Json) -> Json:
    """The answer in one piece."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": SERVED,
        "service_tier": scene.tier,
        "system_fingerprint": "fp_1",
        "choices": [_whole_choice(index, said, asked) for index, said in enumerate(scene.says)],
        "usage": scene.usage,
    }


def _whole_choice(index: int, said: Says, asked: Json) -> Json:
    message: Json = {
        "role": "assistant",
        "content": "".join(said.text) or None,
        "refusal": "".join(said.refusal) or None,
        "annotations": [],
    }
    if said.reasoning:
        message["reasoning_content"] = "".join(said.reasoning)
    if said.calls:
        message["tool_calls"] = [call.whole() for call in said.calls]
    if said.function_call:
        message["function_call"] = {"name": said.function_call[0], "arguments": "".join(said.function_call[1:])}
    told = None
    if asked.get("logprobs") and (said.text or said.refusal):
        told = logprobs(said, said.text, "content") if said.text else logprobs(said, said.refusal, "refusal")
    return {"index": index, "message": message, "logprobs": told, "finish_reason": said.finish}


def frames(scene: Scene, asked: Json) -> Iterator[Json]:
    """The stream, up to its end marker."""
    options = cast(Json, asked.get("stream_options") or {})
    with_usage, padded = options.get("include_usage", False), options.get("include_obfuscation", True)
    base: Json = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": SERVED,
        "service_tier": scene.tier,
        "system_fingerprint": "fp_1",
    }
    if with_usage:
        base["usage"] = None
    side_by_side = [[{**choice, "index": i} for choice in _deltas(said, asked)] for i, said in enumerate(scene.says)]
    for turn in zip_longest(*side_by_side):
        for choice in turn:
            if choice is not None:
                padding: Json = {"obfuscation": "x" * 7} if padded else {}
                yield {**base, "choices": [choice], **padding}
    if with_usage:
        yield {**base, "choices": [], "usage": scene.usage}


def _deltas(said: Says, asked: Json) -> Iterator[Json]:
    yield _choice({"role": "assistant", "content": "", "refusal": None})
    for piece in said.reasoning:
        yield _choice({"reasoning_content": piece})
    for piece in said.refusal:
        yield _choice({"refusal": piece}, logprobs(said, (piece,), "refusal") if asked.get("logprobs") else None)
    for piece in said.text:
        yield _choice({"content": piece}, logprobs(said, (piece,), "content") if asked.get("logprobs") else None)
    longest = max((len(call.arguments) for call in said.calls), default=0)
    for part in range(longest):
        for index, call in enumerate(said.calls):
            if part < len(call.arguments):
                yield _choice({"tool_calls": [call.fragment(index, part)]})
    for place, piece in enumerate(said.function_call):
        yield _choice({"function_call": {"name": piece, "arguments": ""} if place == 0 else {"arguments": piece}})
    yield _choice({}, finish=said.finish)


def _choice(delta: Json, told: Json | None = None, finish: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": told, "finish_reason": finish}
