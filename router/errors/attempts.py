"""What one try at one endpoint can come to, and what each says to whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..verdict import Health, Signal
from .calls import CallError

if TYPE_CHECKING:
    from ..chunk import Usage
    from ..shed import Shed


class AttemptFailed(CallError):
    """One try at one endpoint failed.

    endpoint: name of the endpoint, None when the failure came before one was chosen.
    same: another try at the same endpoint may help. same_at_most: how often it may be made; None: no limit of its own.
    elsewhere, other_model: a try at another endpoint of the same model, or at another model, may help.
    retryable: False forbids any further try, whatever the class says. Default True.
    health: against whom it speaks. signal: what it says of the endpoint's load.
    retry_after_s: seconds the endpoint asked to be left alone; None when it did not say.
    request_id: the vendor's own, for asking it what happened; None when there was no response.
    """

    same: bool = True
    same_at_most: int | None = None
    elsewhere: bool = True
    other_model: bool = True
    health: Health = Health.ENDPOINT
    signal: Signal = Signal.IGNORED

    def __init__(self, message: str, *, endpoint: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message if endpoint is None else f"{endpoint}: {message}")
        self.endpoint = endpoint
        self.retry_after_s = retry_after_s
        self.request_id: str | None = None
        self.retryable = True

    @property
    def blames_endpoint(self) -> bool:
        """It speaks against the endpoint as configured, its key included, and not against this request or us."""
        return self.health is not Health.NONE


class Overloaded(AttemptFailed):
    """No slot became free in time, here, before anything was sent.

    rule: by which the call was sent away; None where nobody said.
    """

    same = False
    elsewhere = False
    health = Health.NONE
    reason = "overloaded"

    def __init__(self, message: str, *, endpoint: str | None = None, rule: Shed | None = None) -> None:
        super().__init__(message, endpoint=endpoint)
        self.rule = rule


class Gated(AttemptFailed):
    """The endpoint has asked to be left alone, and is. Nothing was sent; ``retry_after_s`` says how long still."""

    health = Health.NONE
    reason = "gated"


class Unsupported(AttemptFailed):
    """The endpoint cannot do what the request asks for; the message names it. Another one may.

    Nothing was sent, as a rule; that its model cannot do an operation, only the vendor can say.
    """

    same = False
    health = Health.NONE
    reason = "unsupported"


class Throttled(AttemptFailed):
    """No room in the vendor's rate limits in time, by our own count. Nothing was sent.

    ``retry_after_s`` says when there will be room, if all goes on as it does.
    """

    same = False
    elsewhere = False
    health = Health.NONE
    reason = "throttled"


class ConnectFailed(AttemptFailed):
    """No connection: name not found, refused, TLS failure, or closed before any answer."""

    same_at_most = 1
    reason = "connect"


class AttemptTimeout(AttemptFailed):
    """A limit of one attempt has passed.

    limit: ``start`` (the leg's time to its first progress, set by a policy), ``first_token``, ``gap``, ``total``, or
        ``slow`` (it brought less than a policy asks for).
    after_s: seconds from the start of the attempt.
    """

    same = False
    signal = Signal.DROPPED
    reason = "timeout"

    def __init__(self, limit: str, after_s: float, *, endpoint: str | None = None) -> None:
        super().__init__(f"{limit} limit passed after {after_s:.3f} s", endpoint=endpoint)
        self.limit = limit
        self.after_s = after_s
        if limit == "start":  # a policy's own patience, shorter than the endpoint's: not yet is no fault
            self.health, self.signal = Health.NONE, Signal.IGNORED


class RateLimited(AttemptFailed):
    """The vendor asked for fewer calls. ``retry_after_s`` is honoured exactly."""

    health = Health.LIMIT
    signal = Signal.DROPPED
    reason = "rate_limited"


class ProviderOverloaded(AttemptFailed):
    """The vendor has no capacity at the moment (503, 529)."""

    signal = Signal.DROPPED
    reason = "provider_overloaded"


class ProviderTimeout(AttemptFailed):
    """The vendor gave up waiting for itself (408, 504)."""

    signal = Signal.DROPPED
    reason = "provider_timeout"


class ProviderConflict(AttemptFailed):
    """The vendor saw a conflict (409)."""

    health = Health.NONE
    reason = "conflict"


class ProviderError(AttemptFailed):
    """The vendor failed (5xx), or answered with something that is no answer."""

    reason = "provider_error"


class MalformedAnswer(ProviderError):
    """The vendor's bytes are not the protocol: HTML, broken JSON, an endless line."""

    reason = "malformed"


class TruncatedAnswer(ProviderError):
    """The stream ended with neither a finish reason nor its end marker."""

    reason = "truncated"


class CallerAtFault(AttemptFailed):
    """The request itself is refused; sending it again to this model cannot help."""

    same = False
    elsewhere = False
    other_model = False
    health = Health.NONE
    reason = "refused"


class BadRequest(CallerAtFault):
    """The vendor calls the request invalid (400, 405, 415, 422)."""

    reason = "bad_request"


class ContextTooLong(CallerAtFault):
    """The prompt does not fit the model's context. Shorten it, or name a route of larger models."""

    reason = "context_too_long"


class RequestTooLarge(CallerAtFault):
    """The request body is too large (413)."""

    reason = "request_too_large"


class ContentBlocked(CallerAtFault):
    """The vendor's content filter blocked the request."""

    reason = "content_blocked"


class AuthenticationFailed(AttemptFailed):
    """The vendor does not accept the key (401). Check the endpoint's ``api_key``."""

    same = False
    health = Health.CREDENTIAL
    reason = "authentication"


class PermissionDenied(AttemptFailed):
    """The key may not use this model (403)."""

    same = False
    health = Health.CREDENTIAL
    reason = "permission"


class QuotaExhausted(AttemptFailed):
    """The account's quota or credit is used up (402, quota 429). Waiting does not help."""

    same = False
    health = Health.CREDENTIAL
    reason = "quota"


class NotFound(AttemptFailed):
    """The vendor knows no such model or deployment (404). Check the endpoint's ``model`` and ``url``."""

    same = False
    health = Health.DEPLOYMENT
    reason = "not_found"


class StreamInterrupted(AttemptFailed):
    """The answer broke off after progress had reached the caller.

    delivered: characters of text that were delivered. usage: what the vendor had reported by then; None if nothing.
    """

    same = False
    elsewhere = False
    other_model = False
    reason = "interrupted"

    def __init__(
        self, message: str, *, delivered: int, usage: Usage | None = None, endpoint: str | None = None
    ) -> None:
        super().__init__(f"{message} ({delivered} characters had been delivered)", endpoint=endpoint)
        self.delivered = delivered
        self.usage = usage
