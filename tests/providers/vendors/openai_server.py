"""OpenAI on loopback: what it checks of a request, and what it says to a wrong one, is as it documents.

Source: OpenAI, API reference, "Create chat completion"; guides "Error codes", "Streaming", "Rate limits".
"""

from __future__ import annotations

from aiohttp import web

from .openai_form import DONE, frames, sse, whole
from .scene import KEY, MODEL, Json, Scene
from .serving import Refusal, Vendor, no, streamed
from .text_form import refuses_text, text_answer
from .vector_form import refuses_vectors, vectors_answer

HEADERS = {
    "x-request-id": "req_1",
    "openai-processing-ms": "12",
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
}


async def beside_chat(request: web.Request, asked: Json, headers: dict[str, str]) -> web.StreamResponse:
    """What else there is: completions of a text, and embeddings."""
    is_text = request.path.endswith("/completions")
    wrong = refuses_text(request, asked) if is_text else refuses_vectors(request, asked)
    if wrong is not None:
        return wrong.response()
    return await text_answer(request, asked, headers) if is_text else vectors_answer(asked, headers)


class OpenAIServer(Vendor):
    """It says *scene*, as long as it is asked rightly."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene

    def routes(self, app: web.Application) -> None:
        for path in ("chat/completions", "completions", "embeddings"):
            app.router.add_post(f"/v1/{path}", self.handle)

    async def answer(self, request: web.Request, asked: Json) -> web.StreamResponse:
        if not request.path.endswith("/chat/completions"):
            return await beside_chat(request, asked, HEADERS)
        wrong = self.refuses(request, asked)
        if wrong is not None:
            return wrong.response()
        if asked.get("stream"):
            return await streamed(request, [*map(sse, frames(self.scene, asked)), DONE], HEADERS)
        return web.json_response(whole(self.scene, asked), headers=HEADERS)

    def refuses(self, request: web.Request, asked: Json) -> Refusal | None:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            said = request.headers.get("Authorization", "").removeprefix("Bearer ")
            return no(401, "invalid_api_key", f"Incorrect API key provided: {said}.")
        if asked.get("model") != MODEL:
            return no(404, "model_not_found", f"The model `{asked.get('model')}` does not exist")
        if "stream_options" in asked and not asked.get("stream"):
            return no(400, None, "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
        if "max_tokens" in asked:
            return no(400, "unsupported_parameter", "Use 'max_completion_tokens' instead.")
        if asked.get("n", 1) != len(self.scene.says):
            return no(400, None, f"this scene has {len(self.scene.says)} answers, and {asked.get('n')} were asked for")
        return None
