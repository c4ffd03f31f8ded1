"""An endpoint, live: its slots, and everything learned about it.

All mutable state of a router is here and in `Learned`. `dispatch` writes it, policies read it through the candidates of
their call. Every question takes the time it is asked at, every answer about latency may be None: not known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .endpoint import Endpoint
from .errors import RouterClosed
from .slots import SlotPool
from .statistics.learned import Learned

if TYPE_CHECKING:
    from .call import Call
    from .clock import Clock
    from .ledger import Attempt
    from .pipeline import Emit, Handler
    from .remembered import Pulse
    from .statistics.outlook import Outlook
    from .statistics.window import WindowShape

LONGEST_GATE_S = 300.0
"""Who asks to be left alone for longer is asked again after this. Source: the longest Finagle takes a node for dead."""


async def _closed(_call: Call, _emit: Emit, /) -> None:
    raise RouterClosed("the router is closed: make calls inside 'async with router'")


class Target:
    """One endpoint of one router, with its state.

    endpoint: as configured. slots: its slots, and so its load. learned: what was measured of it. pulse: the fleet's.
    handler: what calls it.
    """

    __slots__ = ("_gated_until_s", "endpoint", "handler", "learned", "model", "name", "pulse", "region", "slots")

    def __init__(self, endpoint: Endpoint, clock: Clock, shape: WindowShape, pulse: Pulse) -> None:
        self.endpoint = endpoint
        self.name = endpoint.name
        self.model = endpoint.model
        self.region = endpoint.region
        self.handler: Handler = _closed
        self.slots = SlotPool(endpoint.slots, endpoint.queue, clock)
        self.learned = Learned(endpoint.profile, shape, pulse)
        self.pulse = pulse
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

    def is_settled(self, now_s: float) -> bool:
        """Whether enough was heard of it just now to tell how fast it is."""
        return self.learned.recent.ttft.is_settled(now_s)

    @property
    def connections(self) -> int:
        """New connections that `network_s` was measured on."""
        return self.learned.connections

    def is_stale(self, now_s: float, after_s: float) -> bool:
        """Whether what was once learned of it is older than that, or too little came since to tell how fast it is now.

        What was never measured is not stale: there is nothing that could have changed.
        """
        sampled_at_s = self.learned.recent.ttft.sampled_at_s
        if sampled_at_s == -math.inf:
            return False
        return now_s - sampled_at_s > after_s or not self.is_settled(now_s)

    def outlook(self, now_s: float, size: int | None = None) -> Outlook:
        """What a call sent now may expect; at most a hundredth of a second old.

        size: octave of its prompt's size; None: any.
        """
        return self.learned.outlook(now_s, size, self.slots.in_flight)

    def opens_at_s(self, now_s: float) -> float:
        """The instant from which it may be called: now, or when the time it has asked for is over."""
        return max(now_s, self._gated_until_s)

    # -- what dispatch tells

    def sent(self, attempt: Attempt) -> None:
        """An attempt is on its way."""
        self.learned.sent(attempt)

    def spoke(self, attempt: Attempt, now_s: float) -> None:
        """An attempt has its first progress."""
        self.learned.spoke(attempt, now_s)

    def finished(self, attempt: Attempt, now_s: float, *, blame: bool) -> None:
        """An attempt is over; its outcome says how. *blame*: a failure is the endpoint's, not the caller's."""
        self.learned.finished(attempt, now_s, blame=blame)
        if attempt.error is not None and attempt.error.retry_after_s is not None:
            self._gate(attempt.error.retry_after_s, now_s)

    def _gate(self, retry_after_s: float, now_s: float) -> None:
        """It has asked to be left alone; what it asked for before holds as well."""
        self._gated_until_s = max(self._gated_until_s, now_s + min(retry_after_s, LONGEST_GATE_S))
        self.pulse.gated_until_s = max(self.pulse.gated_until_s, self._gated_until_s)
        self.pulse.beat(now_s)

    def __repr__(self) -> str:
        limit = "∞" if self.slots.limit is None else self.slots.limit
        return f"<Target {self.name}: {self.model} in {self.region}, {self.in_flight}/{limit} in flight>"
