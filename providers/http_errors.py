"""The vendors' ways of saying no, translated into ours. One table; a test proves that it answers for every status.

The status decides, and the vendor's own word (``error.code``, ``error.type``) refines it where one status means two
things: a 429 is a limit that passes or a quota that is used up, a 400 is any mistake or a prompt that is too long. An
error without a status, inside a 200 or in the middle of a stream, has only its words. A word that is not in the table
changes nothing, and so does a word that contradicts its status.

Source: the documentation of OpenAI, Azure, Anthropic and Google on errors; the retry rules of OpenAI's own client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    BadRequest,
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
)
from ..router.verdict import Health
from .error_body import VendorError, scrubbed
from .quota_reset import quota_reset_s
from .retry_after import IN_MILLISECONDS, NotToBeRetried, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

BY_STATUS: dict[int, type[AttemptFailed]] = {
    400: BadRequest,
    401: AuthenticationFailed,
    402: QuotaExhausted,
    403: PermissionDenied,
    404: NotFound,
    405: BadRequest,
    408: ProviderTimeout,
    409: ProviderConflict,
    413: RequestTooLarge,
    415: BadRequest,
    422: BadRequest,
    424: ProviderError,  # Bedrock's "model stream error"
    429: RateLimited,
    503: ProviderOverloaded,
    504: ProviderTimeout,
    529: ProviderOverloaded,  # Anthropic's "overloaded"
}
"""Every other status is a `ProviderError`."""

BY_WORD: dict[str, type[AttemptFailed]] = {
    "invalid_request_error": BadRequest,
    "invalid_argument": BadRequest,
    "context_length_exceeded": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "request_too_large": RequestTooLarge,
    "content_filter": ContentBlocked,
    "content_policy_violation": ContentBlocked,
    "authentication_error": AuthenticationFailed,
    "invalid_api_key": AuthenticationFailed,
    "unauthenticated": AuthenticationFailed,
    "permission_error": PermissionDenied,
    "permission_denied": PermissionDenied,
    "model_not_found": NotFound,
    "deploymentnotfound": NotFound,
    "not_found_error": NotFound,
    "not_found": NotFound,
    "rate_limit_exceeded": RateLimited,
    "rate_limit_error": RateLimited,
    "resource_exhausted": RateLimited,
    "insufficient_quota": QuotaExhausted,
    "insufficient_balance": QuotaExhausted,
    "insufficient_credits": QuotaExhausted,
    "credit_balance_too_low": QuotaExhausted,
    "billing_error": QuotaExhausted,
    "billing_not_active": QuotaExhausted,
    "billing_hard_limit_reached": QuotaExhausted,
    "spend_limit_reached": QuotaExhausted,
    "contract_spend_limit_reached": QuotaExhausted,  # Anthropic's, with a 429, as is the next
    "enforced_spend_limit_reached": QuotaExhausted,
    "ramp_limit_exceeded": RateLimited,
    "organization_on_hold": PermissionDenied,
    "overloaded_error": ProviderOverloaded,
    "overloaded": ProviderOverloaded,
    "unavailable": ProviderOverloaded,
    "timeout_error": ProviderTimeout,
    "conflict_error": ProviderConflict,
    "deadline_exceeded": ProviderTimeout,
    "api_error": ProviderError,
    "server_error": ProviderError,
    "internal_server_error": ProviderError,
}

REFINES: dict[type[AttemptFailed], frozenset[type[AttemptFailed]]] = {
    BadRequest: frozenset(
        {ContextTooLong, ContentBlocked, RequestTooLarge, NotFound, AuthenticationFailed, PermissionDenied}
    ),
    RequestTooLarge: frozenset({ContextTooLong}),
    PermissionDenied: frozenset({QuotaExhausted, ContentBlocked}),
    RateLimited: frozenset({QuotaExhausted, ProviderOverloaded}),
    ProviderError: frozenset({ProviderOverloaded, ProviderTimeout}),
}
"""What a word may make of a status's class. Anything else it says is taken for a slip of the vendor's."""

SPILLS_OVER_S = 1.0
"""A 429 that asks, in milliseconds, for less than this is how provisioned throughput says that it is fully used, as it
should be: it is no fault. Source: Azure's documentation of provisioned throughput."""

TOO_LONG = ("maximum context length", "context window", "context_length_exceeded")
"""Servers without codes (vLLM and its like) say it in the message of a 400."""

TOLD_IN_A_400: dict[str, type[AttemptFailed]] = {
    **dict.fromkeys(TOO_LONG, ContextTooLong),
    "prompt is too long": ContextTooLong,
    "exceed context limit": ContextTooLong,
    "credit balance is too low": QuotaExhausted,
    "reached your specified api usage limits": QuotaExhausted,
    "content filtering policy": ContentBlocked,
}
"""Of those who have no word for it but only a message: Anthropic calls all of these an invalid request."""


def kind_of(status: int | None, error: VendorError) -> type[AttemptFailed]:
    """The class of a failure. *status*: of the response; None or below 300 when that promised an answer."""
    word = next((BY_WORD[word] for word in error.words if word in BY_WORD), None)
    if status is None or 200 <= status < 300:
        if error.status is None:
            return word or ProviderError
        status = error.status
    kind = BY_STATUS.get(status, ProviderError)
    if word is not None and word in REFINES.get(kind, ()):
        return word
    if kind is BadRequest:
        message = error.message.lower()
        return next((told for hint, told in TOLD_IN_A_400.items() if hint in message), kind)
    return kind


def failure_of(
    error: VendorError,
    headers: Mapping[str, str],
    *,
    status: int | None,
    endpoint: str,
    hidden: Iterable[str],
    received: datetime,
) -> AttemptFailed:
    """The error to raise.

    status: of the response. hidden: strings that may not appear in a message. received: now, by the calendar.
    """
    kind = kind_of(status, error)
    told = scrubbed(error.message, hidden)
    where = "an error in place of an answer" if status is None or 200 <= status < 300 else f"HTTP {status}"
    failure = kind(f"{where}: {told}" if told else where, endpoint=endpoint)
    retry_same = headers.get("x-should-retry")
    try:
        told_s = retry_after_s(headers, received)
        if told_s is None:
            told_s = error.retry_after_s
        if kind is RateLimited:
            if told_s is None:
                told_s = quota_reset_s(headers, received)
            elif told_s < SPILLS_OVER_S and any(name in headers for name in IN_MILLISECONDS):
                failure.health = Health.NONE
        failure.retry_after_s = told_s
    except NotToBeRetried:
        retry_same = "false"
    if retry_same == "false" or (retry_same != "true" and _is_unheard_of(status)):
        only_elsewhere(failure)
    return failure


def _is_unheard_of(status: int | None) -> bool:
    """Whether nobody knows what *status* means here: neither success, nor in the table, nor a server's failure."""
    return status is not None and status not in BY_STATUS and not 200 <= status < 300 and not 500 <= status < 600


def only_elsewhere(failure: AttemptFailed) -> None:
    """Another try at the same endpoint cannot help, though it could with most failures of this class."""
    failure.same = False
