"""Traffic to record: simulated fleets in virtual time, and what a recorder makes of them."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import TYPE_CHECKING

from paceline.gateway.replay.recorder import Recorder
from paceline.policies import Retry, Slots
from paceline.router import Endpoint, Objective, Policy, Request, Route, Router
from paceline.router.simulation import OUTPUT_TOKENS, Behaviour, Incident, Simulated, Steady, arrivals
from paceline.router.testing import play, run

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRET_WORDS = "why canaries sing"
CHAT = Route(name="chat", models=("m",), objective=Objective(ttft_s=0.8, success=0.9))
BEHAVIOURS = {
    "quick": Behaviour(ttft_s=0.2, tokens_per_s=100.0, tail=0.0, tokens_per_chunk=8),
    "slow": Behaviour(
        ttft_s=0.9, tokens_per_s=50.0, tail=0.0, tokens_per_chunk=8, incidents=(Incident(from_s=60, to_s=90, slower=4),)
    ),
    "flaky": Behaviour(ttft_s=0.2, error_rate=0.3, tail=0.0, tokens_per_chunk=8),
}


def fleet(*names: str, seed: int = 1) -> list[Endpoint]:
    provider = Simulated(by_endpoint=BEHAVIOURS, seed=seed)
    return [
        Endpoint(
            name=name, provider=provider, model="m", region=name, slots=50, price_in_per_m=1.0, price_out_per_m=2.0
        )
        for name in names
    ]


def question(dice: random.Random) -> Request:
    return Request(
        messages=SECRET_WORDS,
        route="chat",
        budget_s=20.0,
        user="somebody",
        prompt_tokens=dice.choice([100, 400, 1600]),
        metadata={OUTPUT_TOKENS: dice.randint(20, 200)},
    )


def record(
    path: Path,
    *names: str,
    seconds: float = 120.0,
    policies: Sequence[Policy] | None = None,
    most_bytes: int = 1 << 26,
    keep: int = 4,
) -> int:
    """Record traffic to the endpoints of these names. Gives the number of calls."""
    endpoints = fleet(*names)
    stack = [Retry(), Slots()] if policies is None else policies
    plan = arrivals(Steady(5.0), seconds, random.Random(3), question)

    async def main() -> int:
        clock = asyncio.get_running_loop().time
        with Recorder(path=path, endpoints=endpoints, most_bytes=most_bytes, keep=keep, clock=clock) as recorder:
            async with Router(
                endpoints, [CHAT], stack, clock=clock, dice=random.Random(1), listeners=[recorder]
            ) as router:
                return len(await play(router, plan))

    return run(main)


def files_of(path: Path) -> list[Path]:
    """The recording at *path* with those that moved on before it, the oldest first."""
    moved_on = sorted(path.parent.glob(f"{path.name}.*"), key=lambda file: -int(file.suffix[1:]))
    return [*moved_on, path]
