"""The servers of `benchmarks.gateway`, each in a process of its own.

    python -m benchmarks.gateway_servers NAME URL

says where it listens, and answers every line it reads with the processor time it has used, in seconds, and the memory
it holds, in MiB. Each passes calls on to the vendor at URL.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from paceline.gateway.config import Bind, Configuration, Settings
from paceline.gateway.serve.call_log import CallLog
from paceline.gateway.serve.collecting import collect_seldom
from paceline.gateway.serve.server import Gateway
from paceline.policies import stacks
from paceline.providers import OpenAICompatible
from paceline.router import Endpoint

FLOOR, BARE, PACELINE = "aiohttp reverse proxy (floor)", "Paceline, no policies", "Paceline"
WAYS = ("trickle", "burst", "whole")

Server = Callable[[str], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def proxy(url: str) -> AsyncGenerator[str]:
    """What nobody who puts anything in front of a vendor pays less than: bytes in, bytes out, nothing looked at."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        way = json.loads(body)["model"]
        headers = {"Content-Type": "application/json", "Authorization": "Bearer bench"}
        async with session.post(f"{url}/{way}/v1/chat/completions", data=body, headers=headers) as answer:
            kind = {"Content-Type": answer.headers["Content-Type"]}
            if "Content-Length" in answer.headers:
                return web.Response(body=await answer.read(), headers=kind)
            response = web.StreamResponse(headers=kind)
            await response.prepare(request)
            while data := await answer.content.readany():
                await response.write(data)
            return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", handle)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()


@asynccontextmanager
async def paceline(url: str, *, routed: bool) -> AsyncGenerator[str]:
    """The gateway as it is served, its log included, with an endpoint for each way. *routed*: with the stack."""
    provider = OpenAICompatible()
    endpoints = tuple(
        Endpoint(name=way, provider=provider, model=way, url=f"{url}/{way}/v1", api_key="bench", slots=1000)
        for way in WAYS
    )
    configuration = Configuration(
        settings=Settings(bind=Bind(port=0)),
        endpoints=endpoints,
        policies=tuple(stacks.interactive()) if routed else (),
    )
    async with Gateway(configuration, log=CallLog(_forgotten)) as gateway:
        yield gateway.url


def _forgotten(lines: bytes) -> None:
    """A log whose lines are made and kept by nobody."""
    del lines


SERVERS: Mapping[str, Server] = {
    FLOOR: proxy,
    BARE: partial(paceline, routed=False),
    PACELINE: partial(paceline, routed=True),
}


def memory_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


async def main(name: str, url: str) -> None:
    """Serve until there is nothing more to read."""
    loop = asyncio.get_running_loop()
    collect_seldom()  # as the gateway's program does; the floor is given the same
    async with SERVERS[name](url) as listening:
        print(listening, flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(f"{time.process_time()} {memory_mib()}", flush=True)


if __name__ == "__main__":
    if "uvloop" in sys.argv[3:]:
        import uvloop

        uvloop.run(main(*sys.argv[1:3]))
    else:
        asyncio.run(main(*sys.argv[1:3]))
