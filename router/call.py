"""The view of a call that is handed down the pipeline.

It is frozen: a policy narrows it with ``call.with_(candidates=...)`` and passes the narrower view on, so two hedged
legs, or two attempts, cannot disturb each other. What must be shared is in the `Ledger`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from .budget import Extra, Permit

if TYPE_CHECKING:
    from .budget import Budget
    from .clock import Clock
    from .events import Listeners
    from .ledger import Attempt, Ledger
    from .legs import Legs
    from .mirrors import Mirrors
    from .patience import Patience
    from .pipeline import Policy
    from .request import Request, Urgency
    from .route import Route
    from .slots import Lease
    from .statistics.lengths import Lengths
    from .target import Target
    from .timers import Timers
    from .witness import Witness


class Call(msgspec.Struct, frozen=True, eq=False):
    """One call on its way in.

    candidates: the endpoints still in question, the preferred first.
    tied: how many of the leading candidates are as good as one another; a balancer chooses among these first.
    start_by_s: when the first progress must be there, at most the deadline; a fallback leg tightens it.
    deadline_s: when the caller stops waiting, on the router's clock. Never grows on the way in.
    request, route: what is wanted, and the class of traffic it belongs to.
    lengths: how long the route's answers have been.
    prompt_tokens: how long the prompt is, as the request says or as estimated. size: to the octave.
    max_tokens: cap of the answer: the request's, the route's or a policy's, whichever is least; None if none has one.
        This is what counts, whatever the request says. An embedding has no tokens, and so no cap.
    residency: regions this call may use; None: all.
    ledger: the record of the call, shared by all views of it.
    budget: what attempts beyond the first are paid from.
    legs: the router's, for those that are to be ended and may outlive the call. timers: the router's.
    mirrors: the router's, for copies of the call; None where no router made it.
    listeners: those who are told of its events. clock, dice: time and chance.
    lease: the slot this attempt holds; None before one is taken.
    attempt: this attempt's record, for the provider; None above `dispatch`.
    permit: what this attempt was paid with; None for a first.
    may_leave: asked when *start_by_s* has passed and the attempt goes on; if it may not be left, that limit is lifted.
        None: it may.
    witness: told of each attempt as it is sent; None: nobody is. Who replaces it tells the one before.
    patience: how long its attempts are waited for once they have begun to answer; None: as the endpoints' limits say.
    meddler: stands around the provider itself, inside each attempt, so that what it does is taken for the endpoint's
        doing; None: nobody does.

    Fields that views differ in stand first: msgspec looks a keyword up from the first field on. (Sixteen keywords cost
    2.5 us, as many positions 0.2.)
    """

    candidates: tuple[Target, ...]
    tied: int
    start_by_s: float
    deadline_s: float
    request: Request
    route: Route
    lengths: Lengths
    prompt_tokens: int
    size: int
    max_tokens: int | None
    residency: frozenset[str] | None
    ledger: Ledger
    budget: Budget
    legs: Legs
    timers: Timers
    mirrors: Mirrors | None
    listeners: Listeners
    clock: Clock
    dice: random.Random
    lease: Lease | None = None
    attempt: Attempt | None = None
    permit: Permit | None = None
    may_leave: Callable[[], bool] | None = None
    witness: Witness | None = None
    patience: Patience | None = None
    meddler: Policy | None = None

    def with_(
        self,
        *,
        candidates: tuple[Target, ...] | None = None,
        tied: int | None = None,
        start_by_s: float | None = None,
        may_leave: Callable[[], bool] | None = None,
        deadline_s: float | None = None,
        permit: Permit | None = None,
        lease: Lease | None = None,
        attempt: Attempt | None = None,
    ) -> Call:
        """A narrower view. What is left out stays; limits in time can only be tightened.

        candidates: a selection of this call's own.
        tied: default, all of *candidates* if those are given.
        may_leave: goes with *start_by_s*, and replaces what went with a later one.
        """
        if candidates is None:
            candidates, tied = self.candidates, self.tied if tied is None else tied
        elif tied is None:
            tied = len(candidates)
        if start_by_s is None and deadline_s is None and permit is None and attempt is None:
            if lease is None:  # what most policies do
                return replace(self, candidates=candidates, tied=tied)
            return replace(self, candidates=candidates, tied=tied, lease=lease)
        if lease is None:
            lease = self.lease
        if attempt is None:
            attempt = self.attempt
        if permit is None:
            permit = self.permit
        deadline_s = self.deadline_s if deadline_s is None else min(deadline_s, self.deadline_s)
        if start_by_s is None or start_by_s >= self.start_by_s:
            start_by_s, may_leave = self.start_by_s, self.may_leave
        return replace(
            self,
            candidates=candidates,
            tied=tied,
            permit=permit,
            lease=lease,
            attempt=attempt,
            deadline_s=deadline_s,
            start_by_s=min(start_by_s, deadline_s),
            may_leave=may_leave,
        )

    @property
    def target(self) -> Target:
        """The first candidate: the endpoint an attempt goes to."""
        return self.candidates[0]

    def permit_for(self, extra: Extra) -> Permit | None:
        """Leave for one more attempt; None if the budget is spent. Ask before any wait, hand it down, and release it.

        The first attempt of a call needs none, and one that was paid and not sent yet need not be paid again. A hedge
        is made beside an attempt that has, or will have, taken either of these.
        """
        if extra is not Extra.HEDGE:
            if self.permit is not None and not self.permit.spent:
                return self.permit
            if not self.ledger.attempts:
                return Permit(None, extra)
        return self.budget.withdraw(extra, self.clock())

    @property
    def urgency(self) -> Urgency:
        """Who gets a slot first: as the request says, else the route."""
        asked = self.request.urgency
        return self.route.urgency if asked is None else asked

    def note(self, by: str, words: str, *facts: object) -> None:
        """Record a decision with its reason, ``words % facts``, joined only when it is read."""
        self.ledger.note(self.clock(), by, words, *facts)
