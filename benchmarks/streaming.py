"""How much CPU does this side of a streamed answer cost?

    python -m benchmarks.streaming [--quick] [--json FILE]

A vendor on loopback, in a process of its own, answers with 64 words in an event each, or in one piece; 64 calls are
made at a time. What is measured is the processor time of this process a call. The floor is aiohttp reading the bytes
and looking at none of them: nobody who uses it pays less. Then what everybody would write by hand, then Paceline, from
the request to the chunk, through a router with one endpoint; then other clients, if they are installed
(``pip install '.[bench]'``).

Streams come in two ways, because they cost different things. When events trickle in, one a millisecond, most is paid
for waking up. When they arrive in few reads, as behind a busy proxy, what is done for each event shows.

Rows are interleaved round by round, and a ratio is the median of the rounds' ratios: a machine that others use too is
slow for a whole round, not for a row.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeAlias

import aiohttp
import attrs

from benchmarks.machine import machine
from benchmarks.streaming_peers import PEERS, Absent
from paceline.providers import OpenAICompatible
from paceline.router import Chunk, Endpoint, Request, Router

QUESTION_ASKED = "How much CPU does this side of a streamed answer cost?"
FLOOR, PACELINE = "aiohttp, bytes only (floor)", "Paceline"
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
def vendor() -> Generator[str]:
    """The base URL of a vendor in another process."""
    command = [sys.executable, "-m", "benchmarks.streaming_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline() if process.stdout else 0)}"
        finally:
            process.communicate("")  # the end of its input is the end of it


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
        Row(FLOOR, await opened.enter_async_context(by_hand(url, decode=False))),
        Row("aiohttp and json.loads", await opened.enter_async_context(by_hand(url, decode=True))),
        Row(PACELINE, await opened.enter_async_context(paceline(url))),
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


class Measured:
    """CPU microseconds a call, of each round, by way and row."""

    def __init__(self) -> None:
        self._costs_us: dict[tuple[str, str], list[float]] = {}

    def add(self, way: str, name: str, cost_us: float) -> None:
        """One round of one row."""
        self._costs_us.setdefault((way, name), []).append(cost_us)

    def median_us(self, way: str, name: str) -> float:
        """The median round."""
        return statistics.median(self._costs_us[way, name])

    def of_floor(self, way: str, name: str) -> float:
        """The median of the rounds' ratios to the floor of the same round."""
        rounds = zip(self._costs_us[way, name], self._costs_us[way, FLOOR], strict=True)
        return statistics.median(cost_us / floor_us for cost_us, floor_us in rounds)


async def measure(url: str, rounds: int) -> tuple[list[Row], Measured]:
    """The rows, and what they cost."""
    measured = Measured()
    async with AsyncExitStack() as opened:
        timed = await rows(url, opened)
        gc.collect()
        gc.freeze()  # what the others have loaded is not for everybody to sweep
        for way in WAYS:
            for turn in range(-1, rounds):
                for row in timed:
                    if row.ask is not None:
                        cost_us = await timed_us(row.ask, way)
                        if turn >= 0:  # the first round only warms
                            measured.add(way, row.name, cost_us)
    return timed, measured


def table(timed: list[Row], measured: Measured) -> str:
    """As a Markdown table: microseconds a call, and times the floor."""
    lines = ["| client | trickling | in few reads | whole |", "|---|---|---|---|"]
    for row in timed:
        cells = [
            f"absent: {row.absent}" if row.ask is None else
            f"{measured.median_us(way, row.name):,.0f} us, {measured.of_floor(way, row.name):.2f}x"
            for way in WAYS
        ]  # fmt: skip
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(measured: Measured) -> str:
    """The result in a sentence."""
    told: list[str] = []
    for way, most in MOST.items():
        ratio = measured.of_floor(way, PACELINE)
        told.append(
            f"{way} {ratio:.2f} times the floor, {'within' if ratio <= most else 'above'} the limit of {most:g}"
        )
    return f"Paceline: {'; '.join(told)}. The aim for streams is {AIM_OF_STREAMS:g}."


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=QUESTION_ASKED)
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    chosen = parser.parse_args()
    with vendor() as url:
        timed, measured = asyncio.run(measure(url, rounds=3 if chosen.quick else 15))
    about = machine("aiohttp", *PEERS)
    print(QUESTION_ASKED, "", table(timed, measured), "", verdict(measured), sep="\n")
    print("; ".join(f"{name} {value}" for name, value in about.items()))
    if chosen.json is not None:
        names = [row.name for row in timed if row.ask is not None]
        figures = {way: {name: measured.median_us(way, name) for name in names} for way in WAYS}
        ratios = {way: {name: measured.of_floor(way, name) for name in names} for way in WAYS}
        said = {"machine": about, "us_per_call": figures, "of_floor": ratios}
        chosen.json.write_text(json.dumps(said, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
