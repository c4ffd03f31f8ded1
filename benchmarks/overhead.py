"""How much CPU does one call cost, layer by layer, and in every way it can be made?

    python -m benchmarks.overhead [--quick] [--json FILE]

The provider answers at once, so what is measured is Paceline alone: 10 endpoints in three regions, each with slots and
a profile. In the first table (`overhead_layers`) layers are added from the inside outwards, and each row's *adds* is
what its layer costs on top of the row before; the last rows are policies by themselves, each around `Slots` alone, when
there is nothing for them to do. In the second (`overhead_ways`) are whole stacks and single policies, whole and
streamed, one call at a time and a hundred at once, with what a chunk and the memory of a call cost; beside LiteLLM's
Router with latency routing over ten deployments and mocked answers, if it is installed (``pip install '.[bench]'``).

Rows are interleaved round by round, and the median round counts, so a machine that becomes slower for a while slows all
rows alike; the first table is the median of several processes as well. The floors are measured in the same rounds: what
any asyncio code must pay. What a dozen routers have kept is frozen before each round: one of them would not make the
garbage collector look through the others' history.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack

import attrs

from benchmarks import overhead_layers as layers
from benchmarks.apart import Apart
from benchmarks.command import judged, parser, table, tell
from benchmarks.instant import RTT_S, Instant, router
from benchmarks.overhead_ways import AT_ONCE, PULLED, PUSHED, WAYS, WHOLE, Floor, Peer, Stack, Subject
from paceline.policies import Chaos, Slots, stacks
from paceline.router import Policy

QUESTION_ASKED = "How much CPU does one call cost, layer by layer, and in every way it can be made?"
AIM_US = 20.0
AIM_CHUNK_US = 1.0
AIM_OF_LITELLM = 100.0
"""Times as much as the interactive stack that LiteLLM's Router costs at least."""

INTERACTIVE, LITELLM = "interactive", "LiteLLM's Router"

LAYER_CALLS = 4_000
"""Calls of a row in a round, with its layer and as many without: a histogram is folded anew meanwhile."""

QUICKLY, THOROUGHLY = (1, 1), (7, 2)
"""Processes, and rounds in each, of the first table."""

WAY_CALLS, CHUNK_CALLS = 2_000, 20
PEERS = ("benchmarks.overhead_peers",)


@attrs.define
class Cost:
    """What one row of the second table costs: the rounds of every cell, and its memory."""

    name: str
    call_us: dict[tuple[str, int], list[float]] = attrs.field(factory=dict[tuple[str, int], list[float]])
    chunk_us: dict[str, list[float]] = attrs.field(factory=dict[str, list[float]])
    memory: tuple[int, int] | None = None

    def call(self, way: str, at_once: int) -> float | None:
        """The median round; None: there is no such way."""
        seen = self.call_us.get((way, at_once))
        return statistics.median(seen) if seen else None

    def chunk(self, way: str) -> float | None:
        """The median round; None: there is no such way."""
        seen = self.chunk_us.get(way)
        return statistics.median(seen) if seen else None

    def figures(self) -> dict[str, object]:
        """For JSON."""
        calls = {f"{way}, {at_once} at once": self.call(way, at_once) for way, at_once in self.call_us}
        chunks = {way: self.chunk(way) for way in self.chunk_us}
        blocks, peak_bytes = self.memory or (None, None)
        return {"us_per_call": calls, "us_per_chunk": chunks, "blocks": blocks, "peak_bytes": peak_bytes}


async def subjects(opened: AsyncExitStack, peers: Sequence[str]) -> list[Subject]:
    """The rows of the second table. *peers*: modules of other routers, each in a process of its own."""
    found: list[Subject] = [Floor()]
    named: dict[str, list[Policy]] = {
        "router and dispatch": [],
        "minimal": stacks.minimal(),
        "batch": stacks.batch(here="us-east", rtt_s=RTT_S),
        INTERACTIVE: stacks.interactive(here="us-east", rtt_s=RTT_S),
    }
    for name, policies in named.items():
        provider = Instant()
        found.append(Stack(name, await opened.enter_async_context(router(policies, provider)), provider))
    for name, policy, question in layers.by_themselves():
        provider = Instant()
        both: list[Policy] = [Slots(), policy] if isinstance(policy, Chaos) else [policy, Slots()]
        open_router = await opened.enter_async_context(router(both, provider))
        found.append(Stack(f"{name}, around Slots alone", open_router, provider, question))
    for module in peers:
        apart = Apart(module)
        opened.callback(apart.close)
        if not apart.absent:
            found.append(Peer(LITELLM, apart))
    return found


