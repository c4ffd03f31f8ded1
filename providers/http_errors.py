"""The vendors' ways of saying no, translated into ours. One table; a test proves that it answers for every status.

The status decides, and the vendor's own word (``error.code``, ``error.type``) refines it where one status means two
things: a 429 is a limit that passes or a quota that is used up, a 400 is any mistake or a prompt that is too long. An
error without a status, inside a 200 or in the middle of a stream, has only its words. A word that is not in the table
changes nothing, and so does a word that contradicts its status.

Source: the documentation on errors of OpenAI, Azure, Anthropic, Google, DeepSeek, Fireworks, Groq, Moonshot,
OpenRouter, Together, llama.cpp, Ollama, SGLang and vLLM; the retry rules of OpenAI's own client.
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
from .rate_limit_headers import rate_limits, used_up_for_s
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
    412: PermissionDenied,  # Fireworks' suspended account
    413: RequestTooLarge,
    415: BadRequest,
    422: BadRequest,
    424: ProviderError,  # Bedrock's "model stream error"
    429: RateLimited,
    498: ProviderOverloaded,  # Groq's full flex tier
    503: ProviderOverloaded,
    504: ProviderTimeout,
    529: ProviderOverloaded,  # Anthropic's "overloaded"
}
"""Every other status is a `ProviderError`."""

BY_WORD: dict[str, type[AttemptFailed]] = {
    word: kind
    for kind, words in {
        BadRequest: (
            "invalid_request_error", "invalid_argument", "invalid_value", "badrequesterror", "not_supported_error",
        ),
        ContextTooLong: (
            "context_length_exceeded", "string_above_max_length", "exceed_context_size_error",
        ),
        RequestTooLarge: ("request_too_large",),
        ContentBlocked: (
            "content_filter", "content_policy_violation", "invalid_prompt", "responsibleaipolicyviolation", "flagged",
        ),
        AuthenticationFailed: (
            "authentication_error", "invalid_api_key", "unauthenticated", "account_deactivated",
            "invalid_authentication_error", "incorrect_api_key_error",
        ),
        PermissionDenied: (
            "permission_error", "permission_denied", "organization_restricted", "unsupported_country_region_territory",
            "organization_on_hold",
        ),
        NotFound: (
            "model_not_found", "deploymentnotfound", "not_found_error", "not_found", "notfounderror",
            "model_decommissioned",
        ),
        RateLimited: (
            "rate_limit_exceeded", "rate_limit_error", "rate_limit_reached_error", "resource_exhausted",
            "too_many_requests", "toomanyrequests", "ramp_limit_exceeded",
        ),
        QuotaExhausted: (
            "insufficient_quota", "insufficient_balance", "insufficient_credits", "exceeded_current_quota_error",
            "quota_exceeded", "payment_required", "credit_balance_too_low", "billing_error", "billing_not_active",
            "billing_hard_limit_reached", "spend_limit_reached", "contract_spend_limit_reached",
            "enforced_spend_limit_reached",
        ),
        ProviderConflict: ("conflict_error",),
        ProviderOverloaded: (
            "overloaded_error", "overloaded", "unavailable", "unavailable_error", "serviceunavailable", "slow_down",
            "server_is_overloaded", "engine_overloaded", "engine_overloaded_error", "capacity_exceeded", "nocapacity",
            "queue_full",
        ),
        ProviderTimeout: ("timeout_error", "deadline_exceeded", "timeout", "request_timeout", "queue_timeout"),
        ProviderError: ("api_error", "server_error", "internal_server_error", "internalservererror"),
    }.items()
    for word in words
}  # fmt: skip

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

TOO_LONG = ("context length", "context window", "context size", "context_length_exceeded", "maximum model length")
"""Servers without codes (vLLM and its like) say it in the message of a 400, and Together in that of a 403."""

NO_CHAT_MODEL = "not a chat model"
"""OpenAI's words in a 404 for a model that is there and does something else. That is no fault of the endpoint's, which
may be busy doing just that."""

MAY_BE_TOO_LONG = (BadRequest, PermissionDenied)

MODEL_AT_FAULT = frozenset({"json_validate_failed", "tool_use_failed"})
"""Groq's codes of a 400 that tells of what the model wrote, not of what was asked: the next try may be right."""

TOLD_IN_A_400: dict[str, type[AttemptFailed]] = {
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
            return word or (ContextTooLong if _speaks_of_length(error) else ProviderError)
        status = error.status
    kind = BY_STATUS.get(status, ProviderError)
    if word is not None and word in REFINES.get(kind, ()):
        return word
    if kind in MAY_BE_TOO_LONG and _speaks_of_length(error):
        return ContextTooLong
    if kind is BadRequest:
        return _told_in_a_400(error)
    return kind


def _told_in_a_400(error: VendorError) -> type[AttemptFailed]:
    if not MODEL_AT_FAULT.isdisjoint(error.words):
        return ProviderError
    message = error.message.lower()
    return next((kind for hint, kind in TOLD_IN_A_400.items() if hint in message), BadRequest)


def _speaks_of_length(error: VendorError) -> bool:
    message = error.message.lower()
    return any(hint in message for hint in TOO_LONG)


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
    if kind is NotFound and NO_CHAT_MODEL in error.message.lower():
        failure.health = Health.NONE
    retry_same = headers.get("x-should-retry")
    try:
        told_s = retry_after_s(headers, received)
        if told_s is None:
            told_s = error.retry_after_s
        if kind is RateLimited:
            if told_s is None:
                told_s = used_up_for_s(rate_limits(headers, received))
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
