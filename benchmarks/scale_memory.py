"""The memory of `benchmarks.scale`, measured in a process of its own each time.

    python -m benchmarks.scale_memory SUBJECT ENDPOINTS IN_FLIGHT {traced|resident}

prints, as JSON, what the endpoints and the calls in flight take, in bytes. *traced* is what Python was asked for
(`tracemalloc`); *resident* is what the system gave (the pages of the process), which is what runs out. SUBJECT is a
stack's name, or ``floor``: tasks that wait, without a router.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import tracemalloc
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks.instant import QUESTION, RTT_S, Instant, heard, router
from paceline.policies import stacks
from paceline.router import Policy

FLOOR = "floor"
STACKS: dict[str, Callable[[], list[Policy]]] = {
    "minimal": stacks.minimal,
    "interactive": lambda: stacks.interactive(here="us-east", rtt_s=RTT_S),
}
SLOTS = 20_000
WARMING_CALLS = 2_000


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux: the most it ever was
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


def held_bytes(*, traced: bool) -> int:
    """Memory in use now."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0] if traced else resident_bytes()


async def measure(subject: str, endpoints: int, in_flight: int, *, traced: bool) -> dict[str, float]:
    """Bytes an endpoint, once every one may have been called, and bytes a call that waits for its answer."""
    gate = asyncio.Event()
    before = held_bytes(traced=traced)
    async with AsyncExitStack() as opened:
        call: Callable[[], Coroutine[Any, Any, object]] = gate.wait
        provider = Instant()
        if subject != FLOOR:
            open_router = await opened.enter_async_context(router(STACKS[subject](), provider, endpoints, SLOTS))

            async def ask() -> None:
                await open_router.send(QUESTION, heard)

            call = ask
            for _ in range(WARMING_CALLS):
                await call()
            provider.gate = gate
        open_bytes = held_bytes(traced=traced)
        calls = [asyncio.create_task(call()) for _ in range(in_flight)]
        await asyncio.sleep(0)
        while subject != FLOOR and provider.waiting < in_flight:  # noqa: ASYNC110  the provider tells nobody
            await asyncio.sleep(0)
        full_bytes = held_bytes(traced=traced)
        gate.set()
        await asyncio.gather(*calls)
    return {"per_endpoint": (open_bytes - before) / endpoints, "per_call": (full_bytes - open_bytes) / in_flight}


def main(subject: str, endpoints: str, in_flight: str, how: str) -> None:
    """Measure once."""
    if how == "traced":
        tracemalloc.start()
    found = asyncio.run(measure(subject, int(endpoints), int(in_flight), traced=how == "traced"))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
