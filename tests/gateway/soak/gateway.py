"""The gateway of the soak, in a process of its own, so that what it holds can be counted: memory, tasks, descriptors.

    python -m tests.gateway.soak.gateway CONFIG.toml

It is served and reloaded as ``paceline serve`` does it, with one more page: ``/soak/state``. Its address is the first
line that it writes. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec
from aiohttp import web

from paceline.gateway.config import read_file
from paceline.gateway.reload import Reload, Reloaded
from paceline.gateway.serve.command import _loops
from paceline.gateway.serve.front import Front
from paceline.gateway.serve.server import Gateway

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Of a report's calls."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    cancelled: int = 0
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the process holds now.

    rss_bytes: of memory. tasks, descriptors: those of the asking included. in_flight: calls. slots: taken at endpoints.
    replaced: routers of earlier configurations that are still there. reloads: configurations that were taken up.
    busy, idle: connections to vendors. counted: what the report says of all calls together.
    """

    rss_bytes: int
    tasks: int
    descriptors: int
    in_flight: int
    slots: int
    replaced: int
    reloads: int
    busy: int
    idle: int
    counted: Counted


def state_of(front: Front, reloads: int) -> State:
    router = front.router
    pools = router.pools()
    return State(
        rss_bytes=int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES,
        tasks=len(asyncio.all_tasks()),
        descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208  names alone
        in_flight=front.tally.in_flight,
        slots=sum(target.in_flight for target in router.fleet),
        replaced=front.running.replaced,
        reloads=reloads,
        busy=sum(pool.in_use for pool in pools),
        idle=sum(pool.idle for pool in pools),
        counted=counted(front),
    )


def counted(front: Front) -> Counted:
    told = list(front.router.report().by_route.values())
    return Counted(
        calls=sum(route.calls for route in told),
        answered=sum(route.answered for route in told),
        failed=sum(route.failed for route in told),
        cancelled=sum(route.cancelled for route in told),
        attempts=sum(route.attempts for route in told),
        retries=sum(sum(route.retries.values()) for route in told),
        fallbacks=sum(route.fallbacks for route in told),
    )


class Reloads(Reload):
    """Counts those that were taken up."""

    count = 0

    async def once(self) -> Reloaded:
        told = await super().once()
        self.count += told.ok
        return told


async def serve(path: Path) -> None:
    reload: Reloads

    def pages(front: Front) -> list[web.RouteDef]:
        async def state(_: web.Request) -> web.Response:
            return web.Response(body=msgspec.json.encode(state_of(front, reload.count)))

        return [web.get("/soak/state", state)]

    async with Gateway(read_file(path), pages=[pages]) as gateway:
        reload = Reloads(gateway.running, path)
        watching = asyncio.create_task(reload.run())
        sys.stdout.write(f"{gateway.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        watching.cancel()
        await asyncio.wait([watching])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_loops()) as runner:
        runner.run(serve(Path(sys.argv[1])))
