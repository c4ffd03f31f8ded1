"""From what came of the calls to figures, with intervals: what would another ten seeds have said?

A figure is that of all calls of all seeds together. Calls of one seed share their traffic and their trouble, so they
are no independent samples, but seeds are: the interval is that of the figure over as many seeds drawn anew with
replacement, from its 2.5th to its 97.5th percentile. All policies are drawn with the same seeds, so that two of them
can be compared pair by pair.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), with the seed as the unit.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from .playing import Row

DRAWN_ANEW = 200
LEVEL = 0.95

QUANTILES = (0.5, 0.95, 0.99, 0.999)

Draws: TypeAlias = "list[list[int]]"
"""For each time, how often each seed was drawn."""


@attrs.frozen
class Figure:
    """A number, and the interval around it."""

    value: float
    low: float
    high: float


@attrs.frozen(kw_only=True)
class Figures:
    """Of one contestant in one scenario. Seconds by quantile; shares of the calls; money for a thousand calls."""

    calls: int
    ttft_s: dict[float, Figure]
    total_s: dict[float, Figure]
    within: Figure
    errors: Figure
    retries: Figure
    hedges: Figure
    money: Figure
    samples: dict[str, list[float]] = attrs.field(repr=False)
    """What the figures that are compared come to each time seeds are drawn anew."""


def drawn_anew(seeds: int) -> Draws:
    """Seeds with replacement, many times: first, as they are."""
    dice = random.Random("bootstrap")
    draws = [[1] * seeds]
    for _ in range(DRAWN_ANEW):
        counts = [0] * seeds
        for seed in dice.choices(range(seeds), k=seeds):
            counts[seed] += 1
        draws.append(counts)
    return draws


def figures(runs: Sequence[Sequence[Row]]) -> Figures:
    """Of the calls that count, by seed."""
    draws = drawn_anew(len(runs))
    ttft_s = {q: quantiles(runs, lambda row: row.first_s, q, draws) for q in QUANTILES}
    total_s = {q: quantiles(runs, lambda row: row.total_s, q, draws) for q in QUANTILES}
    within = means(runs, lambda row: row.within, draws)
    return Figures(
        calls=sum(len(rows) for rows in runs),
        ttft_s={q: interval(values) for q, values in ttft_s.items()},
        total_s={q: interval(values) for q, values in total_s.items()},
        within=interval(within),
        errors=interval(means(runs, lambda row: not row.answered, draws)),
        retries=interval(means(runs, lambda row: row.retries, draws)),
        hedges=interval(means(runs, lambda row: row.hedges, draws)),
        money=interval(means(runs, lambda row: 1000.0 * row.money, draws)),
        samples={"within": within, "ttft_p95_s": ttft_s[0.95], "ttft_p99_s": ttft_s[0.99]},
    )


def interval(values: Sequence[float]) -> Figure:
    """The first, which is the figure itself, between percentiles of the others."""
    figure, others = values[0], sorted(values[1:])
    tail = (1.0 - LEVEL) / 2.0
    last = len(others) - 1
    return Figure(figure, others[math.floor(tail * last)], others[math.ceil((1.0 - tail) * last)])


def means(runs: Sequence[Sequence[Row]], of: Callable[[Row], float], draws: Draws) -> list[float]:
    """The mean over all calls, for each draw of seeds."""
    sums = [sum(of(row) for row in rows) for rows in runs]
    sizes = [len(rows) for rows in runs]
    return [
        sum(times * total for times, total in zip(draw, sums, strict=True))
        / max(1, sum(times * size for times, size in zip(draw, sizes, strict=True)))
        for draw in draws
    ]


def quantiles(runs: Sequence[Sequence[Row]], of: Callable[[Row], float], q: float, draws: Draws) -> list[float]:
    """The quantile of all calls, for each draw of seeds: the least value at or below which a share *q* of them lies."""
    pooled = sorted(((of(row), seed) for seed, rows in enumerate(runs) for row in rows), reverse=True)
    sizes = [len(rows) for rows in runs]
    return [_quantile(pooled, sizes, q, draw) for draw in draws]


def _quantile(pooled: list[tuple[float, int]], sizes: list[int], q: float, draw: list[int]) -> float:
    calls = sum(times * size for times, size in zip(draw, sizes, strict=True))
    above = calls - max(1, math.ceil(q * calls - 1e-9))
    for value, seed in pooled:
        above -= draw[seed]
        if above < 0:
            return value
    return math.nan
