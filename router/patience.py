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

    @property
    def is_too_slow(self) -> bool:
        """Whether the answer that is coming brings too little to be waited for. Asked about once a second."""
        ...


def least(one: float | None, other: float | None) -> float | None:
    """The lesser of two limits, either of which may not exist."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
