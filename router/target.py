"""An endpoint, live: its slots, and everything learned about it.

All mutable state of a router is here. `dispatch` writes it, policies read it through the candidates of their call.
Every question takes the time it is asked at, every answer about latency may be None: not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .endpoint import Endpoint
from .errors import RouterClosed
from .ledger import Attempt, Outcome
from .limit import AdaptiveLimit, signal_of
from .peak import Peak
from .profile import Prior, Profile
from .slots import SlotPool
from .statistics.hdr import MILLISECONDS_TO_AN_HOUR, TEN_MICROSECONDS_TO_A_MINUTE
from .statistics.latency import Latency
from .statistics.outlook import Outlook
from .statistics.recent import Recent

if TYPE_CHECKING:
    from .call import Call
    from .clock import Clock
    from .limit import Limiter
    from .pipeline import Emit, Handler
    from .remembered import Pulse
    from .statistics.window import WindowShape

SLOW_READER = 0.1
"""Share of an attempt's time that the caller may have held it up by, for its times to count."""

NETWORK_WEIGHT = 0.2
"""Weight of one new connection in the smoothed network time."""

TYPICAL_TOKENS = 129
"""Median answer of the Azure conversation trace (2023)."""

LONG_TOKENS = 451
"""Its 95th percentile."""


async def _closed(_call: Call, _emit: Emit, /) -> None:
    raise RouterClosed("the router is closed: make calls inside 'async with router'")


