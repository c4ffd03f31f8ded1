"""Try again after a failure that another try may mend, a bounded number of times.

The first choice is an endpoint that was not tried yet and has a slot free, and then there is nothing to wait for. Only
when there is none does it back off, by a jittered wait (see `jitter`), or for as long as an endpoint has asked to be
left alone: to the letter if it said so to this call, and a jitter longer if to another, so that those who wait do not
all come at once.

Before it sleeps, it looks whether the time would still suffice and whether the router's `Budget` has a permit left. If
not, the failure goes up at once. A failure that found the budget empty goes up as not ``retryable``: no outer policy
need ask again.

A call that found no connection was not served, so another elsewhere adds no load to what is in trouble: it is free of
the budget. When a region cannot be reached, its calls are then lost neither one by one, as each endpoint is found out,
nor all together, as the budget is spent. There are no more tries of a call for that.

Stands inside `Fallback` (a retry stays with the model) and outside everything that chooses an endpoint, so that each
try chooses anew. After the first progress has reached the caller it never tries again.

The limits are tenacity's own stop and wait objects, so that what one knows of tenacity holds. Its loop is not used:
it reads the wall clock and throws its own dice. Nothing of it runs before a first failure.

Sources: gRPC A6 (pushback, and transparent retries of what never reached a server); Finagle's RequeueFilter (the
budget), whose failures that ran out of it say so as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import anyio
import attrs
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from ..router import check
from ..router.budget import Extra, Permit
from ..router.errors import AttemptFailed, ConfigurationError, ConnectFailed, DeadlineInsufficient, NoEndpoint
from ..router.pipeline import Layer
from .jitter import FullJitter, Jitter, told
from .queues import has_room

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target


Limits: TypeAlias = Mapping[type[AttemptFailed], int]


def _jittered(given: Jitter | wait_base) -> Jitter:
    return FullJitter(given) if isinstance(given, wait_base) else given


def _jitter(_instance: object, attribute: attrs.Attribute[Jitter], value: object) -> None:
    if isinstance(value, type) or not isinstance(value, Jitter):
        raise ConfigurationError(
            f"Retry: {attribute.name} must be a jitter such as FullJitter(), or one of tenacity's wait objects, "
            f"not {value!r}"
        )


def _limits(instance: object, attribute: attrs.Attribute[Limits], value: Limits) -> None:
    given_limits: object = value  # whatever the types promise
    if not isinstance(given_limits, Mapping):
        raise ConfigurationError(f"Retry: at_most must be counts by class of AttemptFailed, not {value!r}")
    for kind, most in value.items():
        given: object = kind  # whatever the types promise
        if not (isinstance(given, type) and issubclass(given, AttemptFailed)):
            raise ConfigurationError(f"Retry: at_most must be counts by class of AttemptFailed, not by {given!r}")
        check.count(0)(instance, attribute, most)


@attrs.frozen(kw_only=True)
class Retry:
    """Bounded retries, elsewhere at once or at the same endpoint after a jittered wait.

    stop: tenacity's stop object; it is asked after each failure. Default ``stop_after_attempt(3)``, the first try
        counted.
    wait: how long to back off: a `Jitter`, or one of tenacity's wait objects, which is then the ceiling of a full
        jitter. Default ``FullJitter()``. What an endpoint asks for takes precedence for that endpoint.
    at_most: retries a call may make after failures of one class, those that inherit from it counted, such as
        ``{RateLimited: 1}``; at least 0. Default: *stop* alone limits them.

    What is left until the call must have started takes precedence over all of them, and so does the router's budget;
    a try elsewhere after `ConnectFailed` is free of that.
    Raises the last failure.
    """

    layer: ClassVar[Layer] = Layer.RETRY

    stop: stop_base = attrs.field(factory=lambda: stop_after_attempt(3), validator=check.one_of(stop_base))
    wait: Jitter = attrs.field(factory=FullJitter, converter=_jittered, validator=_jitter)
    at_most: Limits = attrs.field(factory=dict[type[AttemptFailed], int], validator=_limits)
    _tenacity: AsyncRetrying = attrs.field(
        default=attrs.Factory(lambda self: AsyncRetrying(stop=self.stop), takes_self=True),
        init=False, repr=False, eq=False,
    )  # fmt: skip

    def __repr__(self) -> str:
        limits = ", ".join(f"{kind.__name__}: {most}" for kind, most in self.at_most.items())
        return f"Retry(stop={told(self.stop)}, wait={self.wait!r}{f', at_most={{{limits}}}' if limits else ''})"

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        began_s = call.clock()
        try:
            await next(call, emit)
        except AttemptFailed as failed:
            failure = failed
        else:
            return
        state = RetryCallState(self._tenacity, None, (), {})
        state.start_time = began_s
        await _Tries(self, call, state).mend(failure, emit, next)


class _Tries:
    """The tries of one call, after its first has failed."""

    __slots__ = ("_call", "_elsewhere", "_failures", "_jitter_s", "_settings", "_state")

    def __init__(self, settings: Retry, call: Call, state: RetryCallState) -> None:
        self._settings = settings
        self._call = call
        self._state = state
        self._failures: list[AttemptFailed] = []
        """Those that another try was made after."""
        self._jitter_s: float | None = None
        self._elsewhere = True
        """An untried endpoint may be to be had."""

    async def mend(self, failure: AttemptFailed, emit: Emit, next: Handler) -> None:
        """Try until there is an answer, or no other try may be made.

        Raises:
            AttemptFailed: the last failure.
        """
        call, state, ledger = self._call, self._state, self._call.ledger
        while True:
            again, wait_s = self._next_try(failure)
            with self._permit(failure, again) as permit:
                call.note("Retry", "after %s, in %.3f s", failure.reason, wait_s)
                if wait_s > 0:
                    await anyio.sleep(wait_s)
                    state.idle_for += wait_s
                tries, why = len(ledger.attempts), failure.reason
                try:
                    return await next(again.with_(permit=permit), emit)
                except AttemptFailed as failed:
                    self._failures.append(failure)
                    failure = failed
                    state.prepare_for_next_attempt()
                except (NoEndpoint, DeadlineInsufficient):
                    if not self._elsewhere:
                        raise failure from None
                    self._elsewhere = False  # what is untried is not allowed, or not good enough: ask the tried again
                finally:
                    if 0 < tries < len(ledger.attempts):
                        ledger.retries.append(why)

    def _permit(self, failure: AttemptFailed, again: Call) -> Permit:
        tried = self._call.ledger.tried
        if isinstance(failure, ConnectFailed) and not any(tried(target.endpoint) for target in again.candidates):
            return Permit(None, Extra.RETRY)
        permit = self._call.permit_for(Extra.RETRY)
        if permit is None:
            self._call.note("Retry", "gives up: the budget for attempts beyond the first is spent")
            failure.retryable = False
            raise failure
        return permit

    def _next_try(self, failure: AttemptFailed) -> tuple[Call, float]:
        """The view for another try, and the seconds to wait before it.

        Raises:
            AttemptFailed: *failure* itself, if there is to be none.
        """
        call, state = self._call, self._state
        now_s = call.clock()
        state.set_exception((type(failure), failure, failure.__traceback__))
        state.outcome_timestamp = now_s
        if call.ledger.committed or not failure.retryable or not (failure.same or failure.elsewhere):
            raise failure
        if self._too_many(failure):
            call.note("Retry", "gives up: no more tries after %s", failure.reason)
            raise failure
        fresh = self._fresh(now_s) if self._elsewhere and failure.elsewhere else ()
        targets, wait_s = (fresh, 0.0) if fresh else self._tried_again(now_s)
        state.upcoming_sleep = wait_s
        if not targets or self._settings.stop(state):
            raise failure
        if now_s + wait_s >= call.start_by_s:
            call.note("Retry", "gives up: a wait of %.3f s would outlast what is left", wait_s)
            raise failure
        return call.with_(candidates=targets), wait_s

    def _too_many(self, failure: AttemptFailed) -> bool:
        """Whether as many tries as may be were made after failures of this class."""
        return any(
            isinstance(failure, kind) and sum(isinstance(before, kind) for before in self._failures) >= most
            for kind, most in self._settings.at_most.items()
        )

    def _fresh(self, now_s: float) -> tuple[Target, ...]:
        """Endpoints that were not tried yet and can be asked at once."""
        call = self._call
        return tuple(
            target
            for target in call.candidates
            if has_room(target, call) and target.opens_at_s(now_s) <= now_s and not call.ledger.tried(target.endpoint)
        )

    def _tried_again(self, now_s: float) -> tuple[tuple[Target, ...], float]:
        """Which endpoints may be asked after a wait, and the wait."""
        call = self._call
        tried: dict[str, list[Attempt]] = {}
        for attempt in call.ledger.attempts:
            tried.setdefault(attempt.endpoint.name, []).append(attempt)
        forgiving = [
            target
            for target in call.candidates
            if (self._elsewhere or target.name in tried) and _may_be_asked_again(tried.get(target.name, ()))
        ]
        if not forgiving:
            return (), 0.0
        jitter_s = self._jitter_s = self._settings.wait.wait_s(self._state, self._jitter_s, call.dice)
        opens_s = {
            target: target.opens_at_s(now_s) + (0.0 if _said_when(tried.get(target.name, ())) else jitter_s)
            for target in forgiving
        }
        until_s = min(opens_s.values())
        return tuple(target for target in forgiving if opens_s[target] <= until_s), until_s - now_s


def _may_be_asked_again(tries: Sequence[Attempt]) -> bool:
    """Whether an endpoint may be asked once more, after these tries at it."""
    error = tries[-1].error if tries else None
    if error is None:
        return True
    alike = sum(isinstance(attempt.error, type(error)) for attempt in tries)
    return error.same and error.retryable and (error.same_at_most is None or alike <= error.same_at_most)


def _said_when(tries: Sequence[Attempt]) -> bool:
    """Whether an endpoint has told this call when to come back."""
    error = tries[-1].error if tries else None
    return error is not None and error.retry_after_s is not None
