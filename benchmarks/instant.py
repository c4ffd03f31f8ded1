"""A fleet whose provider answers at once, so that what is measured is Paceline alone."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

import attrs

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
)

REGIONS = ("us-east", "us-west", "eu-west")
RTT_S = {("us-east", "us-west"): 0.075, ("us-east", "eu-west"): 0.090}
SLOTS = 100

CANDIDATE = "candidate"
"""An endpoint of another model, which the calls know nothing of."""

ANSWER = Chunk("ok")
FINISH = Chunk(finish_reason="stop", usage=Usage(output_tokens=1, cached_tokens=1))
QUESTION = Request(messages="hello", route="chat")


@attrs.define(eq=False)
class Instant:
    """A provider that answers at once, in words of two letters.

    words: of each answer, a chunk each; its end is one more. gate: what every call waits for before it answers; None:
    nothing. yields: let every other call begin before this one is answered. waiting: calls at the gate.
    """

    words: int = 1
    gate: asyncio.Event | None = None
    yields: bool = False
    waiting: int = attrs.field(default=0, init=False)

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
        if self.yields:
            await asyncio.sleep(0)
        if self.gate is not None:
            self.waiting += 1
            await self.gate.wait()
            self.waiting -= 1
        for _ in range(self.words):
            await emit(ANSWER)
        await emit(FINISH)


async def heard(chunk: Chunk) -> None:
    """Take a chunk and do nothing with it."""
    del chunk


def router(
    policies: Sequence[Policy],
    provider: Instant,
    endpoints: int = 10,
    slots: int = SLOTS,
    clock: Clock = time.monotonic,
) -> Router:
    """Endpoints in three regions, alike but for that, each with slots and a profile, behind *policies*."""
    fleet = [
        Endpoint(
            name=f"endpoint-{number}",
            provider=provider,
            model="model",
            region=REGIONS[number % len(REGIONS)],
            slots=slots,
            profile=Profile(ttft_s=0.2),
            api_key=f"key of {REGIONS[number % len(REGIONS)]}",
            price_in_per_m=0.5,
            price_out_per_m=1.5,
        )
        for number in range(endpoints)
    ]
    candidate = attrs.evolve(fleet[0], name=CANDIDATE, model="candidate", deployment="candidate")
    route = Route(name="chat", models=("model",), objective=Objective(ttft_s=0.8))
    return Router([*fleet, candidate], [route], policies, clock=clock, dice=random.Random(1))
