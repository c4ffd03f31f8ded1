"""How long a call waits for more of an answer that has begun: what a policy may ask of the attempts inside it.

An endpoint's own limits are wide, since they hold for every call. A policy that could go on elsewhere wants to know of
a stall much sooner. It must not cut the attempt from outside: that would be a cancellation, which says nothing against
the endpoint. So it says how patient the call is, and the attempt's own watchdog keeps to it, blames the endpoint, and
has the cut recorded as what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .target import Target


class Patience(Protocol):
    """Asked by the watchdog of each attempt of a call."""

    def gap_s(self, target: Target, now_s: float, /) -> float | None:
        """Seconds between two pieces of progress, from this endpoint; None: as many as its limits allow.

        Asked once an attempt, when it is sent. The endpoint's own limit takes precedence when it is less.
        """
        ...

    def is_too_slow(self, characters: int, taken_s: float, /) -> bool | None:
        """Whether an answer brings too little to be waited for; None: that cannot be told yet.

        Asked about once a second, of what came, and of the seconds the endpoint took over it, since the last time that
        it could be told. The caller's own time does not count, nor does the gap that is still open.
        """
        ...
