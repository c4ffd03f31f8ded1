"""Runs of a bench, in virtual time, and what they are tested with."""

from __future__ import annotations

from collections.abc import Sequence

from paceline.gateway.bench.figures import Outcome, outcome
from paceline.gateway.bench.measure import Bench
from paceline.gateway.bench.plan import Plan
from paceline.router import Endpoint
from paceline.router.testing import Behaviour, Simulated, run, virtual_clock


def simulated(**behaviours: Behaviour) -> tuple[Endpoint, ...]:
    provider = Simulated(by_endpoint=behaviours)
    return tuple(Endpoint(name=name, provider=provider, model="m", region="here") for name in behaviours)


def benched(endpoints: Sequence[Endpoint], plan: Plan) -> Bench:
    """A run from its beginning to its end."""

    async def main() -> Bench:
        bench = Bench(endpoints, plan, virtual_clock)
        await bench.run()
        return bench

    return run(main)


def came_of(bench: Bench, *, interrupted: bool = False) -> Outcome:
    return outcome(bench.plan, bench.lanes, source="fleet.toml", interrupted=interrupted)
