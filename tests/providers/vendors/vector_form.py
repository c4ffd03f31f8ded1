"""Vectors in the form of OpenAI's embeddings, to the letter of its documentation.

Source: OpenAI, API reference, "Embeddings": "Create embeddings", "The embedding object".
"""

from __future__ import annotations

import base64
import random
import struct
from typing import cast

from aiohttp import web

from .scene import KEY, Json
from .serving import Refusal, no

VECTOR_MODEL = "embed-test"
VECTOR_SERVED = "embed-test-2"


def inputs_of(asked: Json) -> list[object]:
    given = asked["input"]
    several = cast("list[object]", given)
    return [given] if isinstance(given, str) or isinstance(several[0], int) else several


def vector_of(text: object, dimensions: int) -> list[float]:
    """As exact as 32 bits are, as the API's are."""
    dice = random.Random(str(text))
    return [struct.unpack("<f", struct.pack("<f", dice.gauss(0, 0.1)))[0] for _ in range(dimensions)]


def whole_vectors(asked: Json) -> Json:
    dimensions = cast("int", asked.get("dimensions", 8))
    data: list[Json] = []
    for index, text in enumerate(inputs_of(asked)):
        vector = vector_of(text, dimensions)
        told: object = vector
        if asked.get("encoding_format") == "base64":
            told = base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": told})
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "data": data, "model": VECTOR_SERVED, "usage": usage}


def refuses_vectors(request: web.Request, asked: Json) -> Refusal | None:
    if request.headers.get("Authorization") != f"Bearer {KEY}":
        return no(401, "invalid_api_key", "Incorrect API key provided.")
    if asked.get("model") != VECTOR_MODEL:
        return no(403, None, "You are not allowed to generate embeddings from this model")
    if "" in inputs_of(asked):
        return no(400, None, "'$.input' is invalid. Please check the API reference.")
    for name in ("max_tokens", "max_completion_tokens", "stream", "messages", "prompt", "stream_options"):
        if name in asked:
            return no(400, "unknown_parameter", f"Unknown parameter: '{name}'.")
    if "poison" in str(asked["input"]):
        return no(400, None, f"The input {asked['input']!r} is not nice.")
    return None


def vectors_answer(asked: Json, headers: dict[str, str]) -> web.StreamResponse:
    return web.json_response(whole_vectors(asked), headers=headers)
