"""What do the latency statistics cost: in CPU for each call, and in memory for each endpoint?

    python -m benchmarks.statistics [--quick] [--json FILE]

Everything is played on a clock of its own by `steady`: ten endpoints, prompts of four classes. CPU time is that of this
process alone, rounds are interleaved, and the median round counts. What a *judgement* costs (the chance to make it at
each of ten candidates, as `LatencyBudget` asks for them) is the difference between a second of traffic with it and the
same second without; refolding is in it, as in life. Memory is what tracemalloc says Python allocated.

Floors are measured in the same rounds: a function call, and what HdrHistogram's own record and percentile take.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import attrs
from hdrh.histogram import HdrHistogram

from benchmarks.machine import machine
from benchmarks.steady import CLASSES, WINDOW_S, Steady, heard
from paceline.policies import LatencyBudget
from paceline.router import Call, Emit, Fold, Priority, Window
from paceline.router.statistics.window import REFOLD_BY_S

QUESTION = "What do the latency statistics cost: in CPU for each call, and in memory for each endpoint?"

CANDIDATES = 10
BUSY_PER_S = 50.0
"""Calls a second of one busy endpoint."""

BUSIEST_PER_S = 5000.0
"""Calls a second at which the cost of a judgement matters: many calls share one, and the aim is for a call's share."""

REMEMBERED_PER_S = 100.0
"""Calls a second at which nothing is remembered any more when the next one comes: each pays for its own judgement."""

FLEET = 1000

QUICK_ROUNDS, ROUNDS = 3, 15

CALL, RECORD, PERCENTILE = "a function call", "HdrHistogram's own record", "HdrHistogram's own percentile"
"""The floors."""

Once: TypeAlias = Callable[[], float]
"""Measures once: CPU microseconds of one."""


@attrs.frozen
class Row:
    """What is measured, beside what is aimed at. *floor*: what to compare it with."""

    name: str
    once: Once
    aim: float | None = None
    unit: str = "us"
    floor: str | None = None


def each_us(what: Callable[[], object], times: int) -> float:
    """CPU microseconds of one of so many."""
    began_s = time.process_time()
    for _ in range(times):
        what()
    return (time.process_time() - began_s) / times * 1e6


# -- floors


def floors() -> list[Row]:
    """What any Python code, and any that uses this library, must pay."""
    histogram: Any = HdrHistogram(1, 3_600_000, 2)  # ships no types
    for number in range(3000):
        histogram.record_value(100 + number)
    return [
        Row(CALL, lambda: each_us(lambda: None, 1000)),
        Row(RECORD, lambda: each_us(lambda: histogram.record_value(250), 1000)),
        Row(PERCENTILE, lambda: each_us(lambda: histogram.get_value_at_percentile(90.0), 20)),
    ]


# -- recording and reading


def recording(fleet: Steady) -> Once:
    """A thousand finished attempts with all their metrics, of sizes and endpoints in turn."""

    def once() -> float:
        attempts = [fleet.attempt(size) for size in fleet.sizes(1000)]
        waiting = iter(attempts)
        fleet.now_s += 1.0
        return each_us(lambda: fleet.record(next(waiting)), len(attempts))

    return once


def reading(fleet: Steady, ask: Callable[[Fold, float], object], values: Sequence[float]) -> Once:
    """A question to the distribution in a window, for another value each time."""
    window, turns = fleet.targets[0].learned.total.measured, itertools.cycle(values)
    return lambda: each_us(lambda: ask(window.fold(fleet.now_s), next(turns)), 1000)


def folding(fleet: Steady, fold: Callable[[], object]) -> Once:
    """A fold that is due: a second after the last one, of an endpoint with fifty calls a second."""

    def once() -> float:
        fold()
        fleet.play(REFOLD_BY_S, BUSY_PER_S * CANDIDATES)
        return each_us(fold, 1)

    return once


# -- judging


async def rest(_call: Call, _emit: Emit, /) -> None:
    """What stands inside the policy: nothing."""


def judging(priority: Priority, rate_per_s: float) -> Once:
    """What a judgement adds to each call of a second of traffic."""
    judged, plain, budget = warm(priority), warm(priority), LatencyBudget()

    async def without(call: Call) -> None:
        await rest(call, heard)

    async def with_it(call: Call) -> None:
        await budget(call, heard, rest)

    async def second_us(fleet: Steady, once: Callable[[Call], Awaitable[None]]) -> float:
        began_s = time.process_time()
        for size in fleet.sizes(round(rate_per_s)):
            fleet.now_s += 1.0 / rate_per_s
            await once(fleet.call(size))
            fleet.record(fleet.attempt(size))
        return (time.process_time() - began_s) / rate_per_s * 1e6

    return lambda: asyncio.run(second_us(judged, with_it)) - asyncio.run(second_us(plain, without))


def warm(priority: Priority = Priority.TTFT, endpoints: int = CANDIDATES) -> Steady:
    """A fleet whose windows are full."""
    fleet = Steady(endpoints, priority)
    fleet.play(WINDOW_S, BUSY_PER_S * endpoints)
    return fleet


