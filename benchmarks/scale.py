"""What do more endpoints, and more calls in flight, cost?

    python -m benchmarks.scale [--quick] [--json FILE]

Three tables. *By endpoints*: CPU and memory with 1 to 1,000 endpoints behind the minimal and the interactive stack,
with a provider that answers at once. Calls come one after the other as fast as they can, so that what is worked out
once in a while is shared by many; and at a hundred a second on the router's clock, where each call pays for its own
knowledge. *By calls in flight*: 1 to 10,000 calls begin, all wait for their answers at once, and end; against tasks
that only wait. *By imports*: what CPU a fresh process takes to import the router and the policies, and its memory,
against aiohttp, which every provider needs.

Rows are interleaved round by round. Times are the median round's; imports, the least of all rounds, since nothing can
make one faster than it is. Memory is measured in processes of its own (`scale_memory`).
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import attrs

from benchmarks.apart import fresh
from benchmarks.command import judged, parser, table, tell
from benchmarks.instant import QUESTION, Instant, heard, router
from benchmarks.scale_imports import Import, by_imports, import_table, import_verdict
from benchmarks.scale_memory import FLOOR, SLOTS, STACKS
from paceline.router import Router

QUESTION_ASKED = "What do more endpoints, and more calls in flight, cost?"
ENDPOINTS = (1, 10, 100, 1000)
IN_FLIGHT = (1, 1_000, 10_000)
BUSY, QUIET = "one after the other", "100 a second"
QUIET_GAP_S = 0.01
CROWD = "all at once"
MEMORY_WAYS = ("traced", "resident")

FEWEST_CALLS = 1_000
"""Calls of a cell in a round at least: a lone one is made as often."""

AIM_OF_TEN = 4.0
"""Times the cost with ten endpoints that a call may take with a thousand."""


class Moved:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Now, in seconds."""
        return self.now_s


Key = tuple[str, int, str]
"""A stack, how many endpoints or calls, and how the calls come."""


@attrs.define
class Measured:
    """Rounds of everything, in microseconds of CPU a call, and memory in bytes."""

    cost_us: dict[Key, list[float]] = attrs.field(factory=dict[Key, list[float]])
    memory: dict[tuple[str, int, int, str], dict[str, float]] = attrs.field(
        factory=dict[tuple[str, int, int, str], dict[str, float]]
    )

    def median_us(self, stack: str, many: int, how: str) -> float:
        """The median round."""
        return statistics.median(self.cost_us[stack, many, how])

    def of_ten(self, stack: str, many: int, how: str) -> float:
        """Times the cost with ten endpoints, the median of the rounds' ratios."""
        rounds = zip(self.cost_us[stack, many, how], self.cost_us[stack, 10, how], strict=True)
        return statistics.median(cost_us / ten_us for cost_us, ten_us in rounds)

    def kib(self, subject: str, endpoints: int, many: int, what: str) -> str:
        """Memory for the table: as Python counts it, and as the system does, where that was measured."""
        found = [self.memory.get((subject, endpoints, many, how)) for how in MEMORY_WAYS]
        return " / ".join(f"{each[what] / 1024:,.1f}" for each in found if each is not None)


# -- by endpoints


async def by_endpoints(measured: Measured, rounds: int, calls: int) -> None:
    """CPU a call, of each stack with each number of endpoints, in both ways."""
    async with AsyncExitStack() as opened:
        cells: dict[Key, Callable[[], Awaitable[None]]] = {}
        for stack, policies in STACKS.items():
            for endpoints in ENDPOINTS:
                busy = await opened.enter_async_context(router(policies(), Instant(), endpoints))
                cells[stack, endpoints, BUSY] = _asking(busy, None)
                clock = Moved()
                quiet = await opened.enter_async_context(router(policies(), Instant(), endpoints, clock=clock))
                cells[stack, endpoints, QUIET] = _asking(quiet, clock)
        for turn in range(-1, rounds):
            gc.freeze()  # what was kept so far is nothing for the collector to look through in the next row
            for key, once in cells.items():
                began_s = time.process_time()
                for _ in range(calls):
                    await once()
                if turn >= 0:  # the first round only warms
                    measured.cost_us.setdefault(key, []).append((time.process_time() - began_s) / calls * 1e6)


def _asking(through: Router, clock: Moved | None) -> Callable[[], Awaitable[None]]:
    async def once() -> None:
        if clock is not None:
            clock.now_s += QUIET_GAP_S
        await through.send(QUESTION, heard)

    return once


# -- by calls in flight


