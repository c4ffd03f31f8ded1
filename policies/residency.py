"""Which of a call's candidates lie in the regions it may use.

The law, and so the first thing that is asked: everything else chooses among what is left. That nothing gets round it
is held by the router itself (`router.reach`); here a call is only spared the way to an endpoint it could not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..router.errors import ResidencyUnmet

if TYPE_CHECKING:
    from ..router.target import Target


class Inside(msgspec.Struct, frozen=True):
    """The candidates in allowed regions, and the regions of the others, told."""

    targets: tuple[Target, ...]
    dropped: str


def inside(candidates: tuple[Target, ...], residency: frozenset[str]) -> Inside:
    """Tell those in *residency* from the others."""
    targets = tuple(target for target in candidates if target.region in residency)
    return Inside(targets, ", ".join(sorted({target.region for target in candidates} - residency)))


def unmet(residency: frozenset[str]) -> ResidencyUnmet:
    """The error of a call that has no candidate inside."""
    return ResidencyUnmet(
        f"no endpoint of this call lies in {', '.join(sorted(residency))}, the only regions it may use"
    )
