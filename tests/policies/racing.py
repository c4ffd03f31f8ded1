"""What the tests of races and hedges set up alike: races of scripts, endpoints that are known, and one that is late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from paceline.policies import Hedge
from paceline.policies.race import Race
from paceline.router import Answer, Budget, Call, Emit, Endpoint, Handler, Layer, Limits, Policy, Request, Route, Router
from paceline.router.errors import CallError
from paceline.router.statistics.size_class import octave_of
from paceline.router.testing import Script, Scripted, answers, endpoint, run, virtual_clock

from .asking import Ask, routed, told, whole

ask = partial(Request, messages="hello", model="m")

SIZE = octave_of(ask().estimated_prompt_tokens())

USUAL_S = 0.5
ENOUGH = 50


def make_known(router: Router, samples: int = ENOUGH, /, **ttft_s: float) -> None:
    """Endpoints, by name, that have given so many first tokens after so many seconds each."""
    for name, usual_s in ttft_s.items():
        for _ in range(samples):
            router.fleet[name].learned.ttft.record(usual_s, SIZE, virtual_clock())


NO_LIMITS = Limits(first_token_s=None, gap_s=None)


class All:
    """Every candidate at once, the first one first."""

    layer = Layer.HEDGE

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        race = Race(call, emit, next)
        for target in call.candidates[1:]:
            asyncio.get_running_loop().call_soon(race.start, call.with_(candidates=(target,)))
        await race.run(call)


def legs(*scripts: Script) -> list[Endpoint]:
    return [endpoint(name, Scripted(script), limits=NO_LIMITS) for name, script in zip("abc", scripts, strict=False)]


def raced(*scripts: Script, way: Ask = whole) -> tuple[Answer | CallError, float]:
    """What a race of these comes to, and when."""

    async def main() -> tuple[Answer | CallError, float]:
        async with routed(legs(*scripts), [All()]) as router:
            end = await told(way, router, ask())
        assert all(target.in_flight == 0 for target in router.fleet)
        return end.given, end.at_s

    return run(main)


QUICK = answers(0.25, "quick")
LATE = answers(30.0, "late")


def late_and(*others: Endpoint, late: Script = LATE, **fields: object) -> list[Endpoint]:
    """The endpoint ``late``, which calls go to first, and others."""
    return [endpoint("late", Scripted(late), limits=Limits(first_token_s=None), **fields), *others]


def quick(name: str = "quick", **fields: object) -> Endpoint:
    return endpoint(name, Scripted(QUICK), **fields)


def answered(
    endpoints: Sequence[Endpoint],
    policies: Sequence[Policy] = (Hedge(),),
    *,
    way: Ask = whole,
    budget: Budget | None = None,
    routes: Sequence[Route] = (),
    known: dict[str, float] | None = None,
    request: Request | None = None,
) -> Answer:
    """What one call comes to, of a router that knows all its endpoints well unless told which it knows."""

    async def main() -> Answer:
        async with routed(endpoints, policies, routes, budget=budget) as router:
            make_known(router, **(known or dict.fromkeys((each.name for each in endpoints), USUAL_S)))
            answer = await way(router, request or ask())
            await asyncio.sleep(0.0)
            assert all(target.in_flight == 0 for target in router.fleet)
            assert router.budget.in_flight == 0
            return answer

    return run(main)


def hedged(answer: Answer) -> list[str]:
    """Where second legs were sent."""
    return [attempt.endpoint.name for attempt in answer.attempts if attempt.hedge]