async def by_calls(measured: Measured, rounds: int) -> None:
    """CPU of a call from its beginning to its end, while so many are under way."""
    async with AsyncExitStack() as opened:
        crowds: dict[Key, Callable[[], Awaitable[None]]] = {}
        for many in IN_FLIGHT:
            crowds[FLOOR, many, CROWD] = _tasks_alone(many)
            for stack, policies in STACKS.items():
                provider = Instant()
                through = await opened.enter_async_context(router(policies(), provider, slots=SLOTS))
                crowds[stack, many, CROWD] = _crowd(through, provider, many)
        for turn in range(-1, rounds):
            gc.freeze()
            for (subject, many, how), once in crowds.items():
                repeats = max(1, FEWEST_CALLS // many)
                began_s = time.process_time()
                for _ in range(repeats):
                    await once()
                if turn >= 0:
                    spent_us = (time.process_time() - began_s) / (repeats * many) * 1e6
                    measured.cost_us.setdefault((subject, many, how), []).append(spent_us)


def _tasks_alone(many: int) -> Callable[[], Awaitable[None]]:
    async def once() -> None:
        gate = asyncio.Event()
        tasks = [asyncio.create_task(gate.wait()) for _ in range(many)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)

    return once


def _crowd(through: Router, provider: Instant, many: int) -> Callable[[], Awaitable[None]]:
    async def once() -> None:
        gate = provider.gate = asyncio.Event()
        calls = [asyncio.create_task(through.send(QUESTION, heard)) for _ in range(many)]
        while provider.waiting < many:  # noqa: ASYNC110  the provider counts; it tells nobody
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*calls)

    return once


# -- in processes of their own


MEMORY_CELLS = (
    *((stack, endpoints, 1) for stack in STACKS for endpoints in ENDPOINTS),
    *((subject, 10, many) for subject in (FLOOR, *STACKS) for many in IN_FLIGHT if many > 1),
)
"""Stacks, endpoints and calls in flight of which memory is measured."""

QUICK_MEMORY_CELLS = (("interactive", 10, 1), ("interactive", 1000, 1), (FLOOR, 10, 1_000), ("interactive", 10, 1_000))


def by_memory(measured: Measured, *, quick: bool) -> None:
    """Bytes an endpoint and a call, as Python counts them and as the system does."""
    for subject, endpoints, many in QUICK_MEMORY_CELLS if quick else MEMORY_CELLS:
        for how in MEMORY_WAYS:
            said = fresh("-m", "benchmarks.scale_memory", subject, str(endpoints), str(many), how)
            measured.memory[subject, endpoints, many, how] = json.loads(said)


# -- as it is told


def endpoint_table(measured: Measured) -> str:
    """Microseconds a call, times ten endpoints' cost, and KiB an endpoint."""
    rows: list[list[str]] = []
    for stack in STACKS:
        for endpoints in ENDPOINTS:
            cells = [
                f"{measured.median_us(stack, endpoints, how):.1f} us, {measured.of_ten(stack, endpoints, how):.2f}x"
                for how in (BUSY, QUIET)
            ]
            rows.append([stack, f"{endpoints:,}", *cells, measured.kib(stack, endpoints, 1, "per_endpoint")])
    return table(["stack", "endpoints", BUSY, QUIET, "KiB an endpoint, traced / resident"], rows)


def call_table(measured: Measured) -> str:
    """Microseconds and KiB a call."""
    rows: list[list[str]] = []
    for subject in (FLOOR, *STACKS):
        for many in IN_FLIGHT:
            kib = measured.kib(subject, 10, many, "per_call") if many > 1 else ""
            name = "tasks that wait" if subject == FLOOR else subject
            rows.append([name, f"{many:,}", f"{measured.median_us(subject, many, CROWD):.1f}", kib])
    return table(["stack", "in flight", "us a call", "KiB a call, traced / resident"], rows)


def verdicts(measured: Measured, imports: Mapping[str, Import]) -> str:
    """What became of the aims, a sentence each."""
    said: list[str] = []
    for stack in STACKS:
        for how in (BUSY, QUIET):
            ratio = measured.of_ten(stack, ENDPOINTS[-1], how)
            said.append(
                f"The {stack} stack with {ENDPOINTS[-1]:,} endpoints, {how}: {ratio:.1f} times its cost with ten; "
                f"{judged(ratio, AIM_OF_TEN)} of {AIM_OF_TEN:g} times."
            )
    said.append(import_verdict(imports))
    return "\n".join(f"- {sentence}" for sentence in said)


def figures(measured: Measured, imports: Mapping[str, Import]) -> dict[str, object]:
    """For JSON."""
    return {
        "us_per_call": [
            {"stack": stack, "many": many, "how": how, "us": measured.median_us(stack, many, how)}
            for stack, many, how in measured.cost_us
        ],
        "bytes": [
            {"stack": stack, "endpoints": endpoints, "in_flight": many, "how": how, **found}
            for (stack, endpoints, many, how), found in measured.memory.items()
        ],
        "imports": {name: attrs.asdict(found) for name, found in imports.items()},
    }


def main() -> None:
    """Measure, print the tables, and write them as JSON if asked."""
    chosen = parser("scale", QUESTION_ASKED).parse_args()
    measured = Measured()
    quick: bool = chosen.quick
    asyncio.run(by_endpoints(measured, rounds=2 if quick else 11, calls=300 if quick else 1_500))
    asyncio.run(by_calls(measured, rounds=1 if quick else 5))
    by_memory(measured, quick=quick)
    imports = by_imports(rounds=5 if quick else 20)
    said = [endpoint_table(measured), call_table(measured), import_table(imports), verdicts(measured, imports)]
    tell(QUESTION_ASKED, said, figures(measured, imports), json_file=chosen.json, libraries=["aiohttp"])


if __name__ == "__main__":
    main()
