"""`benchmarks.overhead` measures every way of every stack. Figures are not checked here: they are the machine's."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks import overhead
from benchmarks.instant import QUESTION, Instant, router
from benchmarks.overhead_layers import (
    OUTERMOST,
    SCOPE,
    Added,
    Timing,
    layer_table,
    measure_apart,
)
from benchmarks.overhead_ways import PULLED, PUSHED, WHOLE
from paceline.policies import stacks
from paceline.router import Answer, Call, Chunk, Emit, Handler


@pytest.fixture(scope="module")
def costs() -> dict[str, overhead.Cost]:
    found = asyncio.run(overhead.measure_ways(rounds=2, calls=100, chunk_calls=1, peers=()))
    return {cost.name: cost for cost in found}


def test_stacks_and_policies_are_measured_in_every_way(costs: dict[str, overhead.Cost]) -> None:
    assert {"an empty coroutine", "minimal", "batch", "interactive", "Hedge, around Slots alone"} <= costs.keys()
    for name, cost in costs.items():
        assert all((cost.call(way, many) or 0) > 0 for way in (WHOLE, PUSHED, PULLED) for many in (1, 100)), name
        assert cost.chunk(PUSHED) is not None, name


def test_rounds_are_counted_without_the_first_which_warms(costs: dict[str, overhead.Cost]) -> None:
    assert len(costs["minimal"].call_us[WHOLE, 1]) == 2


def test_a_call_costs_more_than_the_floor_and_holds_memory(costs: dict[str, overhead.Cost]) -> None:
    floor, ours = costs["an empty coroutine"], costs["interactive"]

    assert (ours.call(PUSHED, 1) or 0) > (floor.call(PUSHED, 1) or 0)
    assert floor.memory is None
    assert ours.memory is not None
    assert min(ours.memory) > 0


def test_the_table_leaves_empty_what_there_is_not(costs: dict[str, overhead.Cost]) -> None:
    peer = overhead.Cost("peer", {(WHOLE, 1): [2000.0], (WHOLE, 100): [1000.0]}, {PULLED: [3.0]})

    lines = overhead.way_table([*costs.values(), peer]).splitlines()

    assert lines[-1] == "| peer | 2,000.0 / 1,000.0 |  |  | - / 3.00 |  |  |"
    assert len(lines) == 2 + len(costs) + 1


def test_the_verdict_compares_with_the_peer() -> None:
    layers = [Timing(OUTERMOST, 30.0, 1.0)]
    ours = overhead.Cost("interactive", {(PUSHED, 1): [40.0], (WHOLE, 1): [50.0]}, {PUSHED: [0.5]})
    peer = overhead.Cost(overhead.LITELLM, {(WHOLE, 1): [2000.0]})

    said = overhead.verdicts(layers, [ours, peer])

    assert "takes 40.0 us: missed, 2.0 times the aim of 20 us" in said
    assert "0.50 us: within the aim" in said
    assert "40 times the interactive stack; the aim of 100 times is missed" in said


def test_what_a_layer_adds_is_told_beside_what_all_of_it_costs() -> None:
    said = layer_table([Timing(SCOPE, 5.0, None), Timing(OUTERMOST, 16.0, 1.0)])

    assert f"| {SCOPE} | 5.00 |  | 1.0 |" in said
    assert "| Fallback | 16.00 | 1.00 | 3.2 |" in said


def test_a_layer_is_taken_away_and_added_again() -> None:
    passed: list[str] = []

    async def passing(call: Call, emit: Emit, next: Handler, /) -> None:
        passed.append("here")
        await next(call, emit)

    async def main() -> None:
        async with router([passing], Instant()) as opened:
            added = Added.to(opened, [passing], [])
            for is_on in (True, False, True):
                added.turn(on=is_on)
                await opened.complete(QUESTION)

    asyncio.run(main())

    assert len(passed) == 2


def test_layers_are_timed_from_the_inside_outwards_in_processes_of_their_own() -> None:
    measured = measure_apart(processes=2, rounds=1, calls=40)

    names = [timing.name for timing in measured if timing.adds_us is not None and "alone" not in timing.name]
    assert names == ["Slots", "LatencyBudget", "Regions", "Retry", "Fallback"]
    assert all(timing.us > 0 for timing in measured)


def test_the_instant_provider_answers_with_as_many_words_as_it_is_told() -> None:
    async def main() -> tuple[Answer, list[Chunk]]:
        heard: list[Chunk] = []

        async def hear(chunk: Chunk) -> None:
            heard.append(chunk)

        provider = Instant(words=3, yields=True)
        async with router(stacks.interactive(), provider) as opened:
            await opened.send(QUESTION, hear)
            return await opened.complete(QUESTION), heard

    answer, heard = asyncio.run(main())

    assert answer.text == "ok" * 3
    assert [chunk.text for chunk in heard] == ["ok", "ok", "ok", ""]
