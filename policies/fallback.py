"""Try the next model when one is too slow to start, or fails.

A person waiting for a first word prefers a lesser model now to a better one too late. `Fallback` gives each model of
the route a limited time to *start* and moves on when it passes, or when the model fails in a way another could mend.

Outermost: a retry stays with one model, a fallback leaves it, so `Retry` stands inside. Do not use it to spread load:
that is what `Slots` is for.

The last model is given all that is left of the deadline: there is nobody to leave it for. Once the first progress has
reached the caller the answer is committed, and a failure after that is not this policy's to hide.

It needs no timer of its own. It tightens the instant by which the call must have started, and everything inside
(the wait for a slot, the backoff, the attempt) keeps to it.

Leaving a model that was sent the call is one more attempt, and draws on the router's `Budget`. If that is spent, a
model that has failed is not left (its failure goes up, as not ``retryable``), and one that is merely slow goes on: its
answer, though late, is better than none. Passing over a model that was sent nothing is free.

Source: Peña, "Latency-based LLM routing" (timeout with fallback chain), bounded by one deadline as in gRPC A6.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs

from ..router import check
from ..router.budget import Extra
from ..router.errors import (
    AttemptFailed,
    AttemptTimeout,
    CallError,
    DeadlineExceeded,
    DeadlineInsufficient,
    EveryModelFailed,
    NoEndpoint,
)
from ..router.ledger import ModelLeft
from ..router.pipeline import Layer

if TYPE_CHECKING:
    from ..router.budget import Permit
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

DEFAULT_START_WITHIN_S = 2.0

Legs: TypeAlias = "tuple[tuple[str, tuple[Target, ...]], ...]"
"""Models, each with its candidates."""


@attrs.frozen(kw_only=True)
class Fallback:
    """The models of the route in order of preference, each but the last with a limited time to start.

    start_within_s: seconds a model may take to its first progress, queueing and retries included. Default 2.0; above
        0. What is left of the caller's deadline takes precedence when it is less.

    An answer asked for in one piece starts when it is complete: give the limit with that in mind.

    Raises `EveryModelFailed` when more than one was tried and none answered, `DeadlineExceeded` when time was up before
    that; with one model, that model's own error.
    """

    layer: ClassVar[Layer] = Layer.MODEL

    start_within_s: float = attrs.field(default=DEFAULT_START_WITHIN_S, validator=check.positive)

    _legs: Callable[[tuple[str, ...], tuple[Target, ...]], Legs] = attrs.field(
        factory=lambda: lru_cache(maxsize=64)(_by_model), init=False, repr=False, eq=False
    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        legs = self._legs(call.route.models, call.candidates)
        if len(legs) < 2:
            return await next(call, emit)
        *others, (last, last_targets) = legs
        failures: list[tuple[str, CallError]] = []
        permit: Permit | None = None
        for model, targets in others:
            leg = _Leg(call, model)
            try:
                start_by_s = call.clock() + self.start_within_s
                view = call.with_(candidates=targets, start_by_s=start_by_s, may_leave=leg.may_leave, permit=permit)
                return await next(view, emit)
            except (AttemptFailed, NoEndpoint, DeadlineExceeded) as failure:
                paid = leg.leave(failure)
                failures.append((model, failure))
            finally:
                leg.close()
                if permit is not None:
                    permit.release()
            permit = paid
        try:
            return await next(call.with_(candidates=last_targets, permit=permit), emit)
        except (AttemptFailed, NoEndpoint, DeadlineInsufficient) as failure:
            if not _another_may_help(call, failure):
                raise
            failure.ledger = call.ledger
            failures.append((last, failure))
            raise EveryModelFailed(failures) from failure
        finally:
            if permit is not None:
                permit.release()


class _Leg:
    """One model's turn, and what another one is paid with."""

    __slots__ = ("_call", "_model", "_permit")

    def __init__(self, call: Call, model: str) -> None:
        self._call = call
        self._model = model
        self._permit: Permit | None = None

    def may_leave(self) -> bool:
        """The model is late. Whether another can be paid for."""
        if self._permit is None:
            self._permit = self._call.permit_for(Extra.FALLBACK)
            if self._permit is None:
                self._call.note("Fallback", "stays with %s, though it is late: the budget is spent", self._model)
        return self._permit is not None

    def leave(self, failure: CallError) -> Permit:
        """Note that the model is left, and give the permit for the next one.

        Raises:
            CallError: *failure* itself, if the model must not be left.
        """
        call = self._call
        if not _another_may_help(call, failure):
            raise failure
        permit = self._permit or call.permit_for(Extra.FALLBACK)
        if permit is None:
            call.note("Fallback", "gives up: the budget for attempts beyond the first is spent")
            if isinstance(failure, AttemptFailed):
                failure.retryable = False
            raise failure
        self._permit = None
        failure.ledger = call.ledger
        timed_out = isinstance(failure, AttemptTimeout | DeadlineExceeded)
        call.ledger.models_left.append(ModelLeft(self._model, str(failure), timed_out))
        call.note("Fallback", "leaves %s: %s", self._model, failure)
        return permit

    def close(self) -> None:
        """Give back what was not used."""
        if self._permit is not None:
            self._permit.release()


def _by_model(models: tuple[str, ...], candidates: tuple[Target, ...]) -> Legs:
    """The candidates of each model that has any, in the route's order of preference."""
    legs = ((model, tuple(target for target in candidates if target.model == model)) for model in models)
    return tuple((model, targets) for model, targets in legs if targets)


def _another_may_help(call: Call, failure: CallError) -> bool:
    """Whether another model may be tried: the answer is not committed, another may help, and there is time."""
    if call.ledger.committed or call.clock() >= call.deadline_s:
        return False
    if isinstance(failure, AttemptFailed):
        return failure.other_model and failure.retryable
    return isinstance(failure, NoEndpoint | DeadlineInsufficient)
