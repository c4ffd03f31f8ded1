"""What is sent: fair among endpoints, evenly paced, the same for the same seed; and prompts as long as wished."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.gateway.bench.plan import Plan
from paceline.gateway.bench.prompt import ASKED, ASKED_TOKENS, prompt


@given(calls=st.integers(1, 40), count=st.integers(1, 7), seed=st.integers(0, 99))
def test_in_every_round_every_endpoint_has_one_call(calls: int, count: int, seed: int) -> None:
    names = [f"e{number}" for number in range(count)]

    due = list(Plan(calls=calls, rate=2.0, seed=seed).schedule(names))

    for first in range(0, len(due), count):
        assert Counter(each.endpoint for each in due[first : first + count]) == Counter(names)
    assert len(due) == calls * count


@given(calls=st.integers(1, 40), count=st.integers(1, 7), rate=st.floats(0.01, 100))
def test_calls_are_evenly_apart_and_no_round_is_late(calls: int, count: int, rate: float) -> None:
    plan = Plan(calls=calls, rate=rate)

    due = list(plan.schedule([f"e{number}" for number in range(count)]))

    for number, each in enumerate(due):
        assert each.number == number
        assert each.at_s == pytest.approx(number / (rate * count))
    assert due[-1].at_s < plan.seconds


def test_the_order_is_the_seeds_and_changes_from_round_to_round() -> None:
    def order(seed: int) -> list[str]:
        return [each.endpoint for each in Plan(calls=50, seed=seed).schedule(["a", "b", "c"])]

    assert order(1) == order(1)
    assert order(1) != order(2)
    rounds = {tuple(order(1)[first : first + 3]) for first in range(0, 150, 3)}
    assert len(rounds) == 6  # all orders there are


@given(tokens=st.integers(24, 3000), number=st.integers(0, 1000))
def test_a_prompt_is_as_long_as_wished(tokens: int, number: int) -> None:
    words = prompt(tokens, seed=1, number=number).removesuffix(".").split()

    assert len(words) - len(ASKED.split()) + ASKED_TOKENS == tokens


@given(tokens=st.integers(1, 24))
def test_a_prompt_is_never_shorter_than_what_it_asks_for(tokens: int) -> None:
    assert ASKED in prompt(tokens, seed=1, number=1)


def test_no_two_prompts_begin_alike() -> None:
    beginnings = {prompt(500, seed=1, number=number)[:20] for number in range(2000)}

    assert len(beginnings) > 1950
    assert prompt(500, seed=1, number=7) == prompt(500, seed=1, number=7)
    assert prompt(500, seed=1, number=7) != prompt(500, seed=2, number=7)
