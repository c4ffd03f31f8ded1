"""Errors in OpenAI's form: ``{"error": {"message", "type", "param", "code"}}``, with the headers its clients heed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .dialect import Reply
from .refused import Mistake, Refused
from .verdict import verdict_on

if TYPE_CHECKING:
    from ...router.errors import PacelineError
    from .verdict import Verdict


class _Error(msgspec.Struct, frozen=True):
    message: str
    type: str
    param: str | None
    code: str


class _Body(msgspec.Struct, frozen=True):
    error: _Error


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
    return Reply(status=verdict.status, body=_body(error, verdict), headers=headers)


def _body(error: PacelineError, verdict: Verdict) -> bytes:
    param = error.param if isinstance(error, Mistake) else None
    return _encode(_Body(_Error(str(error), _type(verdict), param, verdict.code)))


def _type(verdict: Verdict) -> str:
    """OpenAI's own types; its clients go by the status."""
    if verdict.status == 429:
        return "insufficient_quota" if verdict.code == "insufficient_quota" else "rate_limit_error"
    if verdict.status == 401:
        return "authentication_error"
    return "invalid_request_error" if verdict.status < 500 else "server_error"
