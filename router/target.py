"""An endpoint, live: its slots, and everything learned about it.

All mutable state of a router is here and in `Learned`. `dispatch` writes it, policies read it through the candidates of
their call. Every question takes the time it is asked at, every answer about latency may be None: not known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from .endpoint import Endpoint
from .errors import RouterClosed
from .ledger import Outcome
from .limit import AdaptiveLimit
from .peak import Peak
from .slots import SlotPool
from .statistics.learned import Learned
from .verdict import Signal

if TYPE_CHECKING:
    from .call import Call
    from .clock import Clock
    from .health.health import Health
    from .health.outliers import Outliers
    from .ledger import Attempt
    from .limit import Limiter
    from .pipeline import Emit, Handler
    from .remembered import Pulse
    from .statistics.outlook import Outlook
    from .statistics.window import WindowShape

LONGEST_GATE_S = 300.0
"""Who asks to be left alone for longer is asked again after this. Source: the longest Finagle takes a node for dead."""

EARLY_S = 1e-6
"""A timer may go off so much early."""

CUT_OFF = (Outcome.TIMED_OUT, Outcome.CANCELLED)
"""Outcomes that say no more than that it would have taken longer."""


class Expectation(Protocol):
    """What a call may expect of an endpoint."""

    def __call__(self, now_s: float, size: int | None = None) -> Outlook:
        """What a call sent now may expect; at most a hundredth of a second old.

        size: octave of its prompt's size; None: any.
        """
        ...


async def _closed(_call: Call, _emit: Emit, /) -> None:
    raise RouterClosed("the router is closed: make calls inside 'async with router'")


class Target:
    """One endpoint of one router, with its state.

    endpoint: as configured. slots: its slots, and so its load. limiter: what moves their limit, None where that is
    fixed. learned: what was measured of it. outlook: what a call sent now may expect. peak: its first-token times as a
    balancer fears them. health: whether it is in; None while nobody watches. pulse, outliers: the fleet's. handler:
    what calls it.
    """

    __slots__ = (
        "_gated_until_s", "endpoint", "handler", "health", "learned", "limiter", "model", "name", "outliers", "outlook",
        "peak", "pulse", "region", "slots",
    )  # fmt: skip

    def __init__(self, endpoint: Endpoint, clock: Clock, shape: WindowShape, pulse: Pulse, outliers: Outliers) -> None:
        self.endpoint = endpoint
        self.name = endpoint.name
        self.model = endpoint.model
        self.region = endpoint.region
        self.handler: Handler = _closed
        limit = endpoint.slots
        self.limiter: Limiter | None = None
        if isinstance(limit, AdaptiveLimit):
            self.limiter = limit.limiter()
            limit = self.limiter.limit
        self.slots = SlotPool(limit, endpoint.queue, clock)
        self.learned = Learned(endpoint.profile, shape, pulse, self.slots)
        self.outlook: Expectation = self.learned.outlook
        self.peak = Peak()
        self.health: Health | None = None
        self.pulse = pulse
        self.outliers = outliers

        self._gated_until_s = -math.inf

    def close(self) -> None:
        """Forget the handler: its connections are gone."""
        self.handler = _closed

    # -- what policies ask

    @property
    def in_flight(self) -> int:
        """Calls in flight, which is the number of live leases."""
        return self.slots.in_flight

    @property
    def load(self) -> float:
        """Share of the slots in use; 0.0 where there is no limit."""
        return self.slots.load

    @property
    def network_s(self) -> float | None:
        """Smoothed seconds to open a connection; None before the first."""
        return self.learned.network_s

    def slots_for(self, prompt_tokens: int) -> int:
        """Slots that a prompt of so many tokens takes here, at least 1."""
        tokens_per_slot = self.endpoint.tokens_per_slot
        return 1 if tokens_per_slot is None else max(1, -(-prompt_tokens // tokens_per_slot))

    def is_settled(self, now_s: float) -> bool:
        """Whether enough was heard of it just now to tell how fast it is."""
        return self.learned.recent.ttft.is_settled(now_s)

    @property
    def connections(self) -> int:
        """New connections that `network_s` was measured on."""
        return self.learned.connections

    @property
    def unanswered(self) -> int:
        """Streams under way without a first token, those left out that later ones have overtaken."""
        return self.learned.recent.unanswered

    def heard_since_s(self, since_s: float) -> float | None:
        """The latest time to the first token, if it was taken after an instant; None if none was."""
        ttft = self.learned.recent.ttft
        return ttft.latest_s if ttft.sampled_at_s > since_s else None

    def is_stale(self, now_s: float, after_s: float) -> bool:
        """Whether what was once learned of it is older than that, or too little came since to tell how fast it is now.

        What was never measured is not stale: there is nothing that could have changed.
        """
        sampled_at_s = self.learned.recent.ttft.sampled_at_s
        if sampled_at_s == -math.inf:
            return False
        return now_s - sampled_at_s > after_s or not self.is_settled(now_s)

    def weight(self, now_s: float) -> float:
        """What it may be given, as a share of its part: 1.0, or less while it is eased in after an ejection."""
        return 1.0 if self.health is None else self.health.weight(now_s)

    def opens_at_s(self, now_s: float) -> float:
        """The instant from which it may be called: now, or when the time it has asked for is over."""
        opens_s = self._gated_until_s
        return opens_s if opens_s - now_s > EARLY_S else now_s

    # -- what dispatch tells

    def sent(self, attempt: Attempt) -> None:
        """An attempt is on its way."""
        self.learned.sent(attempt)

    def spoke(self, attempt: Attempt, now_s: float) -> None:
        """An attempt has its first progress."""
        health = self.health
        if health is not None and health.ejection is not None:
            self.outliers.spoke(self, health, attempt, now_s)
        self.learned.spoke(attempt, now_s)
        if not attempt.streamed:
            return
        ttft_s = now_s - attempt.sent_s
        self.peak.spoke(ttft_s, now_s)
        if self.limiter is not None:
            self.limiter.spoke(attempt.size, ttft_s, self.slots.used, now_s)
            self._follow(self.limiter)

    def goes_on(self, attempt: Attempt, now_s: float) -> None:
        """An attempt is still under way. Told about once a second."""
        self.learned.goes_on(attempt, now_s)

    def finished(self, attempt: Attempt, now_s: float, *, blame: bool) -> None:
        """An attempt is over; its outcome says how. *blame*: a failure is the endpoint's, not the caller's."""
        self.learned.finished(attempt, now_s, blame=blame)
        self._judge(attempt, now_s, blame=blame)
        if self.health is not None:
            self.outliers.finished(self, self.health, attempt, now_s, blame=blame)
        if attempt.error is not None and attempt.error.retry_after_s is not None:
            self._gate(attempt.error.retry_after_s, now_s)

    def _gate(self, retry_after_s: float, now_s: float) -> None:
        """It has asked to be left alone; what it asked for before holds as well."""
        self._gated_until_s = max(self._gated_until_s, now_s + min(retry_after_s, LONGEST_GATE_S))
        self.pulse.gated_until_s = max(self.pulse.gated_until_s, self._gated_until_s)
        self.pulse.beat(now_s)

    def _judge(self, attempt: Attempt, now_s: float, *, blame: bool) -> None:
        """What the end of an attempt means to a balancer, and to a limit that learns."""
        if blame:
            retry_after_s = None if attempt.error is None else attempt.error.retry_after_s
            self.peak.failed(now_s, self.outlook(now_s, attempt.size).ttft_quantile_s(0.95), retry_after_s)
        elif attempt.outcome in CUT_OFF and attempt.streamed and attempt.first_progress_s is None:
            self.peak.cut_off(now_s - attempt.sent_s, now_s)
        if self.limiter is not None:
            signal = attempt.signal
            usual_s = self.outlook(now_s, attempt.size).ttft_s if signal is Signal.DROPPED else None
            self.limiter.ended(signal, self.slots.used, usual_s, now_s)
            self._follow(self.limiter)

    def _follow(self, limiter: Limiter) -> None:
        """The limit has perhaps moved. Raised, it lets waiters in at once."""
        if limiter.limit != self.slots.limit:
            self.slots.set_limit(limiter.limit)

    def __repr__(self) -> str:
        limit = "∞" if self.slots.limit is None else self.slots.limit
        ejection = None if self.health is None else self.health.ejection
        out = "" if ejection is None else f", out until {ejection.until_s:.3f} s: {ejection.why}"
        return f"<Target {self.name}: {self.model} in {self.region}, {self.in_flight}/{limit} in flight{out}>"
