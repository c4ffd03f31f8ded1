"""`PowerOfTwo` and what all draws of two share. Laws, with seeded dice."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import permutations

import pytest

from paceline.policies import LeastLoaded, PeakEwma, PowerOfTwo
from paceline.policies.balancers.power_of_two import cost, draw_two, expected_s

from .bench import alike, answered, call_to, come_back, drawn, failed, targets, under_load

BY_CHANCE = 0.1
"""How far a count may be from its mean: 4 standard deviations of 10,000 throws for one of seven."""


@pytest.mark.parametrize("count", [2, 3, 5])
def test_every_pair_and_order_is_equally_likely(count: int) -> None:
    dice = random.Random(1)
    pairs = list(permutations(range(count), 2))

    seen = Counter(draw_two(count, dice) for _ in range(500 * len(pairs)))

    assert set(seen) == set(pairs)
    assert all(abs(seen[pair] - 500) < 4 * math.sqrt(500) for pair in pairs)


@pytest.mark.parametrize("balancer", [PowerOfTwo(), PeakEwma(), LeastLoaded()])
def test_of_equals_no_place_is_a_favourite(balancer: PowerOfTwo | PeakEwma | LeastLoaded) -> None:
    seen = drawn(balancer, alike(7), 10_000)
    assert all(abs(seen[f"t{number}"] * 7 / 10_000 - 1) < BY_CHANCE for number in range(7))


@pytest.mark.parametrize("balancer", [PowerOfTwo(), PeakEwma(), LeastLoaded()])
def test_of_one_there_is_no_choice(balancer: PowerOfTwo | PeakEwma | LeastLoaded) -> None:
    assert drawn(balancer, alike(1), 10) == {"t0": 10}


@pytest.mark.parametrize(("slots_used", "pick"), [(0, "quick"), (1, "quick"), (2, "slow")])
def test_a_busy_one_has_to_be_that_much_faster(slots_used: int, pick: str) -> None:
    quick, slow = among = targets({"quick": 0.25, "slow": 0.625})
    for _ in range(slots_used):
        quick.slots.acquire_over_limit()

    assert set(drawn(PowerOfTwo(), among, 20)) == {pick}
    assert slow.in_flight == 0


def test_a_large_prompt_in_flight_is_as_much_load_as_it_has_slots() -> None:
    quick, _ = among = targets({"quick": 0.25, "slow": 0.625})

    quick.slots.acquire_over_limit(2)

    assert set(drawn(PowerOfTwo(), among, 20)) == {"slow"}


def test_the_slowest_of_three_is_never_picked_while_all_are_idle_and_the_fastest_two_times_of_three() -> None:
    seen = drawn(PowerOfTwo(), targets({"a": 0.25, "b": 0.5, "c": 1.0}), 9000)

    assert seen["c"] == 0
    assert abs(seen["a"] - 6000) < 4 * math.sqrt(2000)


def test_one_that_comes_back_costs_more_by_its_weight() -> None:
    back, usual = targets({"back": 0.25, "usual": 0.25})
    call = call_to([back, usual])

    come_back(back)

    assert cost(back, call, 0.0) == 4 * cost(usual, call, 0.0)


def test_an_answer_in_one_piece_costs_its_whole_time() -> None:
    (target,) = targets({"a": 0.25})
    total_s = target.outlook(0.0).total_s

    assert expected_s(target, call_to([target]), 0.0) == 0.25
    assert expected_s(target, call_to([target], stream=False), 0.0) == total_s


def test_a_failure_adds_what_it_costs_also_where_nothing_is_believed() -> None:
    (target,) = targets({"a": None})
    call = call_to([target])
    assert expected_s(target, call, 0.0) == 0.0

    failed(target, 0.0)

    assert expected_s(target, call, 0.0) == pytest.approx(0.2 * 5.0)


@pytest.mark.parametrize(("balancer", "within"), [(PeakEwma(), 0.05), (PowerOfTwo(), 0.1)])
def test_an_endpoint_of_twice_the_latency_carries_half_the_load(balancer: PowerOfTwo | PeakEwma, within: float) -> None:
    """`PowerOfTwo` takes costs for equal that differ by 5 %, so it leaves the load so much less even."""
    takes_s = {"slow": 2.0} | {f"t{number}": 1.0 for number in range(5)}
    run = under_load(balancer, targets(takes_s), takes_s, rate_per_s=300.0, seconds=20.0)

    others = [run.mean_load(f"t{number}") for number in range(5)]
    mean = sum(others) / 5
    assert run.mean_load("slow") / mean == pytest.approx(0.5, rel=within)
    assert all(load == pytest.approx(mean, rel=0.03) for load in others)


def test_costs_that_differ_by_little_are_a_tie() -> None:
    among = targets({"a": 0.25, "b": 0.26, "c": 0.3})
    seen = drawn(PowerOfTwo(), among, 9000)

    assert seen["c"] == 0
    assert abs(seen["a"] - seen["b"]) < 4 * math.sqrt(9000)


def fullest(pick: PowerOfTwo | LeastLoaded | None, seed: int, bins: int = 1000) -> int:
    """Balls in the fullest of the bins, as many balls as bins; None: blind throws."""
    among = alike(bins)
    call = call_to(among[:1], seed=seed)
    for _ in range(bins):
        target = among[int(call.dice.random() * bins)] if pick is None else pick.choose(among, call, 0.0)
        target.slots.acquire_over_limit()
    return max(target.in_flight for target in among)


@pytest.mark.parametrize("seed", range(5))
def test_of_a_thousand_bins_the_fullest_holds_three_or_four_where_blind_throws_fill_five_or_more(seed: int) -> None:
    assert fullest(PowerOfTwo(), seed) <= 4
    assert fullest(LeastLoaded(), seed) <= 4
    assert fullest(None, seed) >= 5


def test_a_measured_answer_outweighs_none() -> None:
    known, unknown = among = targets({"known": None, "unknown": None})
    answered(known, 0.25, 0.0)

    assert set(drawn(PowerOfTwo(), among, 10)) == {"unknown"}
    assert unknown.in_flight == 0
