"""The simulated runs that `benchmarks.plots` draws: one fleet and its traffic, in virtual time, through several stacks.

Nine endpoints of one model: three vendors in three regions, with the speeds, spreads, tails and load curves that were
published (`paceline.router.simulation.behaviour`); answers of 16 to 400 tokens, arrivals independent of each other. In
the brown-out the nearest region is eight times slower for two minutes, and a tenth of its calls fail. Every stack meets
the same arrivals and the same fate; what differs is what it chooses. How policies compare over many fleets and seeds is
`benchmarks.routing`'s question; this is one picture of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import attrs

from paceline.policies import PowerOfTwo, RoundRobin, Slots, stacks
from paceline.router import Endpoint, Objective, Policy, Profile, Request, Route, Router
from paceline.router.simulation import OUTPUT_TOKENS, Behaviour, Incident, Simulated, poisson
from paceline.router.testing import Result, play, run, virtual_clock

ROUND_TRIP_S = {"us-east": 0.005, "us-west": 0.065, "eu-west": 0.085}
RTT_S = {("us-east", region): round_trip_s for region, round_trip_s in ROUND_TRIP_S.items() if region != "us-east"}
VENDOR_TTFT_S = {"atlas": 0.25, "borea": 0.32, "ceres": 0.45}
TTFT_AIM_S = 1.0
CALLS_PER_S = 8.0
LOADS_PER_S = (4.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0)
"""Up to where hardly any endpoint can begin in time."""

LOAD_RUN_S = 120.0
RUN_S, FROM_S, TO_S = 360.0, 120.0, 240.0
"""Length of a run; when the brown-out begins, and when it ends."""

BROWN_OUT = Incident(from_s=FROM_S, to_s=TO_S, slower=8.0, error_rate=0.1)

STACKS: Mapping[str, Callable[[], list[Policy]]] = {
    "round robin": lambda: [RoundRobin()],
    "least loaded of two": lambda: [Slots(balancer=PowerOfTwo())],
    "Paceline": lambda: stacks.interactive(here="us-east", rtt_s=RTT_S),
}


@attrs.frozen
class Heard:
    """What one caller heard. at_s: when the call came. ttft_s: None without an answer."""

    at_s: float
    ttft_s: float | None

    @property
    def in_time(self) -> bool:
        """Whether it was within the objective."""
        return self.ttft_s is not None and self.ttft_s <= TTFT_AIM_S


def fleet(seed: int, *, brown_out: bool) -> list[Endpoint]:
    """The endpoints. *seed*: of their fate."""
    behaviours = {
        f"{vendor}.{region}": Behaviour(
            ttft_s=ttft_s,
            prefill_s=0.05,
            tail=0.01,
            round_trip_s=round_trip_s,
            tokens_per_s=60.0,
            tokens_per_chunk=16,
            knee=24,
            incidents=(BROWN_OUT,) if brown_out and region == "us-east" else (),
        )
        for vendor, ttft_s in VENDOR_TTFT_S.items()
        for region, round_trip_s in ROUND_TRIP_S.items()
    }
    provider = Simulated(by_endpoint=behaviours, seed=seed)
    return [
        Endpoint(
            name=name,
            provider=provider,
            model="m",
            region=name.partition(".")[2],
            domain=name,
            slots=48,
            profile=Profile(ttft_s=behaviour.ttft_s + behaviour.round_trip_s, tokens_per_s=60.0),
        )
        for name, behaviour in behaviours.items()
    ]


def _request(dice: random.Random) -> Request:
    prompt = min(8000, round(1000 * dice.lognormvariate(0.0, 0.8)))
    answer = min(400, max(16, round(100 * dice.lognormvariate(0.0, 0.8))))
    return Request(messages="hello", route="chat", prompt_tokens=max(1, prompt), metadata={OUTPUT_TOKENS: answer})


def heard(
    policies: Sequence[Policy],
    seed: int,
    *,
    brown_out: bool = False,
    calls_per_s: float = CALLS_PER_S,
    seconds: float = RUN_S,
) -> list[Heard]:
    """One run. Two with one seed are the same."""
    calls = poisson(calls_per_s, seconds, random.Random(f"arrivals {seed}"), _request)
    route = Route(name="chat", models="m", objective=Objective(ttft_s=TTFT_AIM_S))

    async def main() -> list[Result]:
        endpoints = fleet(seed, brown_out=brown_out)
        dice = random.Random(f"router {seed}")
        async with Router(endpoints, [route], policies, clock=virtual_clock, dice=dice) as router:
            return await play(router, calls)

    return [Heard(result.arrival.at_s, _ttft_s(result)) for result in run(main)]


def _ttft_s(result: Result) -> float | None:
    return None if result.answer is None else result.answer.ttft_s


def all_runs(seeds: Sequence[int], *, brown_out: bool) -> dict[str, list[Heard]]:
    """What the callers of every stack heard, all seeds together."""
    return {
        name: [each for seed in seeds for each in heard(policies(), seed, brown_out=brown_out)]
        for name, policies in STACKS.items()
    }


def in_time_by_load(seeds: Sequence[int]) -> dict[str, list[tuple[float, float]]]:
    """The share within the objective of every stack, at more and more calls a second, all seeds together."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for name, policies in STACKS.items():
        for calls_per_s in LOADS_PER_S:
            found = [
                each.in_time
                for seed in seeds
                for each in heard(policies(), seed, calls_per_s=calls_per_s, seconds=LOAD_RUN_S)
            ]
            lines.setdefault(name, []).append((calls_per_s, sum(found) / len(found)))
    return lines
