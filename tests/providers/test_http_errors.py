"""The table of failures: total, and true to the status where a word contradicts it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers.error_body import MOST_SHOWN, VendorError, read_error, scrubbed
from paceline.providers.http_errors import BY_STATUS, BY_WORD, REFINES, failure_of, kind_of
from paceline.router import errors
from paceline.router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    BadRequest,
    ContextTooLong,
    NotFound,
    ProviderError,
    ProviderOverloaded,
    QuotaExhausted,
    RateLimited,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def failure(
    status: int | None, error: VendorError | None = None, headers: Mapping[str, str] | None = None
) -> AttemptFailed:
    return failure_of(error or VendorError(), headers or {}, status=status, endpoint="e", hidden=["hush"], received=NOW)


@pytest.mark.parametrize("words", [(), *((word,) for word in BY_WORD), ("never heard of",)])
def test_every_status_and_word_has_a_class_that_can_be_raised(words: tuple[str, ...]) -> None:
    for status in (None, *range(100, 600)):
        raised = failure(status, VendorError(words=words))
        assert raised.endpoint == "e"
        if status is not None and not 200 <= status < 300:
            assert f"HTTP {status}" in str(raised)


def test_every_class_of_the_tree_that_a_vendor_can_cause_is_in_the_table() -> None:
    ours = {
        "Overloaded", "Gated", "Throttled", "Unsupported", "ConnectFailed", "AttemptTimeout", "StreamInterrupted",
        "MalformedAnswer",
        "TruncatedAnswer",
    }  # fmt: skip
    tree = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AttemptFailed)}
    caused = {kind for kind in tree if kind.__name__ not in {*ours, "AttemptFailed", "CallerAtFault"}}
    assert {*BY_STATUS.values(), *BY_WORD.values()} == caused


def test_a_word_refines_a_status_only_within_its_family() -> None:
    assert kind_of(429, VendorError(words=("insufficient_quota",))) is QuotaExhausted
    assert kind_of(429, VendorError(words=("requests", "billing_not_active"))) is QuotaExhausted
    assert kind_of(429, VendorError(words=("invalid_api_key",))) is RateLimited
    assert kind_of(500, VendorError(words=("overloaded_error",))) is ProviderOverloaded
    assert kind_of(500, VendorError(words=("invalid_request_error",))) is ProviderError
    assert kind_of(401, VendorError(words=("rate_limit_exceeded",))) is AuthenticationFailed
    for kinds in REFINES.values():
        assert kinds <= set(BY_WORD.values())


def test_without_a_status_the_word_decides_and_then_the_status_the_error_names() -> None:
    assert kind_of(None, VendorError(words=("model_not_found", "invalid_request_error"))) is NotFound
    assert kind_of(200, VendorError(status=429)) is RateLimited
    assert kind_of(200, VendorError(status=429, words=("insufficient_quota",))) is QuotaExhausted
    assert kind_of(200, VendorError(words=("never heard of",))) is ProviderError


def test_servers_without_codes_tell_of_length_in_words() -> None:
    assert kind_of(400, VendorError(message="Maximum context length is 4096 tokens")) is ContextTooLong
    assert kind_of(400, VendorError(message="The context is fine")) is BadRequest


@pytest.mark.parametrize(
    ("status", "headers", "same"),
    [
        (500, {}, True),
        (500, {"x-should-retry": "false"}, False),
        (429, {"retry-after": "soon"}, False),
        (429, {"retry-after": "5"}, True),
        (418, {}, False),
        (418, {"x-should-retry": "true"}, True),
        (302, {}, False),
        (400, {"x-should-retry": "true"}, False),
    ],
)
def test_whether_the_same_endpoint_may_be_tried_again(status: int, headers: dict[str, str], *, same: bool) -> None:
    raised = failure(status, headers=headers)
    assert raised.same is same
    assert type(raised)("another").same is type(raised).same, "the class is as it was"


def test_a_header_tells_better_than_the_body_when_to_come_back() -> None:
    told = VendorError(retry_after_s=17.0)
    assert failure(429, told).retry_after_s == 17.0
    assert failure(429, told, {"retry-after": "3"}).retry_after_s == 3.0
    assert failure(503, None, {"retry-after": "3"}).retry_after_s == 3.0


def test_a_message_never_holds_what_is_hidden() -> None:
    assert str(failure(401, VendorError(message="key hush is wrong"))) == "e: HTTP 401: key *** is wrong"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            b'{"error": {"message": "m", "type": "T", "code": "C"}}',
            VendorError(message="m", words=("c", "t")),
        ),
        (b'{"error": {"message": "m", "code": 429}}', VendorError(message="m", status=429)),
        (b'{"error": {"message": "m", "code": "503"}}', VendorError(message="m", status=503)),
        (b'{"error": {"message": "m", "code": true, "type": 7}}', VendorError(message="m")),
        (b'{"error": "m"}', VendorError(message="m")),
        (b'{"error": true, "message": "m"}', VendorError(message="m")),
        (b'{"error": {}, "detail": "m"}', VendorError(message="m")),
        (b'{"message": "m", "type": "t"}', VendorError(message="m", words=("t",))),
        (b'{"detail": [{"input": "the prompt"}]}', VendorError()),
        (b'"m"', VendorError(message="m")),
        (b"[]", VendorError()),
        (b"7", VendorError()),
        (b"", VendorError()),
        (b"  m \n", VendorError(message="m")),
        (b"<html>no</html>", VendorError(message="an HTML page")),
        (b'{"error": "\xff"}', VendorError(message='{"error": "\N{REPLACEMENT CHARACTER}"}')),
        (
            b'[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [7, {}, {"retryDelay": "17s"}]}}]',
            VendorError(words=("resource_exhausted",), status=429, retry_after_s=17.0),
        ),
    ],
)
def test_the_error_is_found_in_whatever_was_sent(body: bytes, error: VendorError) -> None:
    assert read_error(body) == error


@given(st.binary(max_size=200))
def test_no_body_crashes_it(body: bytes) -> None:
    read_error(body)


def test_what_is_shown_is_short_on_one_line_and_without_keys() -> None:
    assert scrubbed("a\n  b", []) == "a b"
    assert len(scrubbed("x" * 1000, [])) == MOST_SHOWN
    assert scrubbed("Incorrect API key provided: sk-abcd****wxyz.", []) == "Incorrect API key provided: ***"
