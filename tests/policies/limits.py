"""What the tests of pacing set up alike: quotas, scripted vendors that tell of limits, and when calls were sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio

from paceline.policies import Pace, Quota, Slots
from paceline.router import Policy, RateLimits, Request, Router, Usage
from paceline.router.testing import Script, Scripted, answers, run, virtual_clock

from .asking import Told, hello, routed, told, whole

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Endpoint

A = "a"
M = hello(model="m", prompt_tokens=100, expected_tokens=100)
"""A call of 200 tokens."""


def quota(*endpoints: str, per_min: float = 60, **limits: float) -> Quota:
    """One call a second, unless *limits* say otherwise."""
    return Quota(endpoints=endpoints or (A,), **(limits or {"requests_per_min": per_min}))  # type: ignore[arg-type]


def stack(*quotas: Quota, max_wait_s: float = 30.0, queue: int = 256) -> list[Policy]:
    return [Pace(quotas=quotas, max_wait_s=max_wait_s, queue=queue), Slots()]


class Tells(Scripted):
    """A vendor that says in every answer how much is left."""

    def __init__(self, limits: RateLimits, *scripts: Script) -> None:
        super().__init__(*scripts)
        self.limits = limits

    async def __call__(self, call: Call, emit: Emit) -> None:
        assert call.attempt is not None
        call.attempt.headers_s = call.clock()
        call.attempt.rate_limits = self.limits
        await super().__call__(call, emit)


def uses(tokens_in: int | None, tokens_out: int | None, *, after_s: float = 0.0) -> Script:
    """An answer that took so many tokens."""
    return answers(after_s, usage=Usage(input_tokens=tokens_in, output_tokens=tokens_out))


def sent_s(*providers: Scripted) -> list[float]:
    """When attempts were sent to *providers*, in order."""
    return sorted(call.attempt.sent_s for provider in providers for call in provider.seen if call.attempt is not None)


async def at_once(router: Router, requests: Sequence[Request]) -> list[Told]:
    """All these calls in one instant, in their order; what each came to."""
    ends: dict[int, Told] = {}

    async def one(number: int, request: Request) -> None:
        ends[number] = await told(whole, router, request)

    async with anyio.create_task_group() as group:
        for number, request in enumerate(requests):
            group.start_soon(one, number, request)
            await anyio.lowlevel.checkpoint()
    return [ends[number] for number in range(len(requests))]


def paced(endpoints: Sequence[Endpoint], policies: Sequence[Policy], requests: Sequence[Request]) -> list[Told]:
    """What comes of calls made at once, of a fresh router; nothing is held afterwards."""

    async def main() -> list[Told]:
        async with routed(endpoints, policies) as router:
            ends = await at_once(router, requests)
            assert all(target.in_flight == target.slots.waiting == 0 for target in router.fleet)
            assert virtual_clock() >= 0.0
        return ends

    return run(main)
