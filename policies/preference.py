"""Which endpoints come first among those that will do, and which of them are as good as one another.

By speed, price or quality, as the user says. Speed is what a call costs everybody (`crowding`); estimates that lie near
one another are a tie, and so is what an outer policy had among its own first, as long as that does not crowd it.

Source: consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2018).
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING

import attrs

from ..router.errors import NoEndpoint
from .expectation import money, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..router.call import Call
    from ..router.target import Target
    from .expectation import Ask

BOUNDED_LOAD = 1.5
"""Times the mean load up to which the nearer of equals are preferred."""


class Prefer(enum.Enum):
    """What is preferred among the endpoints that make it."""

    FASTEST = "fastest"
    CHEAPEST = "cheapest"
    """Least money for this call; an unknown price stands last."""
    BEST = "best"
    """Highest quality tier."""


FASTEST, CHEAPEST = Prefer.FASTEST, Prefer.CHEAPEST
"""For the hot path: on Python 3.11 a look through the class takes ten times as long."""


@attrs.frozen
class Preference:
    """An order among those that will do.

    by: what is preferred. tied_within: share by which one may be slower than the fastest and still count as equal.
    """

    by: Prefer
    tied_within: float

    def ordered(self, call: Call, ask: Ask, targets: Sequence[Target], now_s: float) -> tuple[list[Target], int]:
        """*targets*, the preferred first, and how many of the first are equal."""
        if self.by is FASTEST:
            return self.fastest_first(ask, targets, now_s)
        if self.by is CHEAPEST:
            tokens = sizes(call, now_s)
            return _least_first(targets, [money(tokens, target) for target in targets], 0.0)
        return _least_first(targets, [-target.endpoint.quality for target in targets], 0.0)

    def fastest_first(self, ask: Ask, targets: Sequence[Target], now_s: float) -> tuple[list[Target], int]:
        """The same by speed."""
        return _least_first(targets, [ask.cost_s(target, now_s) for target in targets], self.tied_within)


def _least_first(targets: Sequence[Target], scores: Sequence[float], tied_within: float) -> tuple[list[Target], int]:
    """Targets by score, the least first and equals in their order, and how many are as good as the first."""
    limit = min(scores)
    if tied_within and limit < math.inf:
        limit += abs(limit) * tied_within
    ranked = sorted(range(len(targets)), key=scores.__getitem__)
    return [targets[place] for place in ranked], sum(score <= limit for score in scores)


def nearer(equals: list[Target], near: tuple[Target, ...]) -> list[Target]:
    """Of equals, those that an outer policy had among its own first, unless they are busier than the others.

    Being nearer, or a user's own, is worth something as long as it does not crowd: the preference ends where they carry
    more than 1.5 times the mean.
    """
    preferred = set(near)
    nearer = [target for target in equals if target in preferred]
    if not nearer or len(nearer) == len(equals):
        return equals
    busy = sum(target.in_flight for target in nearer) / len(nearer)
    mean = sum(target.in_flight for target in equals) / len(equals)
    return nearer if busy <= BOUNDED_LOAD * mean + 1.0 else equals


def least_quality(call: Call) -> int:
    """The quality tier asked for: the request's or the route's, whichever is higher."""
    return max(call.route.min_quality, call.request.min_quality or 0)


def good_enough(call: Call) -> tuple[Target, ...]:
    """The candidates of at least the quality asked for.

    Raises:
        NoEndpoint: there is none.
    """
    least = least_quality(call)
    good = tuple(target for target in call.candidates if target.endpoint.quality >= least)
    if not good:
        raise NoEndpoint(f"no candidate has a quality of at least {least}: lower min_quality, or add endpoints")
    return good
