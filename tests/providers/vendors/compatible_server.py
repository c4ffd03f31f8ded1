"""A server that is compatible with OpenAI's, in its own way. Each way is one that a vendor documents or is known for.

Source: the documentation of DeepSeek, Fireworks, Groq, Moonshot, OpenRouter, SGLang, Together and vLLM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

from aiohttp import web

from .openai_form import DONE, frames, sse, whole
from .scene import Json, Scene
from .serving import Vendor, streamed

Quirk: TypeAlias = Callable[[Scene, Json, Iterator[Json]], Iterator[Json]]
"""From the stream as OpenAI would send it to the stream as the vendor does."""


class CompatibleServer(Vendor):
    """It says *scene* with *quirks*, the first of them first.

    before: what it sends while the call waits. end: what stands at the end of its streams.
    """

    def __init__(self, scene: Scene, *quirks: Quirk, before: bytes = b"", end: bytes = DONE) -> None:
        super().__init__()
        self.scene = scene
        self.quirks = quirks
        self.before = before
        self.end = end

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/chat/completions", self.handle)

    async def answer(self, request: web.Request, asked: Json) -> web.StreamResponse:
        if not asked.get("stream"):
            return web.json_response(whole(self.scene, asked))
        said = frames(self.scene, asked)
        for quirk in self.quirks:
            said = quirk(self.scene, asked, said)
        return await streamed(request, [self.before, *map(sse, said), self.end], {})


def _choices(frame: Json) -> list[Json]:
    return cast(list[Json], frame["choices"])


def usage_on_every_chunk(scene: Scene, _asked: Json, said: Iterator[Json]) -> Iterator[Json]:
    """VLLM with ``continuous_usage_stats``: what it was so far, not what came with this chunk."""
    for number, frame in enumerate(said):
        yield {**frame, "usage": frame["usage"] or {**scene.usage, "completion_tokens": min(number, 12)}}


def usage_on_the_last_chunk(scene: Scene, _asked: Json, said: Iterator[Json]) -> Iterator[Json]:
    """Fireworks and DeepSeek: with the finish reason, and none after it."""
    for frame in said:
        if _choices(frame):
            yield {**frame, "usage": scene.usage if _choices(frame)[0]["finish_reason"] else None}


def usage_in_the_choice(scene: Scene, _asked: Json, said: Iterator[Json]) -> Iterator[Json]:
    """Moonshot."""
    for frame in said:
        for choice in _choices(frame):
            told: Json = {"usage": scene.usage} if choice["finish_reason"] else {}
            yield {**frame, "choices": [{**choice, **told}], "usage": None}


def calls_without_index(_scene: Scene, _asked: Json, said: Iterator[Json]) -> Iterator[Json]:
    """Gemini's compatible surface, and others: each call in one chunk, whole."""
    calls: dict[object, Json] = {}
    for frame in said:
        (choice,) = _choices(frame) or ({},)
        delta = cast(Json, choice.get("delta", {}))
        fragments = cast(list[Json], delta.get("tool_calls", []))
        for fragment in fragments:
            call = calls.setdefault(fragment["index"], {"id": "", "type": "function", "function": {}})
            call["id"] = fragment.get("id") or call["id"]
            known, more = cast(dict[str, str], call["function"]), cast(dict[str, str], fragment["function"])
            known["name"] = more.get("name", known.get("name", ""))
            known["arguments"] = known.get("arguments", "") + more["arguments"]
        if choice.get("finish_reason"):
            for call in calls.values():
                yield {**frame, "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}
        if not fragments:
            yield frame


def reasoning_named(name: str) -> Quirk:
    """``reasoning`` in vLLM's newer form, ``reasoning_details`` in OpenRouter's."""

    def renamed(_scene: Scene, _asked: Json, said: Iterator[Json]) -> Iterator[Json]:
        for frame in said:
            for choice in _choices(frame):
                delta = cast(Json, choice["delta"])
                piece = delta.pop("reasoning_content", None)
                if piece is not None and name == "reasoning_details":
                    delta[name] = [
                        {"type": "reasoning.text", "text": piece},
                        {"type": "reasoning.encrypted", "data": "x"},
                    ]
                elif piece is not None:
                    delta[name] = piece
            yield frame

    return renamed


def gives_up(error: Json | None = None) -> Quirk:
    """OpenRouter: a chunk with the finish reason ``error``, and mostly the error beside it."""

    def broken(_scene: Scene, _asked: Json, said: Iterator[Json]) -> Iterator[Json]:
        yield next(said)
        told: Json = {} if error is None else {"error": error}
        frame = next(said)
        yield {**frame, **told, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}

    return broken


def logprobs_as(form: str) -> Quirk:
    """Together: one number a chunk, or two lists."""

    def told(_scene: Scene, _asked: Json, said: Iterator[Json]) -> Iterator[Json]:
        for frame in said:
            for choice in _choices(frame):
                given = cast("dict[str, list[dict[str, object]]] | None", choice["logprobs"])
                for token in given["content"] if given else ():
                    lists = {"tokens": [token["token"]], "token_logprobs": [token["logprob"]], "token_ids": [1]}
                    choice["logprobs"] = token["logprob"] if form == "number" else lists
            yield frame

    return told
