"""Errors in Anthropic's form: the type and the status that its clients go by."""

from __future__ import annotations

import json

import pytest

from paceline.gateway.dialects import Anthropic
from paceline.gateway.dialects.refused import (
    BodyTooLarge,
    BodyTooSlow,
    ForeignPage,
    GoingDown,
    KeyRefused,
    NotJson,
    NotServed,
    TooManyCalls,
    WrongMethod,
)
from paceline.router import errors
from paceline.router.errors import PacelineError

FORMS: list[tuple[PacelineError, int, str]] = [
    (errors.InvalidRequest("no"), 400, "invalid_request_error"),
    (errors.Unsupported("no"), 400, "invalid_request_error"),
    (errors.ContextTooLong("no"), 400, "invalid_request_error"),
    (KeyRefused("no"), 401, "authentication_error"),
    (ForeignPage("no"), 403, "permission_error"),
    (errors.UnknownModel("no"), 404, "not_found_error"),
    (NotServed("no"), 404, "not_found_error"),
    (WrongMethod("no", allow="POST"), 405, "invalid_request_error"),
    (BodyTooSlow("no"), 408, "timeout_error"),
    (errors.ProviderConflict("no"), 409, "conflict_error"),
    (BodyTooLarge("no"), 413, "request_too_large"),
    (NotJson("no"), 415, "invalid_request_error"),
    (errors.RateLimited("no", retry_after_s=2.5), 429, "rate_limit_error"),
    (errors.PolicyFailed("no"), 500, "api_error"),
    (errors.ProviderError("no"), 502, "api_error"),
    (errors.AuthenticationFailed("no"), 502, "api_error"),
    (TooManyCalls("no"), 503, "overloaded_error"),
    (GoingDown("no"), 503, "overloaded_error"),
    (errors.DeadlineExceeded("no"), 504, "timeout_error"),
    (errors.Overloaded("no"), 529, "overloaded_error"),
    (errors.ProviderOverloaded("no"), 529, "overloaded_error"),
]


@pytest.mark.parametrize(("error", "status", "kind"), FORMS, ids=[type(error).__name__ for error, _, _ in FORMS])
def test_each_error_has_its_status_and_its_type(error: PacelineError, status: int, kind: str) -> None:
    reply = Anthropic().error(error)
    said = json.loads(reply.body)
    assert reply.status == status
    assert said["type"] == "error"
    assert (said["error"]["type"], said["error"]["message"]) == (kind, str(error))
    assert said["error"]["details"]["error_code"]


def test_a_limit_says_when_to_come_back() -> None:
    reply = Anthropic().error(errors.RateLimited("no", retry_after_s=2.5))
    assert (reply.headers["Retry-After"], reply.headers["retry-after-ms"]) == ("3", "2500")


def test_the_method_that_would_do_is_told() -> None:
    assert Anthropic().error(WrongMethod("no", allow="POST")).headers["Allow"] == "POST"