def folds_per_s() -> tuple[float, float]:
    """How often a second the busiest distribution of an endpoint, and all of them together, are folded anew."""
    fleet, counts, seconds = warm(), Counter[int](), 10
    folds: dict[int, Fold] = {}
    fold_of = Window.fold

    def counted(window: Window, now_s: float) -> Fold:
        fold = fold_of(window, now_s)
        if folds.get(id(window)) is not fold:
            folds[id(window)] = fold
            counts[id(window)] += 1
        return fold

    budget = LatencyBudget()

    async def judged() -> None:
        for size in fleet.sizes(round(seconds * BUSY_PER_S * CANDIDATES)):
            fleet.now_s += 1.0 / (BUSY_PER_S * CANDIDATES)
            await budget(fleet.call(size), heard, rest)
            fleet.record(fleet.attempt(size))

    with patch.object(Window, "fold", counted):
        asyncio.run(judged())
    return max(counts.values()) / seconds, counts.total() / seconds / CANDIDATES


# -- memory


def looked_at(fleet: Steady) -> None:
    """Fold everything that may be asked for."""
    for target in fleet.targets:
        for _, window in target.learned.series():
            window.fold(fleet.now_s)
        for size in (None, *(fleet.call(tokens).size for tokens in CLASSES)):
            outlook = target.outlook(fleet.now_s, size)
            outlook.p_first_token_within(1.0)
            outlook.p_tokens_within(8.0, (20, 60, 120, 250, 500))
            outlook.p_total_within(8.0)


def memory_bytes(endpoints: int, attempts: float) -> float:
    """Bytes of an endpoint with so many attempts in its window, sizes in turn."""
    tracemalloc.start()
    fleet = Steady(endpoints)
    fleet.play(WINDOW_S - 1.0, attempts * endpoints / WINDOW_S)
    looked_at(fleet)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / endpoints


# -- the report


def timed(fleet: Steady) -> list[Row]:
    """Everything that takes time."""
    learned = fleet.targets[0].learned
    window = learned.total.measured
    return [
        *floors(),
        Row("record a finished attempt, all metrics", recording(fleet), 5.0, floor=RECORD),
        Row("quantile of a folded window", reading(fleet, Fold.quantile, (0.1, 0.5, 0.9, 0.99)), 1.0, floor=PERCENTILE),
        Row("P(T <= t) of a folded window", reading(fleet, Fold.cdf, (0.5, 2.0, 4.0, 8.0)), 1.0, floor=PERCENTILE),
        Row("fold a window anew", folding(fleet, lambda: window.fold(fleet.now_s)), 100.0, floor=PERCENTILE),
        Row("fold all sizes as one", folding(fleet, lambda: learned.ttft.fold(fleet.now_s)), floor=PERCENTILE),
        *(
            Row(
                f"judge {CANDIDATES} candidates, {priority.name}, {rate_per_s:,.0f} calls/s",
                judging(priority, rate_per_s),
                10.0 if rate_per_s == BUSIEST_PER_S else None,
                floor=PERCENTILE,
            )
            for rate_per_s in (BUSIEST_PER_S, 1000.0, REMEMBERED_PER_S)
            for priority in (Priority.TTFT, Priority.TOTAL)
        ),
    ]


def counted() -> list[Row]:
    """Everything that is counted: once, as it is the same every time."""
    busiest, all_of_them = folds_per_s()
    return [
        Row("folds a second of one distribution", lambda: busiest, 4.0, ""),
        Row("folds a second of one endpoint's distributions together", lambda: all_of_them, 4.0, ""),
        Row(
            "memory of an endpoint, 50 calls/s, four classes, folds",
            lambda: memory_bytes(CANDIDATES, BUSY_PER_S * WINDOW_S) / 1024,
            256.0,
            "KB",
        ),
        Row(
            f"memory of {FLEET:,} endpoints, a call each in two seconds, four classes, folds",
            lambda: memory_bytes(FLEET, WINDOW_S / 2) * FLEET / 1024**2,
            300.0,
            "MB",
        ),
    ]


def measure(rounds: int) -> list[tuple[Row, float]]:
    """Each row with its median round."""
    rows = timed(warm())
    seen: list[list[float]] = [[] for _ in rows]
    for number in range(rounds + 1):
        for row, costs in zip(rows, seen, strict=True):
            cost_us = row.once()
            if number:  # the first one warms
                costs.append(cost_us)
    costs_us = [(row, statistics.median(costs)) for row, costs in zip(rows, seen, strict=True)]
    return costs_us + [(row, row.once()) for row in counted()]


def table(measured: list[tuple[Row, float]]) -> str:
    """As a Markdown table."""
    by_name = {row.name: value for row, value in measured}
    lines = ["| what | measured | aim | verdict | beside a floor |", "|---|---|---|---|---|"]
    for row, value in measured:
        aim = "" if row.aim is None else f"{row.aim:g} {row.unit}"
        beside = "" if row.floor is None else f"{value / by_name[row.floor]:.2f} times {row.floor}"
        lines.append(f"| {row.name} | {value:.2f} {row.unit} | {aim} | {verdict(row, value)} | {beside} |")
    return "\n".join(lines)


def verdict(row: Row, value: float) -> str:
    """Whether the aim was met."""
    if row.aim is None:
        return ""
    return "within" if value <= row.aim else f"missed, {value / row.aim:.1f} times the aim"


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=QUESTION)
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    chosen = parser.parse_args()
    measured = measure(QUICK_ROUNDS if chosen.quick else ROUNDS)
    about = machine()
    print(QUESTION, "", table(measured), "", sep="\n")
    print("; ".join(f"{name} {value}" for name, value in about.items()))
    if chosen.json is not None:
        figures = [{"what": row.name, "measured": value, "aim": row.aim, "unit": row.unit} for row, value in measured]
        chosen.json.write_text(json.dumps({"machine": about, "figures": figures}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
