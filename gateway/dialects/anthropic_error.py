"""Errors in Anthropic's form: ``{"type": "error", "error": {"type", "message", "details"}}``.

Status and headers are the `verdict`'s, but for one: that the vendors have no room is 529 there, a status of its own.
What the gateway itself has no room for stays a 503, which load balancers in front of it know.

Source: Anthropic's documentation of errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .dialect import Reply
from .refused import Refused
from .verdict import verdict_on

if TYPE_CHECKING:
    from ...router.errors import PacelineError
    from .verdict import Verdict

OVERLOADED = 529

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}
"""By status. Any other is ``invalid_request_error`` below 500 and ``api_error`` from there."""


class _Details(msgspec.Struct, frozen=True):
    error_code: str


class _Error(msgspec.Struct, frozen=True):
    type: str
    message: str
    details: _Details


class _Body(msgspec.Struct, frozen=True):
    error: _Error
    type: str = "error"


_encode = msgspec.json.Encoder().encode


def error_body(error: PacelineError) -> bytes:
    """The JSON of *error*."""
    return _body(error, verdict_on(error))


def error_reply(error: PacelineError) -> Reply:
    """The answer that *error* makes."""
    verdict = verdict_on(error)
    headers = verdict.headers()
    if isinstance(error, Refused) and error.allow:
        headers["Allow"] = error.allow
    status = OVERLOADED if verdict.status == 503 and not isinstance(error, Refused) else verdict.status
    return Reply(status=status, body=_body(error, verdict), headers=headers)


def _body(error: PacelineError, verdict: Verdict) -> bytes:
    kind = TYPES.get(verdict.status, "invalid_request_error" if verdict.status < 500 else "api_error")
    return _encode(_Body(_Error(kind, str(error), _Details(verdict.code))))
