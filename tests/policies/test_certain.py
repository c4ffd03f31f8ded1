"""What is certain is there, whatever else was let through since it was seen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.certain import A_CALL, LOOK_AGAIN_S, MOST_KEPT, NOWHERE, Certain
from paceline.router import Router
from paceline.router.target import Target
from paceline.router.testing import Scripted, endpoint


def some(count: int = 3) -> tuple[Target, ...]:
    return tuple(Router([endpoint(f"e{number}", Scripted()) for number in range(count)]).fleet)


@given(
    calls=st.floats(0.0, 50.0),
    tokens=st.floats(0.0, 50_000.0),
    sent=st.lists(st.integers(1, 5_000), max_size=60),
    before=st.integers(0, 10_000),
)
def test_no_more_is_let_through_than_was_seen(calls: float, tokens: float, sent: list[int], before: int) -> None:
    certain, targets = Certain(), some()
    certain.lost(1.0, before)
    certain.seen(targets, calls, tokens, 0.0, 1.0)
    let_through: list[int] = []
    for amount in sent:
        weight = certain.weight + A_CALL + amount
        if weight <= certain.of(targets).weight:
            certain.weight = weight
            let_through.append(amount)
    assert len(let_through) <= calls + 1e-6
    assert sum(let_through) <= tokens + 1e-6


def test_what_was_never_seen_or_is_forgotten_has_no_room() -> None:
    certain, targets = Certain(), some()
    assert certain.of(targets) is NOWHERE
    certain.seen(targets, 10.0, 10_000.0, 0.0, 1.0)
    assert certain.room is certain.of(targets) is not NOWHERE
    certain.forget()
    assert certain.room is certain.of(targets) is NOWHERE


@pytest.mark.parametrize(("holds_until_s", "until_s"), [(5.125, 5.125), (90.0, 5.0 + LOOK_AGAIN_S), (math.inf, 5.25)])
def test_it_is_looked_at_again_when_it_may_have_changed_and_a_quarter_of_a_second_later_at_least(
    holds_until_s: float, until_s: float
) -> None:
    certain, targets = Certain(), some()
    certain.seen(targets, 10.0, 10_000.0, 5.0, holds_until_s)
    assert certain.of(targets).until_s == until_s


def test_each_selection_of_candidates_has_its_own_room() -> None:
    certain, targets = Certain(), some()
    fewer = targets[:2]
    certain.seen(targets, 1.0, 1.0, 0.0, 1.0)
    certain.seen(fewer, 100.0, 100_000.0, 0.0, 1.0)
    assert certain.of(targets).weight < certain.of(fewer).weight


def test_selections_do_not_pile_up() -> None:
    certain, targets = Certain(), some(5)
    kept = [targets[:place] + targets[place:1] for place in range(1, 5) for _ in range(MOST_KEPT)]
    for selection in kept:
        certain.seen(selection, 1.0, 1.0, 0.0, 1.0)
    assert len(certain._rooms) <= MOST_KEPT
