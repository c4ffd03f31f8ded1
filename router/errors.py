"""Every error of Paceline, in one tree.

    PacelineError
    ├── ConfigurationError                 an object cannot work as built; also a ValueError
    │   ├── DuplicateEndpoint
    │   ├── NotAPolicy
    │   ├── ImpossibleOrder
    │   └── PluginError                    what was asked for by name cannot be had
    │       ├── UnknownPlugin              no installed package offers it
    │       ├── AmbiguousPlugin            two packages do
    │       └── BrokenPlugin               it cannot be imported, or is not what it is offered as
    ├── RouterClosed                       a call outside ``async with router``
    ├── CorruptStatistics                  saved or received statistics cannot be read; also a ValueError
    └── CallError                          a call went wrong; carries its attempts and decisions
        ├── InvalidRequest                 the caller's mistake, found before anything is sent; also a ValueError
        │   ├── UnknownRoute
        │   └── UnknownModel
        ├── NoEndpoint                     nothing is left to choose from
        │   └── ResidencyUnmet
        ├── DeadlineExceeded               time is up
        │   └── DeadlineInsufficient       what is left is too little to begin
        ├── EveryModelFailed               the whole fallback chain failed
        ├── CostLimitReached               ours: the route's money is spent; says when there is more
        ├── PolicyFailed                   a policy raised something that is none of these
        └── AttemptFailed                  one try at one endpoint
            ├── Overloaded                 ours: no slot in time
            ├── Gated                      ours: the endpoint has asked to be left alone until later
            ├── Unsupported                ours: the endpoint cannot do what the request asks for
            ├── Throttled                  ours: no room in the vendor's rate limits in time
            ├── ConnectFailed
            ├── AttemptTimeout             a limit of the attempt: start, first_token, gap, total or slow
            ├── RateLimited                429, with its Retry-After
            ├── ProviderOverloaded         503, 529
            ├── ProviderTimeout            408, 504
            ├── ProviderConflict           409
            ├── ProviderError              5xx, and answers that are not what was promised
            │   ├── MalformedAnswer        not the protocol
            │   └── TruncatedAnswer        ended with neither finish reason nor end marker
            ├── CallerAtFault              nothing another endpoint of this model could mend
            │   ├── BadRequest
            │   ├── ContextTooLong
            │   ├── RequestTooLarge
            │   └── ContentBlocked
            ├── AuthenticationFailed
            ├── PermissionDenied
            ├── QuotaExhausted
            ├── NotFound
            └── StreamInterrupted          after progress: never repeated silently, says how much was delivered

Each class of `AttemptFailed` says whether another try may help (`same`, `elsewhere`, `other_model`), against whom it
speaks (`health`) and what it tells a limit of calls in flight (`signal`): one classification for whoever asks. A single
error may say otherwise, as a vendor's word can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .verdict import Health, Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .chunk import Usage
    from .ledger import Attempt, Decision, Ledger
    from .plugins.plugin import Plugin
    from .shed import Shed


class PacelineError(Exception):
    """Anything Paceline raises.

    reason: one word for counters and labels, such as ``rate_limited``.
    """

    reason: ClassVar[str] = "failed"


class ConfigurationError(PacelineError, ValueError):
    """An object cannot work as it is built. The message says how to mend it."""


class DuplicateEndpoint(ConfigurationError):
    """Two endpoints of one router share a name."""


class NotAPolicy(ConfigurationError):
    """Something in the stack is not ``async (call, emit, next) -> None``."""


class ImpossibleOrder(ConfigurationError):
    """The stack's order cannot work."""


class PluginError(ConfigurationError):
    """What a configuration asked for by name cannot be had. The message names the package and what is installed."""


class UnknownPlugin(PluginError):
    """No installed package offers it."""


class AmbiguousPlugin(PluginError):
    """More than one package offers it."""


class BrokenPlugin(PluginError):
    """It cannot be imported, or is not what its package offers it as. ``plugin`` says whose it is."""

    def __init__(self, message: str, *, plugin: Plugin) -> None:
        super().__init__(message)
        self.plugin = plugin


class RouterClosed(PacelineError):
    """The router is not open. Calls belong inside ``async with router``."""

    reason = "closed"


class CorruptStatistics(PacelineError, ValueError):
    """Saved or received statistics are damaged, cut short, too large, or not Paceline's. Nothing of them was used.

    file: where they were read from, None if not from a file. line: number of the line at fault, from 1; None if it
    is not a matter of one line.
    """

    reason = "corrupt_statistics"

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        where = [] if file is None else [file]
        if line is not None:
            where.append(f"line {line}")
        super().__init__(f"{', '.join(where)}: {message}" if where else message)
        self.file = file
        self.line = line


class CallError(PacelineError):
    """A call failed. ``ledger`` is its full record, set on the way out of the router."""

    ledger: Ledger | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Copied and pickled as it is, but for its ledger: that holds live endpoints, and their keys."""
        return _remade, (type(self), self.args, {**self.__dict__, "ledger": None})

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Every try that was made, in order; empty when none was."""
        return self.ledger.attempts if self.ledger is not None else ()

    @property
    def decisions(self) -> Sequence[Decision]:
        """Every decision that was taken, in order, with its reason."""
        return self.ledger.decisions if self.ledger is not None else ()


def _remade(kind: type[CallError], args: tuple[object, ...], state: dict[str, object]) -> CallError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InvalidRequest(CallError, ValueError):
    """The request cannot be sent to anyone. The message says how to mend it."""

    reason = "invalid"


class UnknownRoute(InvalidRequest):
    """No route has this name."""


class UnknownModel(InvalidRequest):
    """No endpoint serves this model, or not on this route."""


class NoEndpoint(CallError):
    """No endpoint is left to choose from; the decisions say which policy dropped which."""

    reason = "no_endpoint"


class ResidencyUnmet(NoEndpoint):
    """No endpoint lies in a region this call is allowed to use. Nothing was sent."""

    reason = "residency"


class DeadlineExceeded(CallError):
    """The caller's deadline has passed.

    delivered: characters of text that had reached the caller. usage: what the vendor had reported; None if nothing.
    """

    reason = "deadline"

    def __init__(self, message: str, *, delivered: int = 0, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.delivered = delivered
        self.usage = usage


class DeadlineInsufficient(DeadlineExceeded):
    """What is left of the deadline is too little to begin another try. Nothing was started."""

    reason = "deadline_insufficient"


class PolicyFailed(CallError):
    """A policy raised an exception of its own, kept as ``__cause__``: a fault of that policy, not of an endpoint."""

    reason = "policy"


class CostLimitReached(CallError):
    """The money that the route may cost in this window is spent, or reserved for running calls. Nothing was sent.

    opens_in_s: seconds until the next window begins.
    """

    reason = "cost_limit"

    def __init__(self, message: str, *, opens_in_s: float) -> None:
        super().__init__(message)
        self.opens_in_s = opens_in_s


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


class EveryModelFailed(CallError):
    """Each model of the route was tried or passed over, and none answered. ``failures`` has one error a model."""

    reason = "every_model_failed"

    def __init__(self, failures: Sequence[tuple[str, CallError]]) -> None:
        told = "; ".join(f"{model}: {failure}" for model, failure in failures) or "the route has no model left to try"
        super().__init__(f"no model answered ({told})")
        self.failures = tuple(failures)


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
    """The endpoint cannot do what the request asks for. Nothing was sent; the message names it. Another one may."""

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
