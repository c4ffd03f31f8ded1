"""How much CPU does this side of a streamed answer cost?

    python -m benchmarks.streaming [--quick] [--json FILE]

A vendor on loopback, in a process of its own, answers with 64 events, or in one piece; 64 calls are made at a time. What
is measured is the processor time of this process a call. The floor is aiohttp reading the bytes and looking at none of
them: nobody who uses it pays less. Then what everybody would write by hand, then Paceline, from the request to the
chunk, through a router with one endpoint; then other clients, if they are installed (``pip install '.[bench]'``).

Streams come in two ways, because they cost different things. When events trickle in, one a millisecond, most is paid for
waking up. When they arrive in few reads, as behind a busy proxy, what is done for each event shows.

Rows are interleaved round by round, and the median round counts. Read the ratios: the times are this machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import aiohttp
import attrs

from benchmarks.machine import machine
from benchmarks.streaming_peers import PEERS, Absent
from paceline.providers import OpenAICompatible
from paceline.router import Chunk, Endpoint, Request, Router

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION_ASKED = "How much CPU does this side of a streamed answer cost?"
CALLS = 64
WAYS = ("trickle", "burst", "whole")
MOST = {"trickle": 2.0, "burst": 2.0, "whole": 1.35}
"""Times the floor that Paceline may cost."""
AIM_OF_STREAMS = 1.5

BODY = {"model": "bench-1", "messages": [{"role": "user", "content": "hello"}]}
NO_TIMEOUT = aiohttp.ClientTimeout(total=None, ceil_threshold=math.inf)

Ask: TypeAlias = Callable[[str], Awaitable[None]]
"""One call, in one of the ways."""


@attrs.frozen
class Row:
    """One client that is timed. absent: why it is not, if so."""

    name: str
    ask: Ask | None = None
    absent: str | None = None


# -- the vendor


@contextmanager
def vendor() -> Iterator[str]:
    """The base URL of a vendor in another process."""
    command = [sys.executable, "-m", "benchmarks.streaming_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.communicate("")


# -- by hand


@asynccontextmanager
async def by_hand(url: str, *, decode: bool) -> AsyncGenerator[Ask]:
    """Aiohttp as one would use it; *decode*: and ``json.loads`` of each event."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=NO_TIMEOUT) as session:

        async def ask(way: str) -> None:
            stream = way != "whole"
            body = json.dumps(BODY | ({"stream": True} if stream else {})).encode()
            headers = {"Content-Type": "application/json", "Authorization": "Bearer bench"}
            async with session.post(f"{url}/{way}/v1/chat/completions", data=body, headers=headers) as response:
                if not decode:
                    while await response.content.readany():
                        pass
                elif not stream:
                    json.loads(await response.read())
                else:
                    async for line in response.content:
                        if line.startswith(b"data: ") and line != b"data: [DONE]\n":
                            json.loads(line[6:])

        yield ask


# -- Paceline


async def heard(chunk: Chunk) -> None:
    """Take a chunk and do nothing with it."""
    del chunk


@asynccontextmanager
async def paceline(url: str) -> AsyncGenerator[Ask]:
    """A router with an endpoint for each way, and no policies."""
    provider = OpenAICompatible()
    endpoints = [
        Endpoint(name=way, provider=provider, model=way, url=f"{url}/{way}/v1", api_key="bench") for way in WAYS
    ]
    requests = {way: Request(messages="hello", model=way, stream=way != "whole") for way in WAYS}
    async with Router(endpoints, dice=random.Random(1)) as router:

        async def ask(way: str) -> None:
            if way == "whole":
                await router.complete(requests[way])
            else:
                await router.send(requests[way], heard)

        yield ask


# -- measuring


async def rows(url: str, opened: AsyncExitStack) -> list[Row]:
    """The floor, what one would write by hand, Paceline, and the others."""
    timed = [
        Row("aiohttp, bytes only (floor)", await opened.enter_async_context(by_hand(url, decode=False))),
        Row("aiohttp and json.loads", await opened.enter_async_context(by_hand(url, decode=True))),
        Row("Paceline", await opened.enter_async_context(paceline(url))),
    ]
    for name, peer in PEERS.items():
        try:
            timed.append(Row(name, await opened.enter_async_context(peer(url))))
        except Absent as why:
            timed.append(Row(name, absent=str(why)))
    return timed


async def timed_us(ask: Ask, way: str) -> float:
    """CPU microseconds a call, of as many at a time as there are."""
    began_s = time.process_time()
    await asyncio.gather(*(ask(way) for _ in range(CALLS)))
    return (time.process_time() - began_s) / CALLS * 1e6


async def measure(url: str, rounds: int) -> tuple[list[Row], dict[str, dict[str, float]]]:
    """The rows, and the median round of each in each way, by name."""
    async with AsyncExitStack() as opened:
        timed = await rows(url, opened)
        costs: dict[str, dict[str, list[float]]] = {way: {} for way in WAYS}
        for way in WAYS:
            for turn in range(rounds + 1):
                for row in timed:
                    if row.ask is not None:
                        cost_us = await timed_us(row.ask, way)
                        if turn:  # the first round only warms
                            costs[way].setdefault(row.name, []).append(cost_us)
        medians = {way: {name: statistics.median(seen) for name, seen in of.items()} for way, of in costs.items()}
    return timed, medians


def table(timed: list[Row], medians: dict[str, dict[str, float]]) -> str:
    """As a Markdown table, with the ratio to the floor."""
    lines = [
        "| client | trickling, us a call | of floor | in few reads, us a call | of floor | whole, us a call | of floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in timed:
        if row.absent is not None:
            lines.append(f"| {row.name} | absent: {row.absent} | | | | | |")
            continue
        cells = [
            f"{medians[way][row.name]:,.0f} | {medians[way][row.name] / medians[way][timed[0].name]:.2f}"
            for way in WAYS
        ]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(timed: list[Row], medians: dict[str, dict[str, float]]) -> str:
    """The result in sentences."""
    told: list[str] = []
    for way in WAYS:
        ratio = medians[way][timed[2].name] / medians[way][timed[0].name]
        judged = "within" if ratio <= MOST[way] else "above"
        told.append(f"{way}: {ratio:.2f} times the floor, {judged} the limit of {MOST[way]:g}")
    return f"Paceline: {'; '.join(told)}. The aim for streams is {AIM_OF_STREAMS:g}."


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=QUESTION_ASKED)
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    chosen = parser.parse_args()
    with vendor() as url:
        timed, medians = asyncio.run(measure(url, rounds=3 if chosen.quick else 15))
    about = machine("aiohttp", *PEERS)
    print(QUESTION_ASKED, "", table(timed, medians), "", verdict(timed, medians), sep="\n")
    print("; ".join(f"{name} {value}" for name, value in about.items()))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps({"machine": about, "us_per_call": medians}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
