"""The first table of `benchmarks.overhead`: what each layer of a stack, and each policy by itself, costs a call.

    python -m benchmarks.overhead_layers ROUNDS CALLS

measures it once, in this process, and prints it as JSON. Once is not enough: where a router's objects happen to lie in
memory is worth half a microsecond a call and more, and stays the same as long as its process lives. So what a layer
adds is not told by comparing two routers: it is added to one and taken away again, many times a round. And the table is
that of several processes, one after the other: medians of theirs. How exact that is can be seen by the policy that only
passes the call on: it costs next to nothing, and is some tenths away from it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Self

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
from paceline.router import Call, Emit, Handler, Policy, Request, Router, WindowShape, compose
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR
from paceline.router.statistics.window import Window

LONG = Request(messages="You are an assistant. " * 250, route="chat")
"""Long enough to be cached by a vendor."""

TURNS = 8
"""Of a layer that is there in a round, and of it being away."""

SCOPE, DISPATCH, OUTERMOST = "one cancel scope with a deadline", "router and dispatch", "Fallback"
"""Rows: what one timeout alone would cost, the least, and the whole stack."""

Once = Callable[[], Awaitable[None]]


@attrs.frozen
class Added:
    """A layer that is added to a router and taken away again: what its calls go through with it, and without."""

    through: Router
    with_it: Handler
    without: Handler

    @classmethod
    def to(cls, through: Router, policies: Sequence[Policy], without: Sequence[Policy]) -> Self:
        """The stack *policies* instead of the stack *without*, on one router."""
        leaf = through._bounds.dispatch  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return cls(through, compose(policies, leaf), compose(without, leaf))

    def turn(self, *, on: bool) -> None:
        """Add it, or take it away."""
        self.through._handler = self.with_it if on else self.without  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@attrs.frozen
class Row:
    """One thing that is timed, *once* and again: a layer as a rule, against what goes on without it.

    added: the layer, of one router. without: a call of another router, without it. None of both: it is no layer.
    """

    name: str
    once: Once
    added: Added | None = None
    without: Once | None = None

    async def timed_us(self, calls: int) -> tuple[float, float]:
        """CPU microseconds of one, over *calls* of them: of all of it, and without what is added.

        What was not used for seconds looks at much anew, so the first calls do not count; and with and without take
        turns, so that what is slow for a while is slow for both.
        """
        once = {True: self.once, False: self.without or self.once}
        for one in once.values():
            await timed_us(one, calls)
        us = {True: 0.0, False: 0.0}
        for turn in range(2 * TURNS):
            is_on = turn % 4 in (1, 2)
            if self.added is not None:
                self.added.turn(on=is_on)
            await timed_us(once[is_on], calls // TURNS // 4)
            us[is_on] += await timed_us(once[is_on], calls // TURNS) / TURNS
        return us[True], us[False]


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
    """The floors, then the stack, layer by layer from the inside, then policies around `Slots` alone."""

    async def asking(policies: Sequence[Policy], question: Request = QUESTION) -> tuple[Router, Once]:
        through = await opened.enter_async_context(router(policies, Instant()))

        async def once() -> None:
            await through.send(question, heard)

        return through, once

    timed = [
        Row("await of an empty coroutine", nothing),
        Row(SCOPE, one_scope),
        Row("one task, awaited", one_task),
        Row("one histogram record", one_record()),
        Row(DISPATCH, (await asking([]))[1]),
    ]
    stack: list[Policy] = [Fallback(), Retry(), Regions(here="us-east", rtt_s=RTT_S), LatencyBudget(), Slots()]
    through, once = await asking(stack)
    for place in reversed(range(len(stack))):
        added = Added.to(through, stack[place:], stack[place + 1 :])
        timed.append(Row(type(stack[place]).__name__, once, added))
    _, slots_alone = await asking([Slots()])
    for title, policy, question in by_themselves():
        slots = Slots()
        both: list[Policy] = [slots, policy] if isinstance(policy, Chaos) else [policy, slots]
        through, once = await asking(both, question)
        name = f"{title}, around Slots alone"
        if isinstance(policy, Breaker):  # what it has the fleet count costs a call as well, wherever it goes
            timed.append(Row(name, once, without=slots_alone))
        else:
            timed.append(Row(name, once, Added.to(through, both, [slots])))
    return timed


def by_themselves() -> list[tuple[str, Policy, Request]]:
    """Policies that are timed each around `Slots` alone, by name, as they are used, with a question to look at."""
    quotas = [
        Quota(endpoints=(f"endpoint-{number}",), requests_per_min=1e9, tokens_per_min=1e12)
        for number in range(len(REGIONS))
    ]
    never = Injection(fault=Failure(), share=1e-9)
    return [
        ("a policy that passes the call on", pass_on, QUESTION),
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


async def timed_us(once: Once, calls: int) -> float:
    """CPU microseconds of one, over *calls* of them."""
    began_s = time.process_time()
    for _ in range(calls):
        await once()
    return (time.process_time() - began_s) / calls * 1e6


@attrs.frozen
class Timing:
    """What one row costs: CPU microseconds. adds_us: what its layer adds; None: it is none."""

    name: str
    us: float
    adds_us: float | None


async def measure(rounds: int, calls: int) -> list[Timing]:
    """The median round of each row, in this process."""
    async with AsyncExitStack() as opened:
        timed = await rows(opened)
        costs: list[list[tuple[float, float]]] = [[] for _ in timed]
        for turn in range(-1, rounds):
            gc.freeze()
            for row, seen in zip(timed, costs, strict=True):
                cost_us = await row.timed_us(calls)
                if turn >= 0:  # the first round only warms
                    seen.append(cost_us)
        return [_timing(row, seen) for row, seen in zip(timed, costs, strict=True)]


def _timing(row: Row, seen: list[tuple[float, float]]) -> Timing:
    us = statistics.median(with_us for with_us, _ in seen)
    adds_us = statistics.median(with_us - without_us for with_us, without_us in seen)
    return Timing(row.name, us, adds_us if row.added or row.without else None)


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
        adds = "" if timing.adds_us is None else f"{timing.adds_us:.2f}"
        lines.append(f"| {timing.name} | {timing.us:.2f} | {adds} | {timing.us / scope_us:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure once, and print it."""
    rounds, calls = map(int, sys.argv[1:])
    print(json.dumps([attrs.asdict(timing) for timing in asyncio.run(measure(rounds, calls))]))


if __name__ == "__main__":
    main()
