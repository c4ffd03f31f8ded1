"""The world of test_region_outage.py: endpoints that fail when they are told to, steady traffic, and the controls."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, ClassVar

import anyio
import attrs

from paceline.policies.spillover import priority_loads
from paceline.router import Call, Chunk, Emit, Endpoint, Layer, Policy, Profile, Request, Route, Router, Usage
from paceline.router.errors import CallError, ProviderError
from paceline.router.testing import run, virtual_clock

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from paceline.router import Clock, Handler, Target

Down = Callable[[str, float], bool]
"""Whether the endpoint of this name is down at this second."""

HELLO = Request(messages="hello", route="chat")


@attrs.frozen(eq=False)
class Sites:
    """Endpoints that answer at once, or fail at once while they are down."""

    down: Down
    name: str = "sites"

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        del clock
        return nullcontext(self)

    async def __call__(self, call: Call, emit: Emit) -> None:
        if self.down(call.target.name, call.clock()):
            raise ProviderError("down", endpoint=call.target.name)
        await emit(Chunk("ok"))
        await emit(Chunk(finish_reason="stop", usage=Usage(output_tokens=1)))


@attrs.frozen
class Seen:
    """One call: when it came, the endpoints it was sent to, whether it was answered, and in a panic."""

    at_s: float
    tried: tuple[str, ...]
    answered: bool
    in_panic: bool

    @property
    def region(self) -> str:
        """Where it was sent first."""
        return region_of(self.tried[0])


def region_of(endpoint: str) -> str:
    """The region of an endpoint ``region-number``."""
    return endpoint.partition("-")[0]


def play(
    policies: Sequence[Policy],
    down: Down,
    sizes: Mapping[str, int],
    *,
    rate_per_s: float,
    seconds: float,
    seed: int,
    residency: frozenset[str] | None = None,
) -> list[Seen]:
    """Calls at random instants, and what came of each. An answer takes no time, so one loop is as open as any."""
    provider = Sites(down)
    endpoints = [
        Endpoint(name=f"{region}-{number}", provider=provider, model="m", region=region, profile=Profile(ttft_s=0.1))
        for region, size in sizes.items()
        for number in range(size)
    ]
    route = Route(name="chat", models="m", residency=residency)
    arrivals = random.Random(f"arrivals {seed}")

    async def main() -> list[Seen]:
        seen: list[Seen] = []
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=EvenDice(seed)) as router:
            await anyio.sleep(arrivals.expovariate(rate_per_s))
            while virtual_clock() < seconds:
                seen.append(await _one(router))
                await anyio.sleep(arrivals.expovariate(rate_per_s))
            assert all(target.in_flight == 0 for target in router.fleet)
        return seen

    return run(main)


async def _one(router: Router) -> Seen:
    at_s, answered = virtual_clock(), True
    try:
        end = await router.complete(HELLO)
    except CallError as error:
        end, answered = error, False
    tried = tuple(attempt.endpoint.name for attempt in end.attempts)
    in_panic = any(decision.by == "Regions" and "health is ignored" in decision.reason for decision in end.decisions)
    return Seen(at_s, tried, answered, in_panic)


class EvenDice(random.Random):
    """Dice that fall evenly, from a random start: a thousand throws show a share within a fifth of a point.

    Source: the additive recurrence of the golden ratio, whose discrepancy is the least there is.
    """

    def random(self) -> float:
        """The next number, from 0 and below 1."""
        self._last = (getattr(self, "_last", None) or super().random()) + 0.618033988749895
        self._last %= 1.0
        return self._last


class Evenly:
    """A balancer that knows nothing of health: the tied endpoints in turn."""

    layer: ClassVar[Layer] = Layer.SLOT

    def __init__(self) -> None:
        self._turn = 0

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self._turn += 1
        await next(call.with_(candidates=(call.candidates[self._turn % call.tied],)), emit)


@attrs.frozen
class NoSpillOver:
    """A control: the first region, whatever happens to it."""

    layer: ClassVar[Layer] = Layer.REGION

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(candidates=_in_regions(call)[0]), emit)


@attrs.frozen
class AllOrNothing:
    """A control: the first region as long as an endpoint of it seems to be well, and then the second."""

    layer: ClassVar[Layer] = Layer.REGION

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        first, second = _in_regions(call)
        well = any(_seems_well(target, call.clock()) for target in first)
        await next(call.with_(candidates=first if well else second), emit)


@attrs.frozen
class NoHysteresis:
    """A control: the 1.4 rule by what seems well at the moment."""

    layer: ClassVar[Layer] = Layer.REGION

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        now_s = call.clock()
        regions = _in_regions(call)
        well = [[target for target in region if _seems_well(target, now_s)] for region in regions]
        loads = priority_loads([len(some) / len(every) for some, every in zip(well, regions, strict=True)])
        first = call.dice.random() < loads.shares[0]
        await next(call.with_(candidates=tuple(well[0] if first else well[1])), emit)


def _in_regions(call: Call) -> list[tuple[Target, ...]]:
    regions = dict.fromkeys(target.region for target in call.candidates)
    return [tuple(target for target in call.candidates if target.region == region) for region in regions]


def _seems_well(target: Target, now_s: float) -> bool:
    return target.outlook(now_s).failing < 0.5
