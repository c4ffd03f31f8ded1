"""What happens to calls, told as typed events to whoever listens.

A listener is a plain function or an object that can be called with an event. It is called in the middle of a call, so
it must be quick and cannot wait: it counts, or puts the event aside. What it raises never reaches a call; the first
failure of each listener is logged, with its traceback. Where nobody listens, no event is made.

An event holds the live records of its call, not copies of them: read what is needed, and keep no reference.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from .call import Call
    from .endpoint import Endpoint
    from .health.ejection import Ejection
    from .ledger import Attempt

log = logging.getLogger("paceline")


class Event(msgspec.Struct, frozen=True, eq=False):
    """Something that has happened.

    at_s: when, on the router's clock.
    """

    at_s: float


class AttemptEnded(Event, frozen=True, eq=False):
    """One try at one endpoint is over.

    call: its view of the call. attempt: with its outcome, error, marks and usage.
    """

    call: Call
    attempt: Attempt


class CallOutcome(enum.Enum):
    """How a call ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """The caller left. Neither a success nor a failure."""


ANSWERED = CallOutcome.ANSWERED
"""For the hot path: on Python 3.11 a look through the class takes ten times as long."""


class CallEnded(Event, frozen=True, eq=False):
    """A call has ended. Its ``ledger`` has every attempt, retry, fallback and decision.

    reason: of a failure, one word, such as ``rate_limited`` or ``deadline``; else None.
    """

    call: Call
    outcome: CallOutcome
    reason: str | None = None


class EndpointEjected(Event, frozen=True, eq=False):
    """An endpoint is out, or out for longer after a trial. ``ejection`` says why, since when and until when.

    A vendor's pause of less than a second is not told: the attempt that met it is.
    """

    endpoint: Endpoint
    ejection: Ejection


class EndpointReturned(Event, frozen=True, eq=False):
    """An endpoint that was out is back in.

    away_s: seconds it was out.
    """

    endpoint: Endpoint
    away_s: float


class KeySetAside(Event, frozen=True, eq=False):
    """One of an endpoint's keys was refused or used up, and the others take its place. The key itself is not told.

    key: which one, from 1. of: how many the endpoint has. until_s: when it is tried again, on the router's clock.
    reason: one word, such as ``authentication``, ``quota`` or ``rate_limited``.
    """

    endpoint: Endpoint
    key: int
    of: int
    until_s: float
    reason: str


class ConnectionsWarmed(Event, frozen=True, eq=False):
    """Connections were opened before there was traffic, or not as many as were wanted.

    opened, wanted: how many for this endpoint. why: what stood in the way; None if all are open.
    """

    endpoint: Endpoint
    opened: int
    wanted: int
    why: str | None = None


class Panic(Event, frozen=True, eq=False):
    """So few of a call's candidates are well that some, or all, of those that are out may be asked too.

    well, of: how many of its candidates were in.
    """

    call: Call
    well: int
    of: int


class CostThresholdPassed(Event, frozen=True, kw_only=True, eq=False):
    """A route's money is spent, or reserved for running calls, up to a threshold. Once a threshold and window.

    call: the one that passed it, and names the route. share: the threshold, as a share of *money*.
    spent, reserved, money: in the unit of the endpoints' prices: of this window, for running calls, and the limit.
    ends_in_s: seconds until the next window begins.
    """

    call: Call
    share: float
    spent: float
    reserved: float
    money: float
    ends_in_s: float


Listener: TypeAlias = Callable[[Event], None]


class Listeners:
    """Those who want to know. False while there are none, so that no event need be made."""

    __slots__ = ("_failed", "_listeners")

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)
        self._failed: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def tell(self, event: Event) -> None:
        """Tell everyone. Never raises what a listener raises."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                if id(listener) not in self._failed:
                    self._failed.add(id(listener))
                    log.exception("a listener failed on %s; calls go on without it", type(event).__name__)
