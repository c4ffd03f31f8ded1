"""The ways that calls may go from where they come from, and the share of them that each takes.

While everything is well there is one way: to the nearest places first, and on to the others in order. When part of a
tier is ill, the calls it can no longer take go over to the next; then there are several ways, and each call draws one.

A call that spills over keeps out of the tiers it was spilled from, as long as there is room where it goes: whatever
chooses inside would otherwise find that they are nearer, and send it right back. An endpoint that is ill stands behind
all that are well and is not tied with them, unless its tier is in panic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from .queues import has_room
from .ranking import Ranking
from .spillover import ROUNDING, locality_shares, priority_loads

if TYPE_CHECKING:
    import random

    from ..router.call import Call
    from ..router.target import Target
    from .plan import Place, Plan

SPILLED = "%s, because %s can take only %.0f %% of the calls"
IN_PANIC = "; so few are well there that health is ignored"


class Way(msgspec.Struct, frozen=True):
    """One of several ways.

    until: a draw below it, and not below that of the way before, takes this one.
    anywhere: all candidates, those of this way first.
    only: those that the call is kept to while one of the first has room; None: it is not kept.
    usual: no tier before it takes any calls, so users may settle here.
    """

    until: float
    anywhere: Ranking
    only: Ranking | None
    usual: bool

    def now(self, call: Call) -> Ranking:
        """The candidates for a call at this moment."""
        only = self.only
        if only is not None and any(has_room(target, call) for target in only.ordered[: only.tied]):
            return only
        return self.anywhere


def drawn(ways: Sequence[Way], dice: random.Random) -> Way:
    """One of the ways, each as often as its share says. The dice are thrown only if there are several."""
    if len(ways) > 1:
        draw = dice.random()
        for way in ways:
            if draw < way.until:
                return way
    return ways[-1]


def divided(plan: Plan, capacity: Mapping[Target, float]) -> tuple[Way, ...]:
    """The ways of a plan, when each of its endpoints can take this share, 0..1, of its usual load."""
    everything = _targets(plan.tiers)
    loads = priority_loads([_healthy(_targets([places]), capacity) for places in plan.tiers])
    ways: list[Way] = []
    taken = 0.0
    for number, (places, load, panic) in enumerate(zip(plan.tiers, loads.shares, loads.panics, strict=True)):
        if load <= ROUNDING:
            continue
        counts = {**capacity, **dict.fromkeys(_targets([places]), 1.0)} if panic else capacity
        onwards = everything[len(_targets(plan.tiers[:number])) :]
        until, usual = taken, taken <= ROUNDING
        for place, share in zip(places, _shares(places, counts), strict=True):
            if share == 0.0:
                continue
            until += load * share
            words, facts = _why(plan, number, place, taken)
            if panic:
                words += IN_PANIC
            first = [target for target in place.targets if counts[target] > 0.0]
            kept_to = place.targets if plan.kept_to else onwards
            only = _ranking(first, kept_to, counts, words, facts) if len(kept_to) < len(everything) else None
            ways.append(Way(until, _ranking(first, everything, counts, words, facts), only, usual))
        taken += load
    return tuple(ways)


def _targets(tiers: Iterable[Iterable[Place]]) -> list[Target]:
    return [target for places in tiers for place in places for target in place.targets]


def _healthy(targets: Sequence[Target], capacity: Mapping[Target, float]) -> float:
    """Share of these endpoints that is healthy; one that recovers counts in part."""
    return sum(map(capacity.__getitem__, targets)) / len(targets)


def _shares(places: Sequence[Place], capacity: Mapping[Target, float]) -> tuple[float, ...]:
    return locality_shares([place.weight for place in places], [_healthy(place.targets, capacity) for place in places])


def _why(plan: Plan, number: int, place: Place, taken: float) -> tuple[str, tuple[object, ...]]:
    if not number:
        return plan.words, (place.name,) if plan.facts is None else plan.facts
    nearer = ", ".join(place.name for places in plan.tiers[:number] for place in places)
    return SPILLED, (place.name, nearer, 100.0 * taken)


def _ranking(
    first: Sequence[Target],
    among: Sequence[Target],
    capacity: Mapping[Target, float],
    words: str,
    facts: tuple[object, ...],
) -> Ranking:
    """Those of *among* with *first* before the others, and what is ill behind what is well."""
    before = set(first)
    others = sorted((target for target in among if target not in before), key=lambda target: capacity[target] <= 0.0)
    return Ranking((*first, *others), len(first), words, facts)
