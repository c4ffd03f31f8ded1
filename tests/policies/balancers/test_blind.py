"""`Weighted` and `InTurn`, which look at nothing: their shares are what they say."""

from __future__ import annotations

import math

import pytest

from paceline.policies import InTurn, Weighted
from paceline.router.errors import ConfigurationError

from .bench import alike, call_to, come_back, drawn, targets

SIGMAS = 4


def test_shares_are_in_proportion_to_the_weights_and_the_unnamed_weigh_one() -> None:
    among = targets({"a": 0.25, "b": 9.0, "c": 0.25})
    calls, weights = 12_000, {"a": 3.0, "b": 2.0, "c": 1.0}

    seen = drawn(Weighted(weights={"a": 3.0, "b": 2.0}), among, calls)

    for name, weight in weights.items():
        share = weight / 6
        assert abs(seen[name] - calls * share) < SIGMAS * math.sqrt(calls * share * (1 - share))


def test_a_weight_shrinks_while_its_endpoint_comes_back() -> None:
    back, usual = among = alike(2)
    come_back(back)

    seen = drawn(Weighted(weights={back.name: 4.0}), among, 4000)

    assert abs(seen[usual.name] - 2000) < SIGMAS * math.sqrt(1000)


@pytest.mark.parametrize("wrong", [{}, {"a": 0.0}, {"a": -1.0}, {"a": "3"}, [("a", 1.0)]])
def test_weights_that_cannot_work_are_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="Weighted: weights must"):
        Weighted(weights=wrong)  # type: ignore[arg-type]


def test_each_has_its_turn() -> None:
    among, balancer = alike(3), InTurn()
    call = call_to(among)

    assert [balancer.choose(among, call, 0.0).name for _ in range(7)] == ["t0", "t1", "t2", "t0", "t1", "t2", "t0"]


def test_while_one_is_left_out_the_others_share_its_turns_evenly() -> None:
    a, b, c = among = alike(3)
    balancer, call = InTurn(), call_to(among)

    picked = [balancer.choose(some, call, 0.0) for _ in range(10) for some in (among, [b, c])]

    assert abs(picked.count(b) - picked.count(c)) <= 1
    assert picked.count(a) > 0


def test_one_that_was_left_out_is_the_next_and_has_no_debt_to_be_paid() -> None:
    a, b, c = among = alike(3)
    balancer, call = InTurn(), call_to(among)
    for _ in range(10):
        balancer.choose([b, c], call, 0.0)

    picked = [balancer.choose(among, call, 0.0) for _ in range(6)]

    assert picked[0] is a
    assert picked.count(a) == 2


def test_one_that_comes_back_lets_turns_pass_by_its_weight() -> None:
    back, *_ = among = alike(3)
    come_back(back)

    seen = drawn(InTurn(), among, 9000)

    assert 0.2 < seen["t0"] / seen["t1"] < 0.3
    assert abs(seen["t1"] - seen["t2"]) < 0.05 * seen["t1"]


def test_if_all_let_their_turn_pass_the_first_has_it() -> None:
    among = alike(2)
    for target in among:
        come_back(target)

    assert set(drawn(InTurn(), among, 10)) == {"t0", "t1"}
