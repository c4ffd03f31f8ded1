"""Azure OpenAI on loopback, with both of its surfaces, its filters and its own frames.

Source: Azure OpenAI in Foundry Models, "REST API reference" (2024-10-21), "v1 API", "Content filtering", "Content
streaming" (the asynchronous filter's annotations), "How to use Entra ID".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import attrs
from aiohttp import web

from .openai_form import DONE, frames, sse, whole
from .scene import KEY, Json, Scene
from .serving import Refusal, Vendor, no, streamed
from .text_form import text_answer
from .vector_form import vectors_answer

TOKEN = "eyJ0eXAi.0123456789.abcdef"
DEPLOYMENT = "chat-eu"
VERSION = "2024-10-21"
HEADERS = {
    "x-request-id": "req_az",
    "apim-request-id": "apim_1",
    "x-ms-region": "Sweden Central",
    "x-ratelimit-remaining-requests": "99",
    "x-ratelimit-remaining-tokens": "9999",
}
SAFE: Json = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}


@attrs.frozen(kw_only=True)
class Filter:
    """How the content filter is set. asynchronous: it annotates what was said already, also after the end."""

    asynchronous: bool = False
    fails_after: int | None = None


class AzureServer(Vendor):
    """A resource with one deployment that says *scene*."""

    def __init__(self, scene: Scene, filtering: Filter | None = None) -> None:
        super().__init__()
        self.scene = scene
        self.filtering = filtering or Filter()

    def routes(self, app: web.Application) -> None:
        for path in ("chat/completions", "completions", "embeddings"):
            app.router.add_post(f"/openai/deployments/{{deployment}}/{path}", self.handle)
            app.router.add_post(f"/openai/v1/{path}", self.handle)

    async def answer(self, request: web.Request, asked: Json) -> web.StreamResponse:
        wrong = self.refuses(request, asked)
        if wrong is not None:
            return wrong.response()
        if request.path.endswith("/embeddings"):
            return vectors_answer(asked, HEADERS)
        if not request.path.endswith("/chat/completions"):
            return await text_answer(request, asked, HEADERS)
        if asked.get("stream"):
            return await streamed(request, [*self.events(asked)], HEADERS)
        said = whole(self.scene, asked)
        judged: Json = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}]}
        return web.json_response({**said, **judged}, headers=HEADERS)

    def refuses(self, request: web.Request, asked: Json) -> Refusal | None:
        on_v1 = "deployment" not in request.match_info
        bearers = (f"Bearer {TOKEN}", f"Bearer {KEY}") if on_v1 else (f"Bearer {TOKEN}",)
        if request.headers.get("api-key") != KEY and request.headers.get("Authorization") not in bearers:
            said = "Access denied due to invalid subscription key or wrong API endpoint."
            return Refusal(status=401, body={"error": {"code": "401", "message": said}})
        if not on_v1 and request.query.get("api-version") != VERSION:
            return Refusal(status=404, body={"error": {"code": "404", "message": "Resource not found"}})
        deployment = asked.get("model") if on_v1 else request.match_info["deployment"]
        if deployment != DEPLOYMENT:
            said = "The API deployment for this resource does not exist."
            return Refusal(status=404, body={"error": {"code": "DeploymentNotFound", "message": said}})
        if "max_tokens" in asked and request.path.endswith("/chat/completions"):
            return no(400, "unsupported_parameter", "Use 'max_completion_tokens' instead.")
        return None

    def events(self, asked: Json) -> Iterator[bytes]:
        nobody: Json = {"id": "", "object": "", "created": 0, "model": ""}
        judged = [{"prompt_index": 0, "content_filter_results": SAFE}]
        yield sse({**nobody, "choices": [], "prompt_filter_results": judged})
        for number, said in enumerate(frames(self.scene, asked)):
            if number == self.filtering.fails_after:
                yield sse({"error": {"code": "server_error", "message": "The server had an error", "type": None}})
                return
            if not self.filtering.asynchronous:
                choices = cast(list[Json], said["choices"])
                said["choices"] = [{**choice, "content_filter_results": SAFE} for choice in choices]
            yield sse(said)
        if self.filtering.asynchronous:
            offsets = {"check_offset": 40, "start_offset": 40, "end_offset": 100}
            late: Json = {"index": 0, "finish_reason": None, "content_filter_results": SAFE}
            yield sse({**nobody, "choices": [{**late, "content_filter_offsets": offsets}]})
        yield DONE


BLOCKED = Refusal(
    status=400,
    body={
        "error": {
            "message": "The response was filtered due to the prompt triggering content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {"violence": {"filtered": True, "severity": "medium"}},
            },
        }
    },
)
PAY_AS_YOU_GO_FULL = Refusal(
    status=429,
    body={
        "error": {"code": "429", "message": "Requests have exceeded token rate limit. Please retry after 7 seconds."}
    },
    headers={"retry-after": "7", "x-ratelimit-reset-requests": "7"},
)
PROVISIONED_FULL = Refusal(
    status=429,
    body={"error": {"code": "429", "message": "The provisioned throughput is fully used."}},
    headers={"retry-after-ms": "38.5", "retry-after": "1"},
)
