"""The first table of `benchmarks.overhead`: what each layer of a stack, and each policy by itself, costs a call.

    python -m benchmarks.overhead_layers ROUNDS CALLS

measures it once, in this process, and prints it as JSON. Once is not enough: where a router's objects happen to lie in
memory is worth half a microsecond a call, and stays the same as long as its process lives. So the table is that of
several processes, one after the other, and a row's figures are the medians of theirs.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import anyio
import attrs

from benchmarks.apart import fresh
from benchmarks.instant import CANDIDATE, QUESTION, REGIONS, RTT_S, Instant, heard, router
from paceline.policies import (
    Admission,
    Affinity,
    Breaker,
    Cap,
    Chaos,
    CostLimit,
    Failure,
    Fallback,
    Hedge,
    Injection,
    LatencyBudget,
    Pace,
    Quota,
    Regions,
    Resume,
    Retry,
    Shadow,
    Slots,
    Splice,
)
from paceline.router import Call, Emit, Handler, Policy, Request, Router, WindowShape
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR
from paceline.router.statistics.window import Window

LONG = Request(messages="You are an assistant. " * 250, route="chat")
"""Long enough to be cached by a vendor."""

SCOPE, DISPATCH, OUTERMOST = "one cancel scope with a deadline", "router and dispatch", "Fallback"
"""Rows: what one timeout alone would cost, the least, and the whole stack."""

Once = Callable[[], Awaitable[None]]


@attrs.frozen
class Row:
    """One thing that is timed."""

    name: str
    once: Once
    is_floor: bool
    against: str | None = None
    """The row it is compared with; None: the one before."""


async def nothing() -> None:
    """The floor of floors."""


async def one_scope() -> None:
    """Enter and leave one cancel scope with a deadline."""
    with anyio.move_on_after(60.0):  # noqa: ASYNC100  the price of the scope alone is asked for
        pass


async def one_task() -> None:
    """Start a task and wait for it: what a race costs at least, for each leg is one."""
    await asyncio.get_running_loop().create_task(nothing())


async def pass_on(call: Call, emit: Emit, next: Handler, /) -> None:
    """The least policy there is."""
    await next(call, emit)


def one_record() -> Once:
    """Record one latency into a window."""
    window = Window(MILLISECONDS_TO_AN_HOUR, WindowShape())

    async def once() -> None:
        window.record(0.25, 1.0)

    return once


async def rows(opened: AsyncExitStack) -> list[Row]:
    """The floors, then the stack, layer by layer from the inside."""
    stack: list[Policy] = [Fallback(), Retry(), Regions(here="us-east", rtt_s=RTT_S), LatencyBudget(), Slots()]
    timed = [
        Row("await of an empty coroutine", nothing, is_floor=True),
        Row(SCOPE, one_scope, is_floor=True),
        Row("one task, awaited", one_task, is_floor=True),
        Row("one histogram record", one_record(), is_floor=True),
    ]

    async def timed_call(
        name: str, policies: list[Policy], against: str | None = None, asked: Request = QUESTION
    ) -> None:
        through = await opened.enter_async_context(router(policies, Instant()))
        timed.append(Row(name, _call(through, asked), is_floor=False, against=against))

    for size in range(len(stack) + 1):
        policies = stack[len(stack) - size :]
        await timed_call(type(policies[0]).__name__ if policies else DISPATCH, policies)
    await timed_call("a policy that passes the call on", [pass_on], against=DISPATCH)
    for name, policy, question in by_themselves():
        both: list[Policy] = [Slots(), policy] if isinstance(policy, Chaos) else [policy, Slots()]
        await timed_call(f"{name}, around Slots alone", both, against="Slots", asked=question)
    return timed


def by_themselves() -> list[tuple[str, Policy, Request]]:
    """Policies that are timed each around `Slots` alone, by name, as they are used, with a question to look at."""
    quotas = [
        Quota(endpoints=(f"endpoint-{number}",), requests_per_min=1e9, tokens_per_min=1e12)
        for number in range(len(REGIONS))
    ]
    never = Injection(fault=Failure(), share=1e-9)
    return [
        ("Breaker", Breaker(), QUESTION),
        ("Hedge", Hedge(), QUESTION),
        ("Pace", Pace(quotas=quotas), QUESTION),
        ("Affinity", Affinity(), LONG),
        ("Cap", Cap(max_tokens=500), QUESTION),
        ("Cap with money", Cap(max_tokens=500, cost=CostLimit(money=1e9)), QUESTION),
        ("Admission", Admission(), QUESTION),
        ("Shadow", Shadow(to=CANDIDATE, share=1e-9), QUESTION),
        ("Resume", Resume(otherwise=Splice()), QUESTION),
        ("Chaos", Chaos(injections=[never], seed=1), QUESTION),
    ]


def _call(through: Router, question: Request = QUESTION) -> Once:
    async def once() -> None:
        await through.send(question, heard)

    return once


async def timed_us(once: Once, calls: int) -> float:
    """CPU microseconds of one, over *calls* of them."""
    began_s = time.process_time()
    for _ in range(calls):
        await once()
    return (time.process_time() - began_s) / calls * 1e6


@attrs.frozen
class Timing:
    """What one row costs: CPU microseconds. adds_us: what it adds to the row it is put around; None: it is a floor."""

    name: str
    us: float
    adds_us: float | None


async def measure(rounds: int, calls: int) -> list[Timing]:
    """The median round of each row, in this process."""
    async with AsyncExitStack() as opened:
        timed = await rows(opened)
        costs: list[list[float]] = [[] for _ in timed]
        for turn in range(-1, rounds):
            gc.freeze()
            for row, seen in zip(timed, costs, strict=True):
                cost_us = await timed_us(row.once, calls)
                if turn >= 0:  # the first round only warms
                    seen.append(cost_us)
    return with_what_they_add([(row, statistics.median(seen)) for row, seen in zip(timed, costs, strict=True)])


def with_what_they_add(measured: list[tuple[Row, float]]) -> list[Timing]:
    """The rows, each compared with the one it is put around."""
    found: list[Timing] = []
    before_us, by_name = 0.0, {row.name: cost_us for row, cost_us in measured}
    for row, cost_us in measured:
        against_us = before_us if row.against is None else by_name[row.against]
        found.append(Timing(row.name, cost_us, None if row.is_floor else cost_us - against_us))
        if not row.is_floor:
            before_us = cost_us
    return found


def measure_apart(processes: int, rounds: int, calls: int) -> list[Timing]:
    """The medians of so many processes, of both what a row costs and what it adds.

    Raises:
        Absent: one of them failed.
    """
    seen: dict[str, list[Timing]] = {}
    for _ in range(processes):
        for told in json.loads(fresh("-m", "benchmarks.overhead_layers", str(rounds), str(calls))):
            seen.setdefault(told["name"], []).append(Timing(**told))
    return [_median(timings) for timings in seen.values()]


def _median(timings: list[Timing]) -> Timing:
    adds_us = [timing.adds_us for timing in timings if timing.adds_us is not None]
    us = statistics.median(timing.us for timing in timings)
    return Timing(timings[0].name, us, statistics.median(adds_us) if adds_us else None)


def layer_table(measured: list[Timing]) -> str:
    """As a Markdown table. Ratios are against the cancel scope: what one timeout alone would cost."""
    scope_us = next(timing.us for timing in measured if timing.name == SCOPE)
    lines = ["| layer | us a call | adds | of one scope |", "|---|---|---|---|"]
    for timing in measured:
        adds = "floor" if timing.adds_us is None else f"{timing.adds_us:.2f}"
        lines.append(f"| {timing.name} | {timing.us:.2f} | {adds} | {timing.us / scope_us:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure once, and print it."""
    rounds, calls = map(int, sys.argv[1:])
    print(json.dumps([attrs.asdict(timing) for timing in asyncio.run(measure(rounds, calls))]))


if __name__ == "__main__":
    main()
