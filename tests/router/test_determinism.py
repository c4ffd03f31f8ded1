"""One seed, one schedule, one story: a run can be repeated to the byte, in any process, and reads nobody's clock."""

import hashlib
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from paceline.router import Chunk, Limits, Profile, Request, Route, Router
from paceline.router.errors import CallError, ProviderError, RateLimited
from paceline.router.testing import (
    SILENT,
    Arrival,
    Cut,
    Say,
    Script,
    Scripted,
    answers,
    endpoint,
    fails,
    play,
    poisson,
    run,
    virtual_clock,
)

from .stack import full_stack, nothing_is_held

ROOT = Path(__file__).parents[2]
SEED = 20_251
CALLS_PER_S = 12.0
SECONDS = 30.0
PROGRAM = "from tests.router.test_determinism import digest; print(digest())"


def script(dice: random.Random) -> Script:
    """One call's fate: mostly an answer of any speed, sometimes an error, a cut, or silence."""
    fate = dice.random()
    if fate < 0.05:
        return fails(dice.random(), ProviderError)
    if fate < 0.1:
        return fails(0.0, lambda: RateLimited("slow down", retry_after_s=1.0))
    if fate < 0.13:
        return (Say(0.25, Chunk("half")), Cut(0.5))
    if fate < 0.15:
        return SILENT
    return answers(dice.expovariate(3.0), "a", "b", "c", gap_s=dice.expovariate(20.0))


def fleet(dice: random.Random) -> Router:
    limits = Limits(first_token_s=3.0, gap_s=1.0)
    endpoints = [
        endpoint(
            f"{model}-{region}",
            Scripted(*(script(dice) for _ in range(400))),
            model=model,
            region=region,
            slots=4,
            limits=limits,
            profile=Profile(ttft_s=0.5) if region == "eu" else None,
        )
        for model in ("best", "fast")
        for region in ("eu", "us", "asia")
    ]
    routes = [
        Route(name="chat", models=("best", "fast")),
        Route(name="bound", models=("fast", "best"), residency=frozenset({"eu", "us", "asia"}), budget_s=8.0),
    ]
    return Router(endpoints, routes, full_stack(start_within_s=1.5), clock=virtual_clock, dice=dice, budget_s=16.0)


def request(dice: random.Random) -> Request:
    route = dice.choice(["chat", "bound"])
    return Request(messages="hello", route=route, user=f"user-{dice.randrange(20)}", max_tokens=dice.choice([None, 64]))


def log() -> str:
    """Every decision, attempt and answer of some hundreds of calls through the full stack, and what was learned."""

    async def main() -> str:
        dice = random.Random(SEED)
        router = fleet(dice)
        lines: list[str] = []
        async with router:
            arrivals: list[Arrival] = poisson(CALLS_PER_S, SECONDS, dice, request)
            for number, result in enumerate(await play(router, arrivals)):
                told = result.answer if result.error is None else result.error
                lines.append(f"{number} {result.arrival.at_s!r} {result.ended_s!r} {told!r}")
                if result.answer is not None:
                    lines.append(result.answer.story())
                elif isinstance(result.error, CallError):
                    lines += [str(line) for line in (*result.error.decisions, *result.error.attempts)]
            now_s = virtual_clock()
            for target in router.fleet:
                learned = target.learned
                lines.append(
                    f"{target!r} {learned.ttft.overall.quantile(0.5, now_s)!r} {learned.recent.failing(now_s)!r}"
                )
        assert nothing_is_held(router)
        assert len(arrivals) > 300
        return "\n".join(lines)

    return run(main)


def digest() -> str:
    return hashlib.sha256(log().encode()).hexdigest()


def test_two_runs_with_one_seed_are_the_same_to_the_byte() -> None:
    first, second = log(), log()

    assert first == second
    assert " at 0x" not in first
    for word in ("Fallback", "Retry", "Regions", "LatencyBudget", "Slots", "timed_out", "failed", "ok ("):
        assert word in first


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_the_order_of_hashes_changes_nothing(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}

    other = subprocess.run(  # noqa: S603  our own interpreter and program
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )

    assert other.stdout.strip() == digest()


class Guarded:
    """Stands for a function of a module, and raises where Paceline is the one that calls it."""

    def __init__(self, name: str, original: Callable[..., object]) -> None:
        self.name = name
        self.original = original

    def __call__(self, *args: object, **kwargs: object) -> object:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith("paceline."):
            raise AssertionError(f"{caller} called {self.name}")
        return self.original(*args, **kwargs)


CLOCKS = ["time", "monotonic", "perf_counter", "process_time", "time_ns", "monotonic_ns", "perf_counter_ns", "sleep"]
DICE = ["random", "uniform", "choice", "choices", "shuffle", "sample", "randint", "randrange", "expovariate", "gauss"]


def test_no_clock_and_no_dice_but_those_it_was_given_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = log()
    for module, names in ((time, CLOCKS), (random, DICE)):
        for name in names:
            monkeypatch.setattr(module, name, Guarded(f"{module.__name__}.{name}", getattr(module, name)))

    assert log() == expected


def test_the_guard_sees_who_reads_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", Guarded("time.time", time.perf_counter))
    culprit: dict[str, object] = {"__name__": "paceline.culprit", "time": time}

    with pytest.raises(AssertionError, match=r"paceline\.culprit called time\.time"):
        eval("time.time()", culprit)  # noqa: S307  a module that does what none may


@pytest.mark.parametrize("package", ["router", "policies"])
def test_no_module_takes_the_date_or_a_name_out_of_time_and_random(package: str) -> None:
    sources = {path: path.read_text() for path in (ROOT / package).rglob("*.py")}

    forbidden = re.compile(
        r"^(import (datetime|uuid|secrets)|from (time|random|datetime|uuid|secrets) import)", re.MULTILINE
    )

    assert sources
    assert [path.name for path, source in sources.items() if forbidden.search(source)] == []


def test_another_seed_is_another_story() -> None:
    async def main(seed: int) -> list[str]:
        router = fleet(random.Random(SEED))
        router._dice = random.Random(seed)
        async with router:
            arrivals = [Arrival(number / 8.0, Request(messages="hello", route="chat")) for number in range(64)]
            return [result.answer.endpoint for result in await play(router, arrivals) if result.answer is not None]

    stories = {tuple(run(lambda seed=seed: main(seed))) for seed in range(4)}

    assert len(stories) > 1
