"""Anthropic's Messages API on loopback, as its documentation describes it: what it takes, refuses, says and streams.

`test_anthropic_sdk` runs Anthropic's own client against it, which is what proves it right.

Source: Anthropic's documentation of the Messages API, of streaming, of errors and of API versions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import attrs
import msgspec
from aiohttp import web
from anthropic import AsyncAnthropic
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

from paceline.providers import Anthropic
from paceline.router import Answer, Chunk, Endpoint, Router

from .loopback import KEY, Asked, Vendor, begun

Json: TypeAlias = dict[str, Any]

VERSIONS = ("2023-06-01", "2026-10-21")
ONLY_IN_THE_OLDER = ("temperature", "top_p", "top_k")
MODEL = "claude-of-the-tests"
ERROR_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

_params: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)


def sse(name: str, said: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(said))


def event(kind: str, **fields: object) -> bytes:
    return sse(kind, {"type": kind, **fields})


def error_body(kind: str, message: str, **details: str) -> Json:
    told: Json = {"type": kind, "message": message}
    if details:
        told["details"] = details
    return {"type": "error", "error": told, "request_id": "req_body"}


def text(said: str, **fields: object) -> Json:
    return {"type": "text", "text": said, **fields}


def thinking(said: str, signature: str = "sealed") -> Json:
    return {"type": "thinking", "thinking": said, "signature": signature}


def tool_use(call: str, name: str, **arguments: object) -> Json:
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


@attrs.frozen(kw_only=True)
class Reply:
    """One answer, which the server gives whole or as a stream, whichever it is asked for.

    content: its blocks, as they are in a whole answer. piece: characters in each delta.
    fails: of a stream, the type of the error that comes in place of its last two events.
    """

    content: tuple[Json, ...] = (text("Hello there"),)
    stop_reason: str = "end_turn"
    stop_details: Json | None = None
    usage: Json = attrs.field(factory=lambda: {"input_tokens": 9, "output_tokens": 5})
    piece: int = 4
    fails: str | None = None

    def message(self) -> Json:
        """The answer in one piece."""
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": list(self.content),
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "stop_details": self.stop_details,
            "usage": self.usage,
        }

    def events(self) -> Iterator[bytes]:
        """The answer as the events of a stream."""
        begins = {**self.usage, "output_tokens": 1}
        begins.pop("output_tokens_details", None)
        yield event("message_start", message={**self.message(), "content": [], "stop_reason": None, "usage": begins})
        yield event("ping")
        for index, block in enumerate(self.content):
            yield event("content_block_start", index=index, content_block=begun_block(block))
            for delta in self._deltas(block):
                yield event("content_block_delta", index=index, delta=delta)
            yield event("content_block_stop", index=index)
        if self.fails is not None:
            yield sse("error", error_body(self.fails, "Overloaded"))
            return
        ends = {name: tokens for name, tokens in self.usage.items() if name.startswith("output")}
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None, "stop_details": self.stop_details}
        yield event("message_delta", delta=delta, usage=ends)
        yield event("message_stop")

    def _deltas(self, block: Json) -> Iterator[Json]:
        if block["type"] == "text":
            for citation in block.get("citations") or ():
                yield {"type": "citations_delta", "citation": citation}
            yield from ({"type": "text_delta", "text": part} for part in self._cut(block["text"]))
        elif block["type"] == "thinking":
            yield from ({"type": "thinking_delta", "thinking": part} for part in self._cut(block["thinking"]))
            yield {"type": "signature_delta", "signature": block["signature"]}
        elif block.get("input"):
            yield {"type": "input_json_delta", "partial_json": ""}
            said = msgspec.json.encode(block["input"]).decode()
            yield from ({"type": "input_json_delta", "partial_json": part} for part in self._cut(said))

    def _cut(self, said: str) -> Iterator[str]:
        return (said[at : at + self.piece] for at in range(0, len(said), self.piece))


def begun_block(block: Json) -> Json:
    """The block as `content_block_start` tells it."""
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}
    emptied: Json = {"input": {}} if "input" in block else empty.get(block["type"], {})
    return {**block, **emptied}


def refusal_of(request: web.Request, body: Json) -> tuple[str, str] | None:
    """Type and message of the error that the API answers such a request with; None if it takes it."""
    if request.headers.get("x-api-key", request.headers.get("Authorization", "").removeprefix("Bearer ")) != KEY:
        return "authentication_error", "invalid x-api-key"
    version = request.headers.get("anthropic-version")
    if version not in VERSIONS:
        return "invalid_request_error", f"anthropic-version: {version!r} is not a valid version"
    wrong = mistake_in(body, version)
    return None if wrong is None else ("invalid_request_error", wrong)


def mistake_in(body: Json, version: str = VERSIONS[0]) -> str | None:
    """What the API would say is wrong with *body*; None if it takes it. Types are those of Anthropic's own client."""
    given = dict(body)
    given.pop("stream", None)
    for name in ONLY_IN_THE_OLDER:
        if name in given and version != VERSIONS[0]:
            return f"{name}: Extra inputs are not permitted"
        if not 0 <= given.pop(name, 0) <= (1 if name != "top_k" else 500):
            return f"{name}: Input should be less than or equal to 1"
    try:
        told = consumed(_params.validate_python(given))
    except ValidationError as wrong:
        return f"{wrong.errors()[0]['loc']}: {wrong.errors()[0]['msg']}"
    if told != given:
        return "Extra inputs are not permitted"
    return next(_mistakes(given), None)


