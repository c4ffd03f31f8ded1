"""The process of the servers: ``python -m paceline.gateway.demo.cloud_main``, started by `cloud` and by nobody else.

A plan comes in on stdin, as a line of JSON, and servers go up on free ports of the loopback, one for each region and
contestant; their ports go out on stdout. Then it serves until stdin ends.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import AsyncExitStack

import msgspec
from aiohttp import web

from .cloud import Plan, Ports
from .lag import LagMeter
from .scene import REGIONS, incident
from .vendor import Vendor


class Stopwatch:
    """Seconds since the run began; None before."""

    def __init__(self) -> None:
        self._began_s: float | None = None

    def start(self) -> None:
        """The run begins."""
        self._began_s = asyncio.get_running_loop().time()

    def __call__(self) -> float | None:
        """What it shows."""
        return None if self._began_s is None else asyncio.get_running_loop().time() - self._began_s


async def open_vendors(plan: Plan, clock: Stopwatch, until: AsyncExitStack) -> Ports:
    """Start every server, to be stopped when *until* closes."""
    ports: dict[str, dict[str, int]] = {}
    for contestant in plan.contestants:
        ports[contestant] = {}
        for region in REGIONS:
            vendor = Vendor(region, seed=plan.seed, incident=incident(plan.seconds), clock=clock)
            ports[contestant][region] = await listen(vendor, until)
    return Ports(ports)


async def listen(vendor: Vendor, until: AsyncExitStack) -> int:
    """Serve *vendor* on a free port of the loopback, and give the port. Who leaves frees his place at once."""
    runner = web.AppRunner(vendor.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    until.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    port: int = runner.addresses[0][1]
    return port


async def serve() -> None:
    """Follow the lines on stdin until they end."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    plan = msgspec.json.decode(await lines.readline(), type=Plan)
    clock, meter = Stopwatch(), LagMeter()
    async with AsyncExitStack() as until:
        _say(await open_vendors(plan, clock, until))
        gc.freeze()  # a full collection of what was imported would be a pause in the middle of the measurement
        while line := await lines.readline():
            if line == b"begin\n":
                clock.start()
                meter.start()
            elif line == b"strain\n":
                _say(meter.stop())


def _say(told: msgspec.Struct) -> None:
    print(msgspec.json.encode(told).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
