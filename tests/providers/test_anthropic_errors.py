"""Anthropic's refusals as ours: by status and word, before an answer and within one, and without a secret in them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, get_args

import anthropic
import pytest
from anthropic.types.shared.error_type import ErrorType

from paceline.providers.http_errors import BY_WORD
from paceline.router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    BadRequest,
    CallError,
    ContentBlocked,
    ContextTooLong,
    NotFound,
    PermissionDenied,
    ProviderConflict,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    StreamInterrupted,
)

from .anthropic_server import ERROR_STATUS, MODEL, Json, answered, asking_claude, error_body, event, sdk_of, sse
from .loopback import KEY, PROMPT, Say, Vendor, streams

if TYPE_CHECKING:
    from aiohttp import web

KINDS: dict[str, type[AttemptFailed]] = {
    "invalid_request_error": BadRequest,
    "authentication_error": AuthenticationFailed,
    "billing_error": QuotaExhausted,
    "permission_error": PermissionDenied,
    "not_found_error": NotFound,
    "conflict_error": ProviderConflict,
    "request_too_large": RequestTooLarge,
    "rate_limit_error": RateLimited,
    "api_error": ProviderError,
    "timeout_error": ProviderTimeout,
    "overloaded_error": ProviderOverloaded,
}
"""Every type of error that the documentation names."""

OF_OTHER_APIS = {"memory_precondition_failed_error", "memory_path_conflict_error"}

TEXT = (
    event("message_start", message={"model": MODEL}),
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"}),
)


def refuses(body: Json, status: int, **headers: str) -> Say:
    async def say(_request: web.Request) -> web.Response:
        return answered(body, status, **headers)

    return say


def failure_of(say: Say, *, stream: bool = True) -> AttemptFailed:
    async def main() -> AttemptFailed:
        async with asking_claude(Vendor(say)) as asked:
            with pytest.raises(AttemptFailed) as raised:
                await asked.complete(model=MODEL, stream=stream)
        return raised.value

    return asyncio.run(main())


def test_the_table_knows_every_type_of_error_that_the_vendors_own_client_knows() -> None:
    known = set(get_args(ErrorType)) - OF_OTHER_APIS
    assert known <= KINDS.keys() == ERROR_STATUS.keys() <= BY_WORD.keys()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_what_its_status_says(kind: str, *, stream: bool) -> None:
    failure = failure_of(refuses(error_body(kind, "what is wrong"), ERROR_STATUS[kind]), stream=stream)

    assert type(failure) is KINDS[kind]
    assert f"HTTP {ERROR_STATUS[kind]}: what is wrong" in str(failure)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_within_the_stream_is_what_its_type_says(kind: str) -> None:
    assert type(failure_of(streams(TEXT[0], sse("error", error_body(kind, "wrong"))))) is KINDS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_place_of_an_answer_is_what_its_type_says(kind: str) -> None:
    assert type(failure_of(refuses(error_body(kind, "wrong"), 200), stream=False)) is KINDS[kind]


def test_an_error_without_an_event_name_is_one() -> None:
    nameless = b"data: " + sse("error", error_body("overloaded_error", "wrong")).split(b"\ndata: ")[1]
    assert type(failure_of(streams(nameless))) is ProviderOverloaded


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error_body("invalid_request_error", "prompt is too long: 208310 tokens > 200000"), ContextTooLong),
        (
            400,
            error_body("invalid_request_error", "input length and `max_tokens` exceed context limit"),
            ContextTooLong,
        ),
        (400, error_body("invalid_request_error", "Your credit balance is too low"), QuotaExhausted),
        (400, error_body("invalid_request_error", "You have reached your specified API usage limits."), QuotaExhausted),
        (400, error_body("invalid_request_error", "Output blocked by content filtering policy"), ContentBlocked),
        (400, error_body("invalid_request_error", "no", error_code="organization_on_hold"), PermissionDenied),
        (429, error_body("rate_limit_error", "no", error_code="enforced_spend_limit_reached"), QuotaExhausted),
        (429, error_body("rate_limit_error", "no", error_code="contract_spend_limit_reached"), QuotaExhausted),
        (429, error_body("rate_limit_error", "slower", error_code="ramp_limit_exceeded"), RateLimited),
        (429, error_body("rate_limit_error", "slower", error_code="never_heard_of"), RateLimited),
        (500, error_body("overloaded_error", "no"), ProviderOverloaded),
    ],
)
def test_a_code_or_a_message_refines_a_status_that_means_two_things(
    status: int, body: Json, kind: type[AttemptFailed]
) -> None:
    assert type(failure_of(refuses(body, status))) is kind


def test_an_overload_is_told_from_a_failure_and_may_be_tried_elsewhere() -> None:
    overload = failure_of(refuses(error_body("overloaded_error", "Overloaded"), 529, **{"retry-after": "7"}))
    assert overload.reason == "provider_overloaded"
    assert overload.retry_after_s == 7.0
    assert overload.elsewhere


def test_the_vendors_advice_against_a_retry_holds() -> None:
    failure = failure_of(refuses(error_body("api_error", "no"), 500, **{"x-should-retry": "false"}))
    assert not failure.same


def test_an_error_after_progress_says_how_much_was_delivered() -> None:
    async def main() -> None:
        say = streams(*TEXT, sse("error", error_body("overloaded_error", "Overloaded")))
        async with asking_claude(Vendor(say)) as asked:
            with pytest.raises(StreamInterrupted) as raised:
                await asked.stream(model=MODEL)
        assert isinstance(raised.value.__cause__, ProviderOverloaded)

    asyncio.run(main())


@pytest.mark.parametrize("stream", [True, False])
def test_neither_key_nor_prompt_is_in_an_error(*, stream: bool) -> None:
    failure = failure_of(refuses(error_body("api_error", f"{KEY} said {PROMPT}"), 500), stream=stream)

    for told in (str(failure), repr(failure), *map(repr, failure.attempts)):
        assert KEY not in told
        assert PROMPT not in told


@pytest.mark.parametrize("kind", KINDS)
def test_the_vendors_own_client_reads_the_same_from_a_refusal(kind: str) -> None:
    async def main() -> None:
        say = refuses(error_body(kind, "what is wrong"), ERROR_STATUS[kind])
        async with asking_claude(Vendor(say)) as asked:
            async with sdk_of(asked.vendor) as client:
                with pytest.raises(anthropic.APIStatusError) as theirs:
                    await client.messages.create(
                        model=MODEL, max_tokens=9, messages=[{"role": "user", "content": PROMPT}]
                    )
            with pytest.raises(CallError) as ours:
                await asked.complete(model=MODEL)
            assert theirs.value.status_code == ERROR_STATUS[kind]
            assert theirs.value.api_message == "what is wrong"
            assert "what is wrong" in str(ours.value)
            assert ours.value.attempts[0].request_id == theirs.value.request_id == "req_head"

    asyncio.run(main())
