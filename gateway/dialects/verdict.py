"""What each error means to a client over HTTP: its status, a word for it, and whether to come back.

One table for every form of the API. Its rules, beyond the obvious:

- What the vendor holds against *our* key, account or deployment is not the client's doing: a 502, never a 401 or 404
  that would send people to look at their own key. A quota that is used up stays a 429, as clients know it.
- 429 and 503 always say when to come back.
- Clients of OpenAI and Anthropic repeat 408, 409, 429 and 5xx by themselves, twice by default. Where that cannot help
  (the deadline was spent, the budget for extra attempts is) the answer says so, and they heed it.

Source: the retry rules of the vendors' own clients; their documentation of errors.
"""

from __future__ import annotations

import msgspec

from ...router import errors
from ...router.errors import AttemptFailed, CostLimitReached, EveryModelFailed, PacelineError
from .refused import Refused

SOON_S = 1.0
"""When to come back where nobody knows better."""

HOPELESS = False
AS_EVER = None

KINDS: dict[type[PacelineError], tuple[int, str, bool | None]] = {
    PacelineError: (500, "internal_error", HOPELESS),
    errors.RouterClosed: (503, "restarting", AS_EVER),
    errors.InvalidRequest: (400, "invalid_request", HOPELESS),
    errors.UnknownRoute: (404, "route_not_found", HOPELESS),
    errors.UnknownModel: (404, "model_not_found", HOPELESS),
    errors.NoEndpoint: (503, "no_endpoint", AS_EVER),
    errors.ResidencyUnmet: (400, "residency_unmet", HOPELESS),
    errors.OperationUnmet: (400, "operation_unsupported", HOPELESS),
    errors.DeadlineExceeded: (504, "deadline_exceeded", HOPELESS),
    errors.EveryModelFailed: (502, "every_model_failed", AS_EVER),
    errors.CostLimitReached: (429, "cost_limit_reached", HOPELESS),
    errors.PolicyFailed: (500, "policy_failed", HOPELESS),
    errors.AttemptFailed: (502, "provider_error", AS_EVER),
    errors.Overloaded: (503, "overloaded", AS_EVER),
    errors.Gated: (503, "endpoint_gated", AS_EVER),
    errors.Unsupported: (400, "unsupported", HOPELESS),
    errors.Throttled: (429, "rate_limit_exceeded", AS_EVER),
    errors.ConnectFailed: (502, "connect_failed", AS_EVER),
    errors.AttemptTimeout: (504, "timeout", AS_EVER),
    errors.RateLimited: (429, "rate_limit_exceeded", AS_EVER),
    errors.ProviderOverloaded: (503, "provider_overloaded", AS_EVER),
    errors.ProviderTimeout: (504, "provider_timeout", AS_EVER),
    errors.ProviderConflict: (409, "provider_conflict", AS_EVER),
    errors.BadRequest: (400, "invalid_request", HOPELESS),
    errors.ContextTooLong: (400, "context_length_exceeded", HOPELESS),
    errors.RequestTooLarge: (413, "request_too_large", HOPELESS),
    errors.ContentBlocked: (400, "content_filter", HOPELESS),
    errors.AuthenticationFailed: (502, "provider_authentication", HOPELESS),
    errors.PermissionDenied: (502, "provider_permission", HOPELESS),
    errors.QuotaExhausted: (429, "insufficient_quota", HOPELESS),
    errors.NotFound: (502, "provider_not_found", HOPELESS),
    errors.StreamInterrupted: (502, "stream_interrupted", HOPELESS),
}
"""By class; what is not listed is as what it descends from."""

NOW_OR_LATER = (429, 503)
"""Statuses of what may pass."""


class Verdict(msgspec.Struct, frozen=True):
    """What to tell a client.

    status: of HTTP. code: the reason in a word. retry_after_s: seconds until it may be worth another try; None: not
    told. should_retry: False: another try cannot help; None: as the client sees fit.
    """

    status: int
    code: str
    retry_after_s: float | None = None
    should_retry: bool | None = None

    def headers(self) -> dict[str, str]:
        """The headers that clients heed. Both clocks: whole seconds for all, milliseconds for those who look."""
        told: dict[str, str] = {}
        if self.retry_after_s is not None:
            told["Retry-After"] = str(max(1, -int(-self.retry_after_s // 1)))
            told["retry-after-ms"] = str(max(0, round(self.retry_after_s * 1000)))
        if self.should_retry is not None:
            told["x-should-retry"] = "true" if self.should_retry else "false"
        return told


def verdict_on(error: PacelineError) -> Verdict:
    """What *error* means to a client."""
    if isinstance(error, Refused):
        return Verdict(error.status, error.code, error.retry_after_s, AS_EVER if error.status in {408, 503} else False)
    if isinstance(error, EveryModelFailed) and error.failures:
        return _of_several([verdict_on(failure) for _, failure in error.failures])
    status, code, should_retry = next(KINDS[kind] for kind in type(error).__mro__ if kind in KINDS)
    retry_after_s = SOON_S if status in NOW_OR_LATER and should_retry is AS_EVER else None
    if isinstance(error, CostLimitReached):
        retry_after_s = error.opens_in_s
    if isinstance(error, AttemptFailed):
        if not error.retryable:
            should_retry = HOPELESS
        if error.retry_after_s is not None:
            retry_after_s = error.retry_after_s
    return Verdict(status, code, retry_after_s, should_retry)


def _of_several(verdicts: list[Verdict]) -> Verdict:
    """Of models that all failed: what they have in common, else the kindest thing that is true of one of them."""
    statuses = {verdict.status for verdict in verdicts}
    should_retry = AS_EVER if any(verdict.should_retry is AS_EVER for verdict in verdicts) else HOPELESS
    waits_s = [verdict.retry_after_s for verdict in verdicts if verdict.retry_after_s is not None]
    if len(statuses) == 1:
        status = statuses.pop()
    elif not statuses.isdisjoint(NOW_OR_LATER):
        status = 503
    else:
        status = 504 if 504 in statuses else 502
    code = verdicts[0].code if len({verdict.code for verdict in verdicts}) == 1 else "every_model_failed"
    return Verdict(status, code, min(waits_s) if waits_s else None, should_retry)
