"""Texts in the form of OpenAI's completions, to the letter of its documentation.

What comes after a prompt is always the same: a few pieces that quote its end. Source: OpenAI, API reference,
"Completions": "The completion object".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from .openai_form import DONE, sse
from .scene import KEY, Json
from .serving import Refusal, no, streamed

if TYPE_CHECKING:
    from openai.types import Completion

TEXT_MODEL = "text-test"
TEXT_SERVED = "text-test-2026-01-01"
BASE: Json = {"id": "cmpl-1", "object": "text_completion", "created": 1_767_225_600, "model": TEXT_SERVED}
USAGE: Json = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def prompts_of(asked: Json) -> list[str]:
    """Each prompt as a text; tokens are told by their number."""
    given = asked["prompt"]
    if isinstance(given, str):
        return [given]
    several = cast("list[object]", given)
    if isinstance(several[0], int):
        return [f"<{len(several)}>"]
    return [one if isinstance(one, str) else f"<{len(cast('list[int]', one))}>" for one in several]


def pieces_of(asked: Json) -> list[list[str]]:
    """What is written, for each of the choices."""
    written: list[list[str]] = []
    for prompt in prompts_of(asked):
        for number in range(cast("int", asked.get("n") or 1)):
            pieces = ["It", " goes", f" on {number}: ", prompt[-3:], " 🌍\n\ndata: [DONE]"]
            pieces = pieces[: cast("int", asked.get("max_tokens", 16))]
            written.append([prompt, *pieces] if asked.get("echo") else pieces)
    return written


def logprobs_of(pieces: list[str], begins: int, top: int) -> Json:
    offsets = [begins + sum(map(len, pieces[:place])) for place in range(len(pieces))]
    likely = [-1.0 / (1 + len(piece)) for piece in pieces]
    others = [{piece: much, "?": -9.5} if top else None for piece, much in zip(pieces, likely, strict=True)]
    return {"tokens": pieces, "token_logprobs": likely, "top_logprobs": others, "text_offset": offsets}


def whole_text(asked: Json) -> Json:
    choices = [
        {
            "text": "".join(pieces),
            "index": index,
            "logprobs": _told(asked, pieces, _begins(asked, index)),
            "finish_reason": _ends(asked),
        }
        for index, pieces in enumerate(pieces_of(asked))
    ]
    return {**BASE, "choices": choices, "usage": USAGE}


def text_frames(asked: Json) -> Iterator[Json]:
    """The stream, up to its end marker."""
    with_usage = cast(Json, asked.get("stream_options") or {}).get("include_usage", False)
    base: Json = {**BASE, "usage": None} if with_usage else BASE
    for turn in zip_longest(*[list(_deltas(asked, i, pieces)) for i, pieces in enumerate(pieces_of(asked))]):
        for choice in turn:
            if choice is not None:
                yield {**base, "choices": [choice]}
    if with_usage:
        yield {**base, "choices": [], "usage": USAGE}


def _deltas(asked: Json, index: int, pieces: list[str]) -> Iterator[Json]:
    begins = _begins(asked, index)
    for piece in pieces:
        yield {"text": piece, "index": index, "logprobs": _told(asked, [piece], begins), "finish_reason": None}
        begins += len(piece)
    yield {"text": "", "index": index, "logprobs": None, "finish_reason": _ends(asked)}


def _begins(asked: Json, index: int) -> int:
    prompt = prompts_of(asked)[index // cast("int", asked.get("n") or 1)]
    return 0 if asked.get("echo") or not isinstance(asked["prompt"], str) else len(prompt)


def _told(asked: Json, pieces: list[str], begins: int) -> Json | None:
    top = asked.get("logprobs")
    return logprobs_of(pieces, begins, cast("int", top)) if top is not None and pieces else None


def _ends(asked: Json) -> str:
    return "length" if cast("int", asked.get("max_tokens", 16)) < 5 else "stop"


def refuses_text(request: web.Request, asked: Json) -> Refusal | None:
    if request.headers.get("Authorization") != f"Bearer {KEY}":
        return no(401, "invalid_api_key", "Incorrect API key provided.")
    if asked.get("model") != TEXT_MODEL:
        said = "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use "
        return no(404, None, f"{said}v1/chat/completions?")
    wrong = None
    if asked.get("stream") and cast("int", asked.get("best_of") or 1) > cast("int", asked.get("n") or 1):
        wrong = "best_of > n cannot be streamed"
    if "stream_options" in asked and not asked.get("stream"):
        wrong = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    for name in ("max_completion_tokens", "messages", "input"):
        if name in asked:
            wrong = f"Unknown parameter: '{name}'."
    if "poison" in str(asked["prompt"]):
        wrong = f"The prompt {asked['prompt']!r}, to be followed by {asked.get('suffix')!r}, is not nice."
    return None if wrong is None else no(400, None, wrong)


async def text_by_sdk(client: Any, **asked: Any) -> Completion:
    """A whole completion, as their own client has it."""
    return cast("Completion", await client.completions.create(**asked))


async def text_answer(request: web.Request, asked: Json, headers: dict[str, str]) -> web.StreamResponse:
    if asked.get("stream"):
        return await streamed(request, [*map(sse, text_frames(asked)), DONE], headers)
    return web.json_response(whole_text(asked), headers=headers)
