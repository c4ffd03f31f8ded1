"""In which order a call's endpoints are to be used while all of them are well: places in tiers.

By distance, regions that cost about the same make up a tier; a user's own region goes before all of them. Where
weights or priorities are given, these make the first tiers, and what they do not name follows by distance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ..router.target import Target

STICKY_COST = 2.0
"""A user's region is kept while it costs at most this many times the best."""

NEAREST = "%s is the nearest of those known"
NO_DISTANCE = "no region's latency is known"
HOME = "%s, where this user was served before"
GIVEN = "%s, as was given"


class Place(msgspec.Struct, frozen=True):
    """Endpoints among which nothing is divided here, the preferred first: a region, or several.

    weight: its share among the places of its tier, in any unit, above 0.
    """

    name: str
    targets: tuple[Target, ...]
    weight: float = 1.0


class Plan(msgspec.Struct, frozen=True):
    """Places in tiers, the preferred first.

    words, facts: why the first tier is preferred; facts of None are the name of the place that was drawn.
    kept_to: every call is kept to the place it draws, because somebody asked for just this division; otherwise only
    those that spill over are.
    """

    tiers: Sequence[Sequence[Place]]
    words: str
    facts: tuple[object, ...] | None = None
    kept_to: bool = False


def grouped(regions: Sequence[str], costs: Mapping[str, float], tied_within: float) -> list[list[str]]:
    """Regions in groups that cost about the same, the nearest first; those of unknown cost make up the last."""
    groups: list[list[str]] = []
    limit = -math.inf
    for region in sorted((region for region in regions if region in costs), key=costs.__getitem__):
        if costs[region] > limit:
            groups.append([])
            limit = costs[region] * (1.0 + tied_within)
        groups[-1].append(region)
    unknown = [region for region in regions if region not in costs]
    return [*groups, unknown] if unknown else groups


def by_distance(
    targets: Sequence[Target], costs: Mapping[str, float], groups: Sequence[Sequence[str]], home: str | None
) -> Plan:
    """The nearest group first, or *home*, as long as it is not much dearer."""
    words: str = NO_DISTANCE
    facts: tuple[object, ...] = ()
    if home is not None and _is_near(home, costs) and any(home in group for group in groups):
        groups = [[home], *([region for region in group if region != home] for group in groups)]
        words, facts = HOME, (home,)
    elif costs:
        words, facts = NEAREST, (min(costs, key=costs.__getitem__),)
    return Plan([[_place(group, targets, costs)] for group in groups if group], words, facts)


def as_given(
    targets: Sequence[Target],
    costs: Mapping[str, float],
    groups: Sequence[Sequence[str]],
    levels: Sequence[Sequence[str]],
    weights: Mapping[str, float],
) -> Plan:
    """The levels given, those of their regions in which there is an endpoint; a place each, if they have weights."""
    there = {target.region for target in targets}
    tiers: list[list[Place]] = []
    for level in levels:
        regions = [region for region in level if region in there]
        if weights:
            tiers.append([_place([region], targets, costs, weights[region]) for region in regions])
        elif regions:
            tiers.append([_place(regions, targets, costs)])
    named = {region for level in levels for region in level}
    rest = ([region for region in group if region not in named] for group in groups)
    tiers += [[_place(group, targets, costs)] for group in rest if group]
    return Plan([tier for tier in tiers if tier], GIVEN, kept_to=True)


def _is_near(region: str, costs: Mapping[str, float]) -> bool:
    return costs.get(region, 0.0) <= STICKY_COST * min(costs.values(), default=math.inf)


def _place(regions: Sequence[str], targets: Sequence[Target], costs: Mapping[str, float], weight: float = 1.0) -> Place:
    here = set(regions)
    within = (target for target in targets if target.region in here)
    cheapest_first = sorted(within, key=lambda target: costs.get(target.region, math.inf))
    return Place(", ".join(regions), tuple(cheapest_first), weight)