def consumed(value: Any) -> Any:
    """What pydantic has validated, which it does only as it is read."""
    if isinstance(value, dict):
        return {name: consumed(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if value is None or isinstance(value, str | int | float):
        return value
    return [consumed(inner) for inner in value]


def _mistakes(body: Json) -> Iterator[str]:
    """What the types do not say."""
    if body["max_tokens"] < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
    budget = body.get("thinking", {}).get("budget_tokens")
    if budget is not None and not 1024 <= budget < body["max_tokens"]:
        yield "max_tokens must be greater than thinking.budget_tokens"
    if "tool_choice" in body and not body.get("tools"):
        yield "tool_choice: tool_choice may only be specified while providing tools"
    if not body["messages"]:
        yield "messages: at least one message is required"
    open_calls: list[str] = []
    for message in body["messages"]:
        content = message["content"]
        blocks: list[Json] = [text(content)] if isinstance(content, str) else content
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(results) != sorted(open_calls):
            yield "messages: `tool_use` ids and `tool_result` blocks of the next message do not match"
        if any(block["type"] == "text" and not block["text"] for block in blocks):
            yield "messages: text content blocks must be non-empty"
        open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"]


class Claude(Vendor):
    """The server. ``reply``: what it says to every request it takes."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(self._say)
        self.reply = reply

    async def _say(self, request: web.Request) -> web.StreamResponse:
        body = self.bodies[-1]
        refused = refusal_of(request, body)
        if refused is not None:
            kind, message = refused
            return answered(error_body(kind, message), ERROR_STATUS[kind])
        if not body.get("stream"):
            return answered(self.reply.message())
        response = await begun(request, **{"request-id": "req_head"})
        for said in self.reply.events():
            await response.write(said)
        return response


def answered(body: Json, status: int = 200, **headers: str) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={"request-id": "req_head", **headers},
    )


@asynccontextmanager
async def asking_claude(
    vendor: Vendor | Reply, *, provider: Anthropic | None = None, **fields: Any
) -> AsyncGenerator[Asked]:
    """A router that asks *vendor*. At the end nothing may be in flight, open or running."""
    vendor = Claude(vendor) if isinstance(vendor, Reply) else vendor
    async with vendor.serving():
        before = asyncio.all_tasks()
        given: Json = {"model": MODEL, "api_key": KEY, **fields}
        url = vendor.url.removesuffix("/v1")
        async with Router([Endpoint(name="vendor", provider=provider or Anthropic(), url=url, **given)]) as router:
            asked = Asked(router, vendor)
            yield asked
            assert asked.in_use == 0
            assert asked.target.in_flight == 0
        await vendor.all_gone()
        assert asyncio.all_tasks() <= before


@asynccontextmanager
async def sdk_of(vendor: Vendor) -> AsyncGenerator[AsyncAnthropic]:
    """Anthropic's own client of *vendor*, which must be serving."""
    async with AsyncAnthropic(api_key=KEY, base_url=vendor.url.removesuffix("/v1"), max_retries=0) as client:
        yield client


def complete(vendor: Vendor | Reply, *, provider: Anthropic | None = None, **fields: Any) -> tuple[Answer, Json]:
    """Our answer from *vendor*, and the body it was asked for with."""

    async def main() -> tuple[Answer, Json]:
        async with asking_claude(vendor, provider=provider) as asked:
            return await asked.complete(model=MODEL, **fields), asked.vendor.bodies[-1]

    return asyncio.run(main())


def chunks(vendor: Vendor | Reply, **fields: Any) -> list[Chunk]:
    """Every chunk of an answer from *vendor*, as a caller sees them."""

    async def main() -> list[Chunk]:
        async with asking_claude(vendor) as asked:
            return await asked.stream(model=MODEL, **fields)

    return asyncio.run(main())
