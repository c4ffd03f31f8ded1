"""One run: a contestant, a scenario, a seed; and what came of each call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import attrs
import msgspec

from paceline.router import Attempt, Call, Emit, Handler, Objective, Outcome, Request, Route, Router
from paceline.router.errors import CallError
from paceline.router.testing import Result, play, run

from .contestants import CONTESTANTS
from .fleets import MODEL
from .measured import TRACE, measured
from .oracles import BUDGET_S, TOTAL_OBJECTIVE_S, TTFT_OBJECTIVE_S
from .traffic import CALL, Planned, as_arrival, planned
from .troubles import COUNTED_FROM, Scenario
from .world import World


class Row(msgspec.Struct, frozen=True):
    """What came of a call. Seconds; of one that failed, its whole budget.

    first_s: to the first token as the caller saw it. retries, hedges: attempts beyond its first.
    """

    at_s: float
    first_s: float
    total_s: float
    answered: bool
    retries: int
    hedges: int
    money: float
    endpoint: str

    @property
    def within(self) -> bool:
        """Whether it kept the objective."""
        return self.answered and self.first_s <= TTFT_OBJECTIVE_S and self.total_s <= TOTAL_OBJECTIVE_S


class NotYet:
    """A policy that keeps an endpoint from everybody until it joins."""

    def __init__(self, name: str, joins_s: float) -> None:
        self._name = name
        self._joins_s = joins_s

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """As `Policy`."""
        if call.clock() < self._joins_s:
            call = call.with_(candidates=tuple(each for each in call.candidates if each.name != self._name))
        await next(call, emit)


@attrs.frozen(kw_only=True)
class Task:
    """What to run, small enough to be sent to another process."""

    scenario: Scenario
    contestant: str
    seed: int
    folder: Path | None


def played(task: Task) -> list[Row]:
    """Run it, and give the calls that count."""
    results = results_of(task)
    from_s = COUNTED_FROM * task.scenario.fleet.seconds
    prices = {site.name: (site.in_per_m, site.out_per_m) for site in task.scenario.fleet.sites}
    return [_row(result, prices) for result in results if result.arrival.at_s >= from_s]


def results_of(task: Task) -> list[Result]:
    """Run it in virtual time."""
    scenario, fleet = task.scenario, task.scenario.fleet
    known = measured(task.folder)
    trace = None if task.folder is None else task.folder / TRACE
    calls = planned(trace, seconds=fleet.seconds, speed=fleet.speed, seed=task.seed, crowd=scenario.crowd)
    world = World(scenario, known, task.seed)
    policies = CONTESTANTS[task.contestant](world)
    if scenario.joins is not None:
        policies = [NotYet(scenario.joins, scenario.begins_s), *policies]
    route = Route(
        name=MODEL,
        models=(MODEL,),
        objective=Objective(ttft_s=TTFT_OBJECTIVE_S, total_s=TOTAL_OBJECTIVE_S),
        budget_s=BUDGET_S,
    )

    async def main() -> list[Result]:
        loop = asyncio.get_running_loop()
        dice = random.Random(f"{task.seed}/router")
        async with Router(world.endpoints(), [route], policies, clock=loop.time, dice=dice) as router:
            return await play(router, [as_arrival(call, MODEL) for call in calls])

    return run(main)


def _row(result: Result, prices: dict[str, tuple[float, float]]) -> Row:
    answer, error = result.answer, result.error
    attempts: Sequence[Attempt] = ()
    if answer is not None:
        attempts = answer.attempts
    elif isinstance(error, CallError):
        attempts = error.attempts
    hedges = sum(attempt.hedge for attempt in attempts)
    first_s = BUDGET_S if answer is None or answer.ttft_s is None else answer.ttft_s
    return Row(
        at_s=result.arrival.at_s,
        first_s=first_s,
        total_s=BUDGET_S if answer is None else result.total_s,
        answered=answer is not None,
        retries=max(0, len(attempts) - 1 - hedges),
        hedges=hedges,
        money=sum(_money(attempt, result.arrival.request, prices) for attempt in attempts),
        endpoint="" if answer is None else answer.endpoint,
    )


def _money(attempt: Attempt, request: Request, prices: dict[str, tuple[float, float]]) -> float:
    """What an attempt is billed: one that failed nothing, one that was cut off all of it."""
    if attempt.outcome is Outcome.FAILED:
        return 0.0
    call = cast("Planned", request.metadata[CALL])
    in_per_m, out_per_m = prices[attempt.endpoint.name]
    return (call.prompt_tokens * in_per_m + call.answer_tokens * out_per_m) / 1e6
