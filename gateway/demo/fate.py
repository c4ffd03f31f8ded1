"""What a call meets at an endpoint: how long it waits, how fast it is spoken to, whether it fails.

A fate hangs on the seed, the call, the endpoint and how often this call has been there; not on who routes it, nor on
what other calls came before. So two routers that send the same call to the same endpoint at the same time are told
the same, and the difference between them is what they chose.

Load is the exception, as it must be: a router that piles its calls up is served more slowly.
"""

from __future__ import annotations

import enum
import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from .published import (
    CELLS_CONCURRENCY,
    CONCURRENCY,
    STRAGGLES_S,
    STRAGGLING,
    TPOT_AT_CONCURRENCY_MS,
    TTFT_AT_CONCURRENCY_MS,
)

if TYPE_CHECKING:
    from .published import Cell

REPLICAS = 8
"""Machines behind an endpoint, which share its calls evenly. Forty calls in flight are the five a machine at which
the cells were measured."""


class Failure(enum.Enum):
    """How a browned-out server fails."""

    REFUSED = "503 at once"
    CRASHED = "500 after half of the wait"
    BROKEN = "200, then an error in place of the first token"


@attrs.frozen(kw_only=True)
class Fate:
    """ttft_s: at the server, without the way there. tpot_s: seconds per token after the first. failure: if any."""

    ttft_s: float
    tpot_s: float
    failure: Failure | None


def draw(cell: Cell, lot: str, *, failing: float) -> Fate:
    """The fate that *lot* names, at an idle server of *cell*, of which a share *failing* of calls fails.

    The same dice are cast for each lot, so a call that does not fail is as fast as it would be with none failing.
    """
    dice = random.Random(lot)
    ttft_s, tpot_s = cell.ttft_s.at(dice.random()), cell.tpot_s.at(dice.random())
    straggles, how_long = dice.random() < STRAGGLING, dice.random()
    fails, kind = dice.random() < failing, dice.choice(tuple(Failure))
    if straggles:
        low_s, high_s = STRAGGLES_S
        ttft_s = low_s * (high_s / low_s) ** how_long
    return Fate(ttft_s=ttft_s, tpot_s=tpot_s, failure=kind if fails else None)


def ttft_under_load(in_flight: int) -> float:
    """How many times longer the first token takes with so many calls in flight at an endpoint, this one included."""
    return _stretch(TTFT_AT_CONCURRENCY_MS, in_flight / REPLICAS)


def tpot_under_load(in_flight: int) -> float:
    """The same for each further token."""
    return _stretch(TPOT_AT_CONCURRENCY_MS, in_flight / REPLICAS)


def _stretch(curve: Sequence[float], concurrency: float) -> float:
    """Never below 1: the cells say nothing about machines less busy than those they were measured on."""
    return max(1.0, _on(curve, concurrency) / _on(curve, CELLS_CONCURRENCY))


def _on(curve: Sequence[float], concurrency: float) -> float:
    above = min(max(bisect_right(CONCURRENCY, concurrency), 1), len(CONCURRENCY) - 1)
    low, high = CONCURRENCY[above - 1], CONCURRENCY[above]
    return curve[above - 1] + (curve[above] - curve[above - 1]) * (concurrency - low) / (high - low)
