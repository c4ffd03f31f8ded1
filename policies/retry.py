"""Try again after a failure that another try may mend, a bounded number of times.

The first choice is an endpoint that was not tried yet and has a slot free, and then there is nothing to wait for. Only
when there is none does it back off, by

    wait = U(0, ceiling(n)),   ceiling(n) = min(8 s, 0.25 s * 2^(n-1))   by default

with n the failures so far: full jitter, which keeps clients that failed together from coming back together. What a
vendor says in Retry-After is honoured to the letter, endpoint by endpoint. Before it sleeps, it looks whether the time
would still suffice; if not, the failure goes up at once.

Stands inside `Fallback` (a retry stays with the model) and outside everything that chooses an endpoint, so that each
try chooses anew. After the first progress has reached the caller it never tries again.

The limits are tenacity's own stop and wait objects, so that what one knows of tenacity holds. Its loop is not used:
it reads the wall clock and throws its own dice. Nothing of it runs before a first failure.

Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter); gRPC A6 (pushback).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import anyio
import attrs
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt, wait_exponential
from tenacity.stop import stop_base
from tenacity.wait import (
    wait_base,
    wait_chain,
    wait_combine,
    wait_exponential_jitter,
    wait_random,
    wait_random_exponential,
)

from ..router import check
from ..router.errors import AttemptFailed, ConfigurationError, DeadlineInsufficient, NoEndpoint
from ..router.pipeline import Layer

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

THROWS_ITS_OWN_DICE = (wait_random, wait_random_exponential, wait_exponential_jitter)


def _fixed(instance: object, attribute: attrs.Attribute[wait_base], value: wait_base) -> None:
    check.one_of(wait_base)(instance, attribute, value)
    if _throws_dice(value):
        raise ConfigurationError(
            f"Retry: wait is the ceiling of a full jitter drawn by Retry itself, and {type(value).__name__} draws "
            "its own: give wait_exponential, wait_fixed or wait_incrementing"
        )


def _throws_dice(wait: object) -> bool:
    """Whether a wait is random, or put together of waits of which one is."""
    if isinstance(wait, wait_combine):
        return any(map(_throws_dice, wait.wait_funcs))
    if isinstance(wait, wait_chain):
        return any(map(_throws_dice, wait.strategies))
    return isinstance(wait, THROWS_ITS_OWN_DICE)


@attrs.frozen(kw_only=True)
class Retry:
    """Bounded retries, elsewhere at once or at the same endpoint after a jittered wait.

    stop: tenacity's stop object; it is asked after each failure. Default ``stop_after_attempt(3)``, the first try
        counted.
    wait: tenacity's wait object, the ceiling of the jitter, in seconds. Default ``wait_exponential(0.25, max=8)``.
        An endpoint's Retry-After takes precedence for that endpoint.

    What is left until the call must have started takes precedence over both. Raises the last failure.
    """

    layer: ClassVar[Layer] = Layer.RETRY

    stop: stop_base = attrs.field(factory=lambda: stop_after_attempt(3), validator=check.one_of(stop_base))
    wait: wait_base = attrs.field(factory=lambda: wait_exponential(multiplier=0.25, max=8), validator=_fixed)
    _tenacity: AsyncRetrying = attrs.field(
        default=attrs.Factory(lambda self: AsyncRetrying(stop=self.stop, wait=self.wait), takes_self=True),
        init=False, repr=False, eq=False,
    )  # fmt: skip

    def __repr__(self) -> str:
        return f"Retry(stop={_told(self.stop)}, wait={_told(self.wait)})"

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        began_s = call.clock()
        try:
            return await next(call, emit)
        except AttemptFailed as first:
            failure = first
        state = RetryCallState(self._tenacity, None, (), {})
        state.start_time = began_s
        elsewhere = True
        while True:
            again, wait_s = self._next_try(call, failure, state, elsewhere=elsewhere)
            why = failure.reason
            call.note("Retry", "after %s, in %.3f s", why, wait_s)
            if wait_s > 0:
                await anyio.sleep(wait_s)
                state.idle_for += wait_s
            tries = len(call.ledger.attempts)
            try:
                return await next(again, emit)
            except AttemptFailed as failed:
                failure = failed
                state.prepare_for_next_attempt()
            except (NoEndpoint, DeadlineInsufficient):
                if not elsewhere:
                    raise failure from None
                elsewhere = False  # what is untried is not allowed, or not good enough: ask the tried ones again
            finally:
                if len(call.ledger.attempts) > tries:
                    call.ledger.retries.append(why)

    def _next_try(
        self, call: Call, failure: AttemptFailed, state: RetryCallState, *, elsewhere: bool
    ) -> tuple[Call, float]:
        """The view for another try, and the seconds to wait before it. *elsewhere*: an untried endpoint is to be had.

        Raises:
            AttemptFailed: *failure* itself, if there is to be none.
        """
        now_s = call.clock()
        state.set_exception((type(failure), failure, failure.__traceback__))
        state.outcome_timestamp = now_s
        if call.ledger.committed or not failure.retryable or not (failure.same or failure.elsewhere):
            raise failure
        fresh = tuple(
            target for target in call.candidates if target.slots.has_room and not call.ledger.tried(target.endpoint)
        )
        if fresh and elsewhere and failure.elsewhere:
            again, wait_s = fresh, 0.0
        else:
            again, wait_s = self._tried_again(call, state, now_s, elsewhere=elsewhere)
        state.upcoming_sleep = wait_s
        if not again or self.stop(state):
            raise failure
        if now_s + wait_s >= call.start_by_s:
            call.note("Retry", "gives up: a wait of %.3f s would outlast what is left", wait_s)
            raise failure
        return call.with_(candidates=again), wait_s

    def _tried_again(
        self, call: Call, state: RetryCallState, now_s: float, *, elsewhere: bool
    ) -> tuple[tuple[Target, ...], float]:
        """Which of the endpoints that failed may be asked again, and the wait before that."""
        last = {attempt.endpoint.name: attempt for attempt in call.ledger.attempts}
        forgiving = [
            target
            for target in call.candidates
            if (elsewhere or target.name in last) and _may_be_asked_again(last.get(target.name))
        ]
        if not forgiving:
            return (), 0.0
        jitter_s = call.dice.uniform(0.0, self.wait(state))
        opens_s = {target: _opens_s(last.get(target.name), now_s + jitter_s) for target in forgiving}
        until_s = min(opens_s.values())
        return tuple(target for target in forgiving if opens_s[target] <= until_s), until_s - now_s


def _may_be_asked_again(attempt: Attempt | None) -> bool:
    return attempt is None or attempt.error is None or (attempt.error.same and attempt.error.retryable)


def _opens_s(attempt: Attempt | None, otherwise_s: float) -> float:
    """The instant from which an endpoint may be asked again: its own Retry-After, else *otherwise_s*."""
    if attempt is None or attempt.error is None or attempt.finished_s is None or attempt.error.retry_after_s is None:
        return otherwise_s
    return attempt.finished_s + attempt.error.retry_after_s


def _told(limit: object) -> str:
    """Tenacity's objects have no repr of their own; their parameters are plain attributes."""
    given = ", ".join(f"{name}={value!r}" for name, value in vars(limit).items())
    return f"{type(limit).__name__}({given})"
