"""What each vendor documents of its errors, and what it is here. Bodies are in the vendors' own forms."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers import OpenAICompatible
from paceline.providers.error_body import read_error
from paceline.providers.http_errors import failure_of
from paceline.router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    BadRequest,
    ContentBlocked,
    ContextTooLong,
    NotFound,
    PermissionDenied,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
)

from .vendors.asking import answer_of, asked_by_sdk, routed, sdk
from .vendors.compatible_server import CompatibleServer
from .vendors.scene import KEY, PLAIN, PROMPT, Json
from .vendors.serving import Refusal

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def openai_form(message: str, code: object = None, type_: str | None = None, **more: object) -> Json:
    return {"error": {"message": message, "type": type_, "param": None, "code": code, **more}}


def bare(message: str, code: object = None, type_: str | None = None) -> Json:
    """As vLLM did it for long."""
    return {"object": "error", "message": message, "type": type_, "param": None, "code": code}


MODERATED = {"reasons": ["violence"], "flagged_input": "...", "provider_name": "x"}

# vendor, status (None: inside the stream), body, what it is
DOCUMENTED: list[tuple[str, int | None, object, type[AttemptFailed]]] = [
    ("openai", 400, openai_form("too long", "context_length_exceeded", "invalid_request_error"), ContextTooLong),
    ("openai", 400, openai_form("flagged", "invalid_prompt", "invalid_request_error"), ContentBlocked),
    ("openai", 400, openai_form("Unknown parameter", "unknown_parameter", "invalid_request_error"), BadRequest),
    ("openai", 401, openai_form("Incorrect API key", "invalid_api_key", "invalid_request_error"), AuthenticationFailed),
    ("openai", 403, openai_form("not supported", "unsupported_country_region_territory"), PermissionDenied),
    ("openai", 404, openai_form("no such model", "model_not_found", "invalid_request_error"), NotFound),
    ("openai", 429, openai_form("Rate limit reached", "rate_limit_exceeded", "requests"), RateLimited),
    ("openai", 429, openai_form("You exceeded", "insufficient_quota", "insufficient_quota"), QuotaExhausted),
    ("openai", 500, openai_form("The server had an error", None, "server_error"), ProviderError),
    ("openai", 503, openai_form("The engine is overloaded", None, "server_error"), ProviderOverloaded),
    ("openai", 503, openai_form("Slow down", "slow_down"), ProviderOverloaded),
    ("openai", None, openai_form("You exceeded", "insufficient_quota"), QuotaExhausted),
    ("openai", None, openai_form("overloaded", "server_is_overloaded"), ProviderOverloaded),
    ("azure", 400, openai_form("filtered", "content_filter", status=400), ContentBlocked),
    ("azure", 401, {"error": {"code": "401", "message": "Access denied"}}, AuthenticationFailed),
    ("azure", 404, {"error": {"code": "DeploymentNotFound", "message": "no deployment"}}, NotFound),
    ("azure", 408, {"error": {"code": "Timeout", "message": "The operation was timeout."}}, ProviderTimeout),
    ("azure", 429, {"error": {"code": "429", "message": "exceeded token rate limit"}}, RateLimited),
    ("azure", 429, {"error": {"code": "insufficient_quota", "message": "quota"}}, QuotaExhausted),
    ("azure", 429, {"error": {"code": "NoCapacity", "message": "high demand"}}, ProviderOverloaded),
    ("azure", 429, {"statusCode": 429, "message": "Rate limit is exceeded."}, RateLimited),
    ("azure", 503, {"error": {"code": "ServiceUnavailable", "message": "later"}}, ProviderOverloaded),
    ("azure", None, {"error": {"code": "content_filter", "message": "filtered"}}, ContentBlocked),
    ("azure", None, {"error": {"code": "429", "message": "exceeded"}}, RateLimited),
    ("deepinfra", 402, {"detail": {"error": "Insufficient balance"}}, QuotaExhausted),
    ("deepinfra", 422, {"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}, BadRequest),
    ("deepinfra", 429, {"detail": "Model busy, retry later"}, RateLimited),
    ("deepseek", 402, openai_form("Insufficient Balance", "invalid_request_error", "unknown_error"), QuotaExhausted),
    ("deepseek", 400, openai_form("This model's maximum context length is 65536 tokens"), ContextTooLong),
    ("deepseek", 422, openai_form("Invalid parameters"), BadRequest),
    ("deepseek", 503, openai_form("Server overloaded"), ProviderOverloaded),
    ("fireworks", 412, openai_form("Account is suspended"), PermissionDenied),
    ("fireworks", 400, openai_form("The prompt is too long: 9, model maximum context length: 8"), ContextTooLong),
    ("groq", 498, openai_form("flex", "capacity_exceeded"), ProviderOverloaded),
    ("groq", 413, openai_form("Request too large", "rate_limit_exceeded", "tokens"), RequestTooLarge),
    ("groq", 400, openai_form("Failed to generate JSON", "json_validate_failed"), ProviderError),
    ("groq", 400, openai_form("Failed to call a function", "tool_use_failed", "invalid_request_error"), ProviderError),
    ("groq", 400, openai_form("decommissioned", "model_decommissioned", "invalid_request_error"), NotFound),
    ("groq", 400, openai_form("restricted", "organization_restricted"), PermissionDenied),
    ("llama.cpp", 400, openai_form("exceeds", 400, "exceed_context_size_error", n_ctx=4096), ContextTooLong),
    ("llama.cpp", 503, openai_form("Loading model", 503, "unavailable_error"), ProviderOverloaded),
    ("llama.cpp", 401, openai_form("Invalid API Key", 401, "authentication_error"), AuthenticationFailed),
    ("moonshot", 429, openai_form("quota", None, "exceeded_current_quota_error"), QuotaExhausted),
    ("moonshot", 429, openai_form("busy", None, "engine_overloaded_error"), ProviderOverloaded),
    ("moonshot", 429, openai_form("rpm", None, "rate_limit_reached_error"), RateLimited),
    ("ollama", 404, openai_form("model 'x' not found", None, "not_found_error"), NotFound),
    ("ollama", 503, openai_form("maximum pending requests exceeded", None, "api_error"), ProviderOverloaded),
    ("openrouter", 402, openai_form("Insufficient credits", 402), QuotaExhausted),
    ("openrouter", 403, openai_form("flagged", 403, metadata=MODERATED), ContentBlocked),
    ("openrouter", 403, openai_form("Key limit exceeded", 403), PermissionDenied),
    ("openrouter", 408, openai_form("timed out", 408), ProviderTimeout),
    ("openrouter", None, openai_form("Provider disconnected", "server_error"), ProviderError),
    ("openrouter", None, openai_form("Rate limited upstream", 429), RateLimited),
    ("openrouter", None, openai_form("No provider", 503), ProviderOverloaded),
    (
        "sglang",
        400,
        bare("The input is longer than the model's context length", 400, "BadRequestError"),
        ContextTooLong,
    ),
    ("sglang", 408, openai_form("queue timeout", "queue_timeout"), ProviderTimeout),
    ("sglang", 429, openai_form("queue full", "queue_full"), ProviderOverloaded),
    ("sglang", 429, b"Too many requests: the queue is full", RateLimited),
    ("together", 403, openai_form("must be less than the context length"), ContextTooLong),
    ("together", 402, openai_form("spending limit"), QuotaExhausted),
    ("together", 429, openai_form("dynamic rate limit", "rate_limit", "rate_limit"), RateLimited),
    ("vllm", 400, bare("This model's maximum context length is 4096 tokens", 400, "BadRequestError"), ContextTooLong),
    ("vllm", 404, bare("The model `x` does not exist.", 404, "NotFoundError"), NotFound),
    ("vllm", None, bare("engine died", 500, "InternalServerError"), ProviderError),
    ("vllm", None, openai_form("maximum context length is 4096"), ContextTooLong),
    ("a proxy", 502, b"<html><h1>502 Bad Gateway</h1></html>", ProviderError),
    ("a proxy", 504, b"", ProviderTimeout),
]


def failure(status: int | None, body: object) -> AttemptFailed:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return failure_of(read_error(raw), {}, status=status, endpoint="e", hidden=[], received=NOW)


@pytest.mark.parametrize(("vendor", "status", "body", "kind"), DOCUMENTED)
def test_what_a_vendor_says_is_told_by_its_class(
    vendor: str, status: int | None, body: object, kind: type[AttemptFailed]
) -> None:
    assert type(failure(status, body)) is kind


STATUSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}
"""What their SDK makes of a status. Others below 500 are an `APIStatusError`, from 500 on an `InternalServerError`."""


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 412, 413, 422, 429, 498, 500, 502, 503, 504, 529]
)
def test_a_status_is_told_in_the_vendors_words_as_the_sdk_does(status: int) -> None:
    theirs = STATUSES.get(status, openai.APIStatusError if status < 500 else openai.InternalServerError)

    async def main() -> None:
        server = CompatibleServer(PLAIN)
        server.refusal = Refusal(status=status, body=openai_form("not now, said the vendor"))
        async with server.serving():
            with pytest.raises(theirs, match="not now, said the vendor"):
                await asked_by_sdk(sdk(f"{server.url}/v1"), stream=True)
            async with routed(OpenAICompatible(), f"{server.url}/v1") as router:
                with pytest.raises(AttemptFailed, match=f"HTTP {status}: not now, said the vendor"):
                    await answer_of(router, stream=True)

    asyncio.run(main())


def test_neither_key_nor_prompt_nor_picture_is_in_the_message() -> None:
    picture = "https://files.example/cat.png?signature=0123456789"
    parts = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": {"url": picture}}]

    async def main() -> str:
        server = CompatibleServer(PLAIN)
        server.refusal = Refusal(status=400, body=openai_form(f"{KEY} asked {PROMPT} and {picture}: no"))
        async with server.serving(), routed(OpenAICompatible(), f"{server.url}/v1") as router:
            with pytest.raises(BadRequest) as raised:
                await answer_of(router, stream=True, messages=[{"role": "user", "content": parts}])
        return str(raised.value)

    assert asyncio.run(main()) == "vendor: HTTP 400: *** asked *** and ***: no"


words = st.sampled_from(
    ["code", "type", "status", "message", "detail", "metadata", "reasons", "error", "msg", "details"]
)
said = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(st.none() | st.integers(100, 599), said)
def test_whatever_a_vendor_says_is_one_of_ours(status: int | None, body: object) -> None:
    raised = failure(status, body)
    assert type(raised) is not AttemptFailed
    assert raised.endpoint == "e"


@pytest.mark.parametrize("opening", [b'{"error":', b'{"detail":', b'{"detail":['])
def test_an_error_nested_without_end_is_read(opening: bytes) -> None:
    assert type(failure(500, opening * 100_000)) is ProviderError
    closing = b"]}" if opening.endswith(b"[") else b"}"
    for depth in (100, 400, 900):
        assert type(failure(500, opening * depth + b'"no"' + closing * depth)) is ProviderError