class Target:
    """One endpoint of one router, with its state.

    endpoint: as configured. slots: its slots, and so its load. ttft, total, tpot: its latencies. recent: its last
    few calls. peak: its first-token times as a balancer fears them. limiter: what moves its limit, None where that is
    fixed. network_s: smoothed seconds to open a connection, None before the first. pulse: the fleet's. handler: what
    calls it.
    """

    __slots__ = (
        "_outlook",
        "endpoint",
        "handler",
        "limiter",
        "model",
        "name",
        "network_s",
        "peak",
        "pulse",
        "recent",
        "region",
        "slots",
        "total",
        "tpot",
        "ttft",
    )

    def __init__(self, endpoint: Endpoint, clock: Clock, shape: WindowShape, pulse: Pulse) -> None:
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
        profile = endpoint.profile
        self.ttft = Latency(MILLISECONDS_TO_AN_HOUR, shape, _ttft_prior(profile))
        self.total = Latency(MILLISECONDS_TO_AN_HOUR, shape, _total_prior(profile))
        self.tpot = Latency(TEN_MICROSECONDS_TO_A_MINUTE, shape, _tpot_prior(profile))
        self.recent = Recent()
        self.peak = Peak()
        self._outlook: Outlook | None = None
        self.pulse = pulse
        self.network_s: float | None = None

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

    def slots_for(self, prompt_tokens: int) -> int:
        """Slots that a prompt of so many tokens takes here, at least 1."""
        tokens_per_slot = self.endpoint.tokens_per_slot
        return 1 if tokens_per_slot is None else max(1, -(-prompt_tokens // tokens_per_slot))

    def weight(self, now_s: float) -> float:  # noqa: ARG002  it will depend on the time it is asked at
        """Share of its usual load that it should get now, above 0 and up to 1."""
        return 1.0

    def outlook(self, now_s: float, size: int | None = None) -> Outlook:
        """What a call sent now may expect; at most a hundredth of a second old."""
        outlook = self._outlook
        if outlook is None or now_s >= outlook.expires_s:
            outlook = self._outlook = Outlook(self.ttft, self.total, self.tpot, self.recent, now_s)
        return outlook

    # -- what dispatch tells

    def sent(self, attempt: Attempt) -> None:
        """An attempt is on its way. One asked for in one piece is silent until it ends, and says nothing by that."""
        if attempt.streamed:
            self.recent.sent(attempt, attempt.sent_s)

    def spoke(self, attempt: Attempt, now_s: float) -> None:
        """An attempt has its first progress."""
        if not attempt.streamed:
            return
        ttft_s = now_s - attempt.sent_s
        self.ttft.window.record(ttft_s, now_s)
        self.recent.spoke(attempt, ttft_s, now_s)
        self.peak.spoke(ttft_s, now_s)
        if self.limiter is not None:
            self.limiter.spoke(attempt.size, ttft_s, self.slots.used, now_s)
            self._follow(self.limiter)
        if self._outlook is not None and not self._outlook.known:
            self._startle(now_s)

    def finished(self, attempt: Attempt, now_s: float, *, blame: bool) -> None:
        """An attempt is over; its outcome says how. *blame*: a failure is the endpoint's, not the caller's."""
        if attempt.connect_s is not None:
            self._measure_network(attempt.connect_s)
        if attempt.first_progress_s is None and attempt.streamed:
            self._never_spoke(attempt, now_s)
        self._measure_total(attempt, now_s)
        if blame:
            retry_after_s = None if attempt.error is None else attempt.error.retry_after_s
            self.peak.failed(now_s, self.ttft.quantile(0.95, now_s), retry_after_s)
        if self.limiter is not None:
            self.limiter.ended(signal_of(attempt), self.slots.used, self.outlook(now_s).ttft_s, now_s)
            self._follow(self.limiter)
        if attempt.outcome is Outcome.OK or blame:
            self.recent.outcome(failed=blame, now_s=now_s)
        if blame or attempt.outcome is Outcome.TIMED_OUT:
            self._startle(now_s)

    def _never_spoke(self, attempt: Attempt, now_s: float) -> None:
        self.recent.forget(attempt)
        after_s = now_s - attempt.sent_s
        if attempt.outcome is Outcome.TIMED_OUT:
            self.recent.timed_out(after_s, now_s)
        if _is_cut_off(attempt):
            self.ttft.window.record_censored(after_s, now_s)
            self.peak.cut_off(after_s, now_s)

    def _follow(self, limiter: Limiter) -> None:
        """The limit has perhaps moved. Raised, it lets waiters in at once."""
        if limiter.limit != self.slots.limit:
            self.slots.set_limit(limiter.limit)

    def _measure_total(self, attempt: Attempt, now_s: float) -> None:
        after_s = now_s - attempt.sent_s
        if attempt.held_s > SLOW_READER * after_s:
            return  # how long it took says more about the reader than about the endpoint
        if attempt.outcome is Outcome.OK:
            self.total.window.record(after_s, now_s)
            tpot_s = attempt.tpot_s
            if tpot_s is not None:
                self.tpot.window.record(tpot_s, now_s)
        elif _is_cut_off(attempt) or attempt.first_progress_s is not None:
            self.total.window.record_censored(after_s, now_s)

    def _startle(self, now_s: float) -> None:
        """Something happened that must be seen at once."""
        self._outlook = None
        self.pulse.beat(now_s)

    def _measure_network(self, connect_s: float) -> None:
        before_s = connect_s if self.network_s is None else self.network_s
        self.network_s = before_s + NETWORK_WEIGHT * (connect_s - before_s)

    def __repr__(self) -> str:
        limit = "∞" if self.slots.limit is None else self.slots.limit
        return f"<Target {self.name}: {self.model} in {self.region}, {self.in_flight}/{limit} in flight>"


def _is_cut_off(attempt: Attempt) -> bool:
    return attempt.outcome is Outcome.TIMED_OUT or attempt.outcome is Outcome.CANCELLED


def _ttft_prior(profile: Profile | None) -> Prior | None:
    return None if profile is None else Prior(profile.ttft_s, profile.ttft_p95_s)


def _tpot_prior(profile: Profile | None) -> Prior | None:
    """Time per token varies little within an endpoint (sd of its log mostly below 0.2, LLMPerf leaderboard)."""
    return None if profile is None else Prior(1.0 / profile.tokens_per_s, 1.3 / profile.tokens_per_s)


def _total_prior(profile: Profile | None) -> Prior | None:
    """Answers differ in length far more than endpoints in speed, so lengths of real answers make the spread."""
    if profile is None:
        return None
    median_s = profile.ttft_s + TYPICAL_TOKENS / profile.tokens_per_s
    p95_s = profile.total_p95_s or profile.ttft_p95_s + LONG_TOKENS / profile.tokens_per_s
    return Prior(min(median_s, p95_s), p95_s)