async def measure_ways(
    rounds: int, calls: int = WAY_CALLS, chunk_calls: int = CHUNK_CALLS, peers: Sequence[str] = PEERS
) -> list[Cost]:
    """Every row of the second table, round by round."""
    async with AsyncExitStack() as opened:
        found = await subjects(opened, peers)
        costs = [Cost(subject.name) for subject in found]
        for turn in range(-1, rounds):
            gc.freeze()  # what was kept so far is nothing for the collector to look through in the next row
            for subject, cost in zip(found, costs, strict=True):
                await _round(subject, cost, calls, chunk_calls, counts=turn >= 0)
        for subject, cost in zip(found, costs, strict=True):
            cost.memory = await subject.memory()
        return costs


async def _round(subject: Subject, cost: Cost, calls: int, chunk_calls: int, *, counts: bool) -> None:
    """One round of one row. The first only warms, and does not count."""
    for way in WAYS:
        for at_once in AT_ONCE:
            call_us = await subject.call_us(way, at_once, calls)
            if call_us is not None and counts:
                cost.call_us.setdefault((way, at_once), []).append(call_us)
    for way in (PUSHED, PULLED):
        chunk_us = await subject.chunk_us(way, chunk_calls)
        if chunk_us is not None and counts:
            cost.chunk_us.setdefault(way, []).append(chunk_us)


def way_table(costs: list[Cost]) -> str:
    """The second table, in microseconds of CPU. Cells are: one at a time / a hundred at once."""
    heads = ["us, one / 100 at once", *WAYS, "a chunk, pushed / pulled", "blocks", "KiB"]
    rows: list[list[str]] = []
    for cost in costs:
        calls = [_pair(cost.call(way, 1), cost.call(way, 100)) for way in WAYS]
        chunk = _pair(cost.chunk(PUSHED), cost.chunk(PULLED), digits=2)
        blocks, peak_bytes = cost.memory or (None, None)
        kib = "" if peak_bytes is None else f"{peak_bytes / 1024:.1f}"
        rows.append([cost.name, *calls, chunk, "" if blocks is None else str(blocks), kib])
    return table(heads, rows)


def _pair(one: float | None, other: float | None, digits: int = 1) -> str:
    if one is None and other is None:
        return ""
    return " / ".join("-" if cost_us is None else f"{cost_us:,.{digits}f}" for cost_us in (one, other))


def verdicts(measured: list[layers.Timing], costs: list[Cost]) -> str:
    """What became of the aims, a sentence each."""
    by_name = {cost.name: cost for cost in costs}
    layered_us = next(timing.us for timing in measured if timing.name == layers.OUTERMOST)
    said = [
        f"The stack of the first table takes {layered_us:.1f} us a call with 10 endpoints; the aim is {AIM_US:g} us."
    ]
    ours = by_name[INTERACTIVE]
    pushed_us, whole_us, chunk_us = ours.call(PUSHED, 1), ours.call(WHOLE, 1), ours.chunk(PUSHED)
    if pushed_us is not None and chunk_us is not None:
        said += [
            f"The interactive stack takes {pushed_us:.1f} us: {judged(pushed_us, AIM_US)} of {AIM_US:g} us.",
            f"A chunk costs it {chunk_us:.2f} us: {judged(chunk_us, AIM_CHUNK_US)} of {AIM_CHUNK_US:g} us.",
        ]
    theirs_us = by_name[LITELLM].call(WHOLE, 1) if LITELLM in by_name else None
    if theirs_us is not None and whole_us is not None:
        ratio = theirs_us / whole_us
        met = "met" if ratio >= AIM_OF_LITELLM else "missed"
        said.append(
            f"LiteLLM's Router takes {theirs_us:,.0f} us for a whole answer, {ratio:.0f} times the interactive stack; "
            f"the aim of {AIM_OF_LITELLM:g} times is {met}."
        )
    return "\n".join(f"- {sentence}" for sentence in said)


def main() -> None:
    """Measure, print the tables, and write them as JSON if asked."""
    chosen = parser("overhead", QUESTION_ASKED).parse_args()
    measured = layers.measure_apart(*(QUICKLY if chosen.quick else THOROUGHLY), LAYER_CALLS)
    costs = asyncio.run(measure_ways(rounds=3 if chosen.quick else 15, calls=500 if chosen.quick else WAY_CALLS))
    figures = {
        "us_per_call": {timing.name: timing.us for timing in measured},
        "us_added": {timing.name: timing.adds_us for timing in measured if timing.adds_us is not None},
        "ways": {cost.name: cost.figures() for cost in costs},
    }
    said = [layers.layer_table(measured), way_table(costs), verdicts(measured, costs)]
    tell(QUESTION_ASKED, said, figures, json_file=chosen.json, libraries=["litellm"])


if __name__ == "__main__":
    main()
