"""`Simulated`, in virtual time: what it is told to be is what is measured."""

from __future__ import annotations

import asyncio
import math
import statistics
from collections.abc import Callable
from typing import Any, cast

import anyio
import pytest

from paceline.providers import Behaviour, Incident, Simulated
from paceline.router import Answer, Endpoint, Request, Router, Usage
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    ConfigurationError,
    ProviderError,
    RateLimited,
    StreamInterrupted,
)
from paceline.router.simulation.behaviour import AT_ONCE, MS_A_TOKEN, TTFT_MS
from paceline.router.testing import run, virtual_clock

STEADY: dict[str, Any] = {"sigma": 0.0, "tail": 0.0}


def router_of(provider: Simulated, *names: str) -> Router:
    endpoints = [Endpoint(name=name, provider=provider, model=name) for name in names or ("a",)]
    return Router(endpoints, clock=virtual_clock)


def ask(model: str = "a", **fields: Any) -> Request:
    given: dict[str, Any] = {"messages": "hello there", "model": model, "max_tokens": 10, "budget_s": 3600.0, **fields}
    return Request(**given)


def ttfts(provider: Simulated, calls: int, *, model: str = "a", names: tuple[str, ...] = ("a",)) -> list[float]:
    """First-token times of *calls* in a row."""

    async def main() -> list[float]:
        async with router_of(provider, *names) as router:
            return [(await router.complete(ask(model))).ttft_s or 0.0 for _ in range(calls)]

    return run(main)


def test_an_answer_has_the_times_and_the_tokens_it_was_told() -> None:
    async def main() -> Answer:
        behaviour = Behaviour(ttft_s=0.5, tokens_per_s=20.0, round_trip_s=0.1, **STEADY)
        async with router_of(Simulated(behaviour=behaviour)) as router:
            return await router.complete(ask())

    answer = run(main)
    assert answer.ttft_s == pytest.approx(0.6)
    assert answer.total_s == pytest.approx(0.6 + 9 / 20)
    assert answer.usage == Usage(input_tokens=2, output_tokens=10)
    assert answer.finish_reason == "length"
    assert answer.text == "the first word is what a person waits for the"
    assert answer.attempts[0].tpot_s == pytest.approx(1 / 20)


def test_tokens_come_in_chunks_of_the_size_that_was_told() -> None:
    async def main() -> list[str]:
        in_fours = Simulated(behaviour=Behaviour(tokens_per_chunk=4))
        async with router_of(in_fours) as router, router.stream(ask()) as chunks:
            return [chunk.text async for chunk in chunks]

    assert [len(text.split()) for text in run(main)] == [4, 4, 2, 0]


def test_an_answer_in_one_piece_comes_when_its_last_token_does() -> None:
    async def main() -> Answer:
        behaviour = Behaviour(ttft_s=0.5, tokens_per_s=20.0, **STEADY)
        async with router_of(Simulated(behaviour=behaviour)) as router:
            return await router.complete(ask(stream=False, max_tokens=None, expected_tokens=41))

    answer = run(main)
    assert answer.ttft_s == answer.total_s == pytest.approx(2.5)
    assert (answer.usage.output_tokens, answer.finish_reason) == (41, "stop")


def test_one_seed_makes_one_run() -> None:
    assert ttfts(Simulated(seed=7), 50) == ttfts(Simulated(seed=7), 50)
    assert ttfts(Simulated(seed=7), 50) != ttfts(Simulated(seed=8), 50)


def test_what_an_endpoint_draws_does_not_depend_on_the_others() -> None:
    alone = ttfts(Simulated(), 20, model="b", names=("b",))
    assert ttfts(Simulated(), 20, model="b", names=("a", "b", "c")) == pytest.approx(alone)
    assert ttfts(Simulated(), 20, names=("a", "b")) != pytest.approx(alone)


def test_the_body_is_tight_and_the_tail_is_rare_and_heavy() -> None:
    drawn = ttfts(Simulated(behaviour=Behaviour(ttft_s=0.3, sigma=0.2, tail=0.01, tail_factor=50.0)), 4000)
    body = [math.log(ttft) for ttft in drawn if ttft < 3.0]
    assert statistics.median(drawn) == pytest.approx(0.3, rel=0.03)
    assert statistics.stdev(body) == pytest.approx(0.2, rel=0.05)
    assert 1 - len(body) / len(drawn) == pytest.approx(0.01, abs=0.004)


def test_the_load_curve_is_the_published_one_where_the_knee_is_its_own() -> None:
    behaviour = Behaviour(ttft_s=0.137, tokens_per_s=1000 / 31, knee=32)
    assert [behaviour.ttft_under_load(calls) * 1000 for calls in AT_ONCE] == pytest.approx(TTFT_MS)
    assert [behaviour.s_per_token_under_load(calls) * 1000 for calls in AT_ONCE] == pytest.approx(MS_A_TOKEN)


