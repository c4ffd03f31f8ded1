"""The first table of `benchmarks.overhead`: what each layer of a stack, and each policy by itself, costs a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import anyio
import attrs

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

DISPATCH = "router and dispatch"

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
        Row("one cancel scope with a deadline", one_scope, is_floor=True),
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


def layer_table(measured: list[tuple[Row, float]]) -> str:
    """As a Markdown table. Ratios are against the cancel scope: what one timeout alone would cost."""
    scope_us = measured[1][1]
    lines = ["| layer | us a call | adds | of one scope |", "|---|---|---|---|"]
    before_us, by_name = 0.0, {row.name: cost_us for row, cost_us in measured}
    for row, cost_us in measured:
        against_us = before_us if row.against is None else by_name[row.against]
        adds = "floor" if row.is_floor else f"{cost_us - against_us:.2f}"
        lines.append(f"| {row.name} | {cost_us:.2f} | {adds} | {cost_us / scope_us:.1f} |")
        if not row.is_floor:
            before_us = cost_us
    return "\n".join(lines)
