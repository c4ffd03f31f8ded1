"""A small server with a dashboard and simulated traffic, for tests in a real browser, and for looking at it.

python -m tests.gateway.dashboard.stage 8080 steady|brownout|empty
"""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from aiohttp import web

from paceline.gateway.config import Configuration
from paceline.gateway.dashboard import Collector, mount
from paceline.gateway.running import Running
from paceline.policies import stacks
from paceline.router import Endpoint, Objective, Priority, Profile, Request, Route
from paceline.router.errors import PacelineError, RateLimited
from paceline.router.testing import Behaviour, Incident, Simulated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from paceline.router import Listener

NASTY = "<img src=x onerror=alert(1)>"
"""A name out of a configuration that must come out as it is."""

FAST = {
    "us-east": Behaviour(ttft_s=0.18, tokens_per_s=140, pace_sigma=0.1, tokens_per_chunk=4, prefill_s=0.05),
    "us-west": Behaviour(ttft_s=0.22, tokens_per_s=120, round_trip_s=0.06, tokens_per_chunk=4, prefill_s=0.05),
    "eu-west": Behaviour(ttft_s=0.2, tokens_per_s=150, round_trip_s=0.09, tokens_per_chunk=4, error_rate=0.02),
}


def configuration(scene: str, *, began_s: float = 20.0, nasty: bool = False) -> Configuration:
    """Two models in three regions; in a brown-out the nearest is slow and fails from *began_s* on."""
    incidents = (Incident(from_s=began_s, to_s=3600.0, slower=7.0, error_rate=0.25),) if scene == "brownout" else ()
    behaviours: dict[str, Behaviour] = {}
    endpoints: list[Endpoint] = []
    for model, factor in (("atlas-mini", 1.0), ("atlas-large", 2.2)):
        for region, fast in FAST.items():
            name = f"{region}-{model.removeprefix('atlas-')}"
            behaviours[name] = Behaviour(
                ttft_s=fast.ttft_s * factor,
                tokens_per_s=fast.tokens_per_s / factor,
                pace_sigma=0.15,
                round_trip_s=fast.round_trip_s,
                tokens_per_chunk=fast.tokens_per_chunk,
                prefill_s=fast.prefill_s,
                error_rate=fast.error_rate,
                error=RateLimited,
                retry_after_s=4.0 if region == "eu-west" else None,
                knee=24,
                incidents=incidents if region == "us-east" else (),
            )
    provider = Simulated(by_endpoint=behaviours)
    for model in ("atlas-mini", "atlas-large"):
        for region in FAST:
            name = f"{region}-{model.removeprefix('atlas-')}"
            endpoints.append(
                Endpoint(
                    name=name,
                    provider=provider,
                    model=model,
                    region=region,
                    slots=24 if model == "atlas-mini" else 12,
                    quality=1 if model == "atlas-mini" else 3,
                    profile=Profile(ttft_s=behaviours[name].ttft_s, tokens_per_s=behaviours[name].tokens_per_s),
                )
            )
    if nasty:
        endpoints.append(Endpoint(name=NASTY, provider=provider, model="atlas-mini", region="<b>moon</b>", slots=4))
    return Configuration(
        endpoints=tuple(endpoints),
        routes=(
            Route(
                name="chat",
                models=("atlas-mini", "atlas-large"),
                objective=Objective(ttft_s=0.6, total_s=4.0),
                budget_s=8.0,
                max_tokens=200,
            ),
            Route(
                name="report",
                models=("atlas-large", "atlas-mini"),
                priority=Priority.THROUGHPUT,
                objective=Objective(total_s=6.0, success=0.98),
                budget_s=20.0,
                max_tokens=500,
                residency=frozenset({"us-east", "us-west"}),
            ),
        ),
        policies=tuple(
            stacks.interactive(here="us-east", rtt_s={("us-east", "us-west"): 0.06, ("us-east", "eu-west"): 0.09})
        ),
        source=f"({scene})",
    )


def request(dice: random.Random) -> Request:
    """A chat, or now and then a report."""
    if dice.random() < 0.75:
        tokens = min(180, int(dice.lognormvariate(4.0, 0.5)))
        return Request(
            messages="secret prompt",
            route="chat",
            prompt_tokens=int(dice.lognormvariate(6.0, 0.9)) + 1,
            metadata={"output_tokens": tokens},
            user="secret user",
        )
    return Request(
        messages="secret prompt",
        route="report",
        prompt_tokens=int(dice.lognormvariate(7.4, 0.6)) + 1,
        metadata={"output_tokens": min(480, int(dice.lognormvariate(5.0, 0.4)))},
    )


async def traffic(running: Running, calls_per_s: float, dice: random.Random) -> None:
    """Open-loop calls until cancelled."""

    async def one() -> None:
        try:
            asked = request(dice)
            if dice.random() < 0.03:
                async with asyncio.timeout(0.15):
                    await running.router.complete(asked)
            else:
                async with running.router.stream(asked) as chunks:
                    async for _chunk in chunks:
                        pass
        except (PacelineError, TimeoutError):
            pass

    async with asyncio.TaskGroup() as calls:
        while True:
            await asyncio.sleep(dice.expovariate(calls_per_s))
            calls.create_task(one())


@asynccontextmanager
async def serving(
    given: Configuration,
    port: int,
    *,
    calls_per_s: float = 0.0,
    shutdown_s: float = 1.0,
    listeners: Sequence[Listener] = (),
) -> AsyncGenerator[int, None]:
    """The dashboard on loopback, at *port*, 0 for a free one. Gives the port it is at."""
    collector = Collector()
    async with Running(given, [collector, *listeners]) as running:
        app = web.Application()
        mount(app, running, collector)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=shutdown_s)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        calls = asyncio.create_task(traffic(running, calls_per_s, random.Random(7))) if calls_per_s else None
        try:
            yield runner.addresses[0][1]
        finally:
            if calls is not None:
                calls.cancel()
                await asyncio.wait([calls])
            await runner.cleanup()


async def main(port: int, scene: str) -> None:
    """Serve until interrupted."""
    async with serving(
        configuration(scene, nasty=scene == "nasty"), port, calls_per_s=0.0 if scene == "empty" else 18.0
    ):
        await asyncio.sleep(1e6)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
