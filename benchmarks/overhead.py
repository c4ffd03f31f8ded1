"""How much CPU does one call cost, layer by layer?

    python -m benchmarks.overhead [--quick] [--json FILE]

The provider answers at once with two chunks, so what is measured is Paceline alone: 10 endpoints in three regions,
each with slots and a profile. Layers are added from the inside outwards, and each row's *adds* is what its layer costs
on top of the row before. The last rows are policies by themselves, each around `Slots` alone, when there is nothing for
them to do. Rows are interleaved round by round, and the median round counts, so a machine that becomes slower for a
while slows all rows alike. The floors are measured in the same rounds: what any asyncio code must pay.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from pathlib import Path

import anyio
import attrs

from benchmarks.machine import machine
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
from paceline.router import (
    Call,
    Chunk,
    Clock,
    Emit,
    Endpoint,
    Handler,
    Objective,
    Policy,
    Profile,
    Request,
    Route,
    Router,
    Usage,
    WindowShape,
)
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR
from paceline.router.statistics.window import Window

ENDPOINTS = 10
REGIONS = ("us-east", "us-west", "eu-west")
RTT_S = {("us-east", "us-west"): 0.075, ("us-east", "eu-west"): 0.090}
AIM_US = 20.0
CALLS = 10_000
"""Calls of a row in a round: enough to run for longer than a histogram is kept before it is folded again."""

CANDIDATE = "candidate"
"""An endpoint of another model, which the calls know nothing of."""

QUESTION_ASKED = "How much CPU does one call cost, layer by layer?"

ANSWER = Chunk("ok")
FINISH = Chunk(finish_reason="stop", usage=Usage(output_tokens=1, cached_tokens=1))
QUESTION = Request(messages="hello", route="chat")
LONG = Request(messages="You are an assistant. " * 250, route="chat")
"""Long enough to be cached by a vendor."""

Once = Callable[[], Awaitable[None]]


class Instant:
    """A provider that answers at once, with one word."""

    @property
    def name(self) -> str:
        """For reports."""
        return "instant"

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Nothing to open."""
        del clock
        return nullcontext(self)

    async def __call__(self, call: Call, emit: Emit) -> None:
        """Answer."""
        del call
        await emit(ANSWER)
        await emit(FINISH)


@attrs.frozen
class Row:
    """One thing that is timed."""

    name: str
    once: Once
    is_floor: bool
    around: str | None = None
    """The row whose stack it is put around; None: the one before."""


async def heard(chunk: Chunk) -> None:
    """Take a chunk and do nothing with it."""
    del chunk


async def nothing() -> None:
    """The floor of floors."""


async def one_scope() -> None:
    """Enter and leave one cancel scope with a deadline."""
    with anyio.move_on_after(60.0):  # noqa: ASYNC100  the price of the scope alone is asked for
        pass


def one_record() -> Once:
    """Record one latency into a window."""
    window = Window(MILLISECONDS_TO_AN_HOUR, WindowShape())

    async def once() -> None:
        window.record(0.25, 1.0)

    return once


def router(policies: list[Policy]) -> Router:
    """Ten endpoints behind *policies*."""
    provider = Instant()
    endpoints = [
        Endpoint(
            name=f"endpoint-{number}",
            provider=provider,
            model="model",
            region=REGIONS[number % len(REGIONS)],
            slots=100,
            profile=Profile(ttft_s=0.2),
            api_key=f"key of {REGIONS[number % len(REGIONS)]}",
            price_in_per_m=0.5,
            price_out_per_m=1.5,
        )
        for number in range(ENDPOINTS)
    ]
    candidate = attrs.evolve(endpoints[0], name=CANDIDATE, model="candidate", deployment="candidate")
    route = Route(name="chat", models=("model",), objective=Objective(ttft_s=0.8))
    return Router([*endpoints, candidate], [route], policies, dice=random.Random(1))


async def rows(opened: AsyncExitStack) -> list[Row]:
    """The floors, then the stack, layer by layer from the inside."""
    stack: list[Policy] = [Fallback(), Retry(), Regions(here="us-east", rtt_s=RTT_S), LatencyBudget(), Slots()]
    timed = [
        Row("await of an empty coroutine", nothing, is_floor=True),
        Row("one cancel scope with a deadline", one_scope, is_floor=True),
        Row("one histogram record", one_record(), is_floor=True),
    ]
    for size in range(len(stack) + 1):
        policies = stack[len(stack) - size :]
        name = type(policies[0]).__name__ if policies else "router and dispatch"
        timed.append(Row(name, _call(await opened.enter_async_context(router(policies))), is_floor=False))
    for name, policy, question in by_themselves():
        both: list[Policy] = [Slots(), policy] if isinstance(policy, Chaos) else [policy, Slots()]
        open_router = await opened.enter_async_context(router(both))
        timed.append(Row(name, _call(open_router, question), is_floor=False, around="Slots"))
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


async def measure(calls: int, rounds: int) -> list[tuple[Row, float]]:
    """The median round of each row."""
    async with AsyncExitStack() as opened:
        timed = await rows(opened)
        for row in timed:
            await timed_us(row.once, calls)  # warm
        costs: list[list[float]] = [[] for _ in timed]
        for _ in range(rounds):
            for row, seen in zip(timed, costs, strict=True):
                seen.append(await timed_us(row.once, calls))
        return [(row, statistics.median(seen)) for row, seen in zip(timed, costs, strict=True)]


def table(measured: list[tuple[Row, float]]) -> str:
    """As a Markdown table. Ratios are against the cancel scope: what one timeout alone would cost."""
    scope_us = measured[1][1]
    lines = ["| layer | us a call | adds | of one scope |", "|---|---|---|---|"]
    before_us, by_name = 0.0, {row.name: cost_us for row, cost_us in measured}
    for row, cost_us in measured:
        around_us = before_us if row.around is None else by_name[row.around]
        adds = "floor" if row.is_floor else f"{cost_us - around_us:.2f}"
        name = row.name if row.around is None else f"{row.name}, around {row.around} alone"
        lines.append(f"| {name} | {cost_us:.2f} | {adds} | {cost_us / scope_us:.1f} |")
        if not row.is_floor:
            before_us = cost_us
    return "\n".join(lines)


def verdict(whole_us: float) -> str:
    """The result in a sentence."""
    judged = "within" if whole_us <= AIM_US else f"{whole_us - AIM_US:.1f} us above"
    return (
        f"The whole stack takes {whole_us:.1f} us a call with {ENDPOINTS} endpoints: {judged} the aim of {AIM_US:g} us."
    )


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=QUESTION_ASKED)
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    chosen = parser.parse_args()
    measured = asyncio.run(measure(calls=CALLS, rounds=3 if chosen.quick else 15))
    about = machine()
    whole_us = [cost_us for row, cost_us in measured if row.around is None][-1]
    print(QUESTION_ASKED, "", table(measured), "", verdict(whole_us), sep="\n")
    print("; ".join(f"{name} {value}" for name, value in about.items()))
    if chosen.json is not None:
        figures = {row.name: cost_us for row, cost_us in measured}
        chosen.json.write_text(json.dumps({"machine": about, "us_per_call": figures}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