@pytest.mark.parametrize("knee", [1, 4, 32, 100])
def test_load_never_makes_faster_and_beyond_the_knee_it_makes_far_slower(knee: int) -> None:
    behaviour = Behaviour(ttft_s=0.1, knee=knee)
    curve = [behaviour.ttft_under_load(calls) for calls in range(1, 4 * knee + 1)]
    assert curve == sorted(curve)
    assert curve[0] == pytest.approx(0.1)
    assert behaviour.ttft_under_load(2 * knee) > 3 * behaviour.ttft_under_load(knee)


def test_calls_at_once_slow_one_another_down() -> None:
    async def main() -> list[float]:
        async with router_of(Simulated(behaviour=Behaviour(ttft_s=0.1, knee=2, **STEADY))) as router:
            answers = await asyncio.gather(*(router.complete(ask()) for _ in range(6)))
            again = await router.complete(ask())
            return [answer.ttft_s or 0.0 for answer in (*answers, again)]

    *crowded, alone = run(main)
    assert crowded[0] == pytest.approx(0.1)
    assert crowded == sorted(crowded)
    assert crowded[-1] > 0.5
    assert alone == pytest.approx(0.1), "load is gone with its calls"


def test_a_cancelled_call_is_load_no_more() -> None:
    async def main() -> float:
        async with router_of(Simulated(behaviour=Behaviour(ttft_s=1.0, knee=1, **STEADY))) as router:
            with anyio.move_on_after(0.5):
                await asyncio.gather(*(router.complete(ask()) for _ in range(5)))
            return (await router.complete(ask())).ttft_s or 0.0

    assert run(main) == pytest.approx(1.0)


def test_failures_come_as_often_and_as_they_were_told() -> None:
    behaviour = Behaviour(error_rate=0.2, error=RateLimited, retry_after_s=3.0, error_after_s=0.02, round_trip_s=0.01)

    async def main() -> list[RateLimited]:
        failures = list[RateLimited]()
        async with router_of(Simulated(behaviour=behaviour)) as router:
            for _ in range(1000):
                try:
                    await router.complete(ask())
                except RateLimited as failure:
                    failures.append(failure)
                    await anyio.sleep(failure.retry_after_s or 0.0)
        return failures

    failures = run(main)
    assert len(failures) == pytest.approx(200, abs=40)
    assert failures[0].retry_after_s == 3.0
    assert failures[0].endpoint == "a"
    assert failures[0].attempts[0].total_s == pytest.approx(0.03)


def test_an_incident_makes_slower_while_it_lasts() -> None:
    behaviour = Behaviour(
        ttft_s=0.1,
        incidents=(Incident(from_s=10.0, to_s=20.0, slower=10.0), Incident(from_s=15.0, to_s=30.0, error_rate=1.0)),
        **STEADY,
    )

    async def main() -> list[float | None]:
        seen: list[float | None] = []
        async with router_of(Simulated(behaviour=behaviour)) as router:
            for at_s in (5.0, 10.0, 15.0, 30.0):
                await anyio.sleep(at_s - virtual_clock())
                try:
                    seen.append((await router.complete(ask())).ttft_s)
                except ProviderError:
                    seen.append(None)
        return seen

    assert run(main) == [pytest.approx(0.1), pytest.approx(1.0), None, pytest.approx(0.1)]


def test_each_endpoint_may_behave_in_its_own_way() -> None:
    fast, slow = Behaviour(ttft_s=0.1, **STEADY), Behaviour(ttft_s=0.9, **STEADY)

    async def main() -> list[float | None]:
        async with router_of(Simulated(behaviour=slow, by_endpoint={"a": fast}), "a", "b") as router:
            return [(await router.complete(ask(model))).ttft_s for model in ("a", "b")]

    assert run(main) == [pytest.approx(0.1), pytest.approx(0.9)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Behaviour(ttft_s=0.0),
        lambda: Behaviour(sigma=-0.1),
        lambda: Behaviour(tail=1.5),
        lambda: Behaviour(error_rate=2.0),
        lambda: Behaviour(tokens_per_chunk=0),
        lambda: Behaviour(knee=0),
        lambda: Behaviour(incidents=cast(Any, [3.0])),
        lambda: Behaviour(error=AttemptTimeout),
        lambda: Behaviour(error=StreamInterrupted),
        lambda: Behaviour(error=cast(Any, ValueError)),
        lambda: Behaviour(error=cast(Any, AttemptFailed("an object"))),
        lambda: Incident(from_s=5.0, to_s=5.0),
        lambda: Incident(from_s=0.0, to_s=5.0, error_rate=1.1),
        lambda: Incident(from_s=0.0, to_s=5.0, slower=0.0),
        lambda: Simulated(behaviour=cast(Any, 0.3)),
        lambda: Simulated(by_endpoint={"a": cast(Any, 0.3)}),
        lambda: Simulated(seed=cast(Any, 0.5)),
        lambda: Simulated(name=""),
    ],
)
def test_what_cannot_work_is_refused_when_built(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError):
        make()
