"""What a run came to, by route, and how sure that is.

Calls that were close in time share their fate, so they are not drawn one by one: time is cut into blocks, and blocks
are drawn again and again with replacement. The interval is where the figure lies in 95 % of the draws. Two runs of the
same traffic are drawn in the same blocks, so that the interval of their difference leaves out what they share.

Sources: Efron, the bootstrap; Künsch 1989, blocks for what depends on time. Percentiles are of merged histograms.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from ...router import Fold
from ...router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from ...router.statistics.hdr import Histogram, added
from .recording import CallRecord

BLOCKS = 24
DRAWS = 400
INTERVAL = 0.95
SEED = 7


@attrs.define
class Block:
    """Calls that came in one stretch of time. Those whose callers left are counted in *calls* alone."""

    calls: int = 0
    left: int = 0
    answered: int = 0
    in_time: int = 0
    limited: int = 0
    hedges: int = 0
    retries: int = 0
    fallbacks: int = 0
    attempts: int = 0
    cost: float = 0.0
    ttft: Histogram = attrs.field(factory=lambda: Histogram(MS))
    total: Histogram = attrs.field(factory=lambda: Histogram(MS))

    def add(self, call: CallRecord) -> None:
        """Count a call."""
        self.calls += 1
        self.hedges += call.hedges
        self.retries += len(call.retries)
        self.fallbacks += call.fallbacks
        self.attempts += len(call.attempts)
        self.cost += call.cost
        self.limited += sum(attempt.reason in {"rate_limited", "quota"} for attempt in call.attempts)
        if call.outcome == "cancelled":
            self.left += 1
        elif call.outcome == "answered":
            self.answered += 1
            self.in_time += call.in_time
            self.total.record(_units(call.total_s))
            if call.ttft_s is not None:
                self.ttft.record(_units(call.ttft_s))


def _units(value_s: float) -> int:
    return min(max(1, round(value_s / MS.unit_s)), MS.highest)


Figure: TypeAlias = Callable[[Sequence[Block]], "float | None"]
"""A figure of some blocks together; None: there is none."""


def _sum(blocks: Sequence[Block], of: Callable[[Block], float]) -> float:
    return sum(map(of, blocks))


def _share(of: Callable[[Block], float], among: Callable[[Block], float]) -> Figure:
    def figure(blocks: Sequence[Block]) -> float | None:
        whole = _sum(blocks, among)
        return _sum(blocks, of) / whole if whole else None

    return figure


def _quantile(of: Callable[[Block], Histogram], q: float) -> Figure:
    def figure(blocks: Sequence[Block]) -> float | None:
        return Fold.of(added(MS, map(of, blocks))).quantile(q)

    return figure


def _stayed(block: Block) -> float:
    return block.calls - block.left


FIGURES: dict[str, Figure] = {
    "success": _share(lambda block: block.answered, _stayed),
    "in_time": _share(lambda block: block.in_time, _stayed),
    "ttft_p50_s": _quantile(lambda block: block.ttft, 0.50),
    "ttft_p95_s": _quantile(lambda block: block.ttft, 0.95),
    "ttft_p99_s": _quantile(lambda block: block.ttft, 0.99),
    "total_p50_s": _quantile(lambda block: block.total, 0.50),
    "total_p95_s": _quantile(lambda block: block.total, 0.95),
    "cost_per_call": _share(lambda block: block.cost, lambda block: block.calls),
    "limited_per_call": _share(lambda block: block.limited, lambda block: block.calls),
    "retries_per_call": _share(lambda block: block.retries, lambda block: block.calls),
    "fallbacks_per_call": _share(lambda block: block.fallbacks, lambda block: block.calls),
    "hedges_per_call": _share(lambda block: block.hedges, lambda block: block.calls),
    "attempts_per_call": _share(lambda block: block.attempts, lambda block: block.calls),
}


@attrs.frozen
class Estimate:
    """A figure, and the interval in which it lies with 95 %. None: there is none."""

    value: float | None
    low: float | None
    high: float | None


def blocks_of(calls: Sequence[CallRecord], route: str, length_s: float) -> list[Block]:
    """The calls of a route, in `BLOCKS` blocks of equal time. length_s: of all together."""
    blocks = [Block() for _ in range(BLOCKS)]
    for call in calls:
        if call.route == route:
            blocks[min(BLOCKS - 1, int(call.at_s / max(length_s, 1e-9) * BLOCKS))].add(call)
    return blocks


def estimates(blocks: Sequence[Block]) -> dict[str, Estimate]:
    """Every figure of these blocks."""
    draws = _draws(len(blocks))
    return {
        name: _estimate(figure(blocks), [figure([blocks[place] for place in draw]) for draw in draws])
        for name, figure in FIGURES.items()
    }


def differences(blocks: Sequence[Block], against: Sequence[Block]) -> dict[str, Estimate]:
    """Every figure of these blocks less that of *against*, which holds the same traffic in the same blocks."""
    draws = _draws(len(blocks))

    def less(figure: Figure, places: Sequence[int]) -> float | None:
        mine, other = figure([blocks[place] for place in places]), figure([against[place] for place in places])
        return None if mine is None or other is None else mine - other

    everything = range(len(blocks))
    return {
        name: _estimate(less(figure, everything), [less(figure, draw) for draw in draws])
        for name, figure in FIGURES.items()
    }


def _draws(blocks: int) -> list[list[int]]:
    dice = random.Random(SEED)
    return [dice.choices(range(blocks), k=blocks) for _ in range(DRAWS)]


def _estimate(value: float | None, drawn: Sequence[float | None]) -> Estimate:
    known = sorted(each for each in drawn if each is not None)
    if value is None or not known:
        return Estimate(value, None, None)
    out = int(len(known) * (1.0 - INTERVAL) / 2.0)
    return Estimate(value, known[out], known[-1 - out])
