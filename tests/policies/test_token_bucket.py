"""A bucket keeps a limit in every minute, and uses it to the last unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.token_bucket import MINUTE_S, TokenBucket, per_minute

NEARLY_S = MINUTE_S - 1e-6


def bucket(limit: float, burst_s: float = 1.0) -> TokenBucket:
    return TokenBucket(*per_minute(limit, burst_s), 0.0)


def sent_as_fast_as_it_lets(of: TokenBucket, amounts: list[int], pauses_s: list[float]) -> list[tuple[float, int]]:
    """When each amount was taken, by one who pauses now and then and is otherwise always in a hurry."""
    now_s, sent = 0.0, list[tuple[float, int]]()
    for amount, pause_s in zip(amounts, pauses_s, strict=True):
        now_s = of.ready_at_s(amount, now_s + pause_s)
        assert of.has(amount, now_s)
        of.take(amount, now_s)
        sent.append((now_s, amount))
    return sent


def most_in_a_minute(sent: list[tuple[float, int]]) -> int:
    return max(sum(amount for at_s, amount in sent if from_s <= at_s < from_s + NEARLY_S) for from_s, _ in sent)


@given(limit=st.integers(1, 300), burst_s=st.floats(0.0, 30.0), pauses=st.lists(st.floats(0.0, 40.0), max_size=12))
def test_no_minute_has_more_calls_than_the_limit(limit: int, burst_s: float, pauses: list[float]) -> None:
    pauses_s = [pause_s for pause in pauses for pause_s in [pause, *[0.0] * (limit // 3)]][:600]

    sent = sent_as_fast_as_it_lets(bucket(limit, burst_s), [1] * len(pauses_s), pauses_s)

    assert not sent or most_in_a_minute(sent) <= limit


@given(
    amounts=st.lists(st.integers(1, 900), min_size=1, max_size=120),
    burst_s=st.floats(1.0, 30.0),
    pauses=st.lists(st.floats(0.0, 5.0), min_size=120, max_size=120),
)
def test_no_minute_has_more_tokens_than_the_limit(amounts: list[int], burst_s: float, pauses: list[float]) -> None:
    sent = sent_as_fast_as_it_lets(bucket(54_000, burst_s), amounts, pauses[: len(amounts)])

    assert most_in_a_minute(sent) <= 54_000


@pytest.mark.parametrize(("limit", "least"), [(1, 1), (2, 2), (10, 10), (60, 60), (500, 492), (10_000, 9_834)])
def test_who_is_always_in_a_hurry_uses_the_limit_but_for_what_may_go_at_once(limit: int, least: int) -> None:
    sent = sent_as_fast_as_it_lets(bucket(limit), [1] * 4 * limit, [0.0] * 4 * limit)

    assert sum(60.0 <= at_s < 120.0 for at_s, _ in sent) >= least


def test_a_second_s_worth_may_go_at_once_and_no_more() -> None:
    of = bucket(600)
    for _ in range(10):
        assert of.has(1, 0.0)
        of.take(1, 0.0)
    assert not of.has(1, 0.0)


def test_what_is_larger_than_the_bucket_passes_when_it_is_full_and_is_paid_back() -> None:
    of = TokenBucket(10.0, 10.0, 0.0)

    of.take(1, 0.0)
    assert not of.has(40, 0.0)
    assert of.ready_at_s(40, 0.0) == pytest.approx(0.1)
    of.take(40, 0.1)

    assert of.level(0.1) == pytest.approx(-30.0)
    assert of.ready_at_s(1, 0.1) == pytest.approx(3.2)


def test_what_comes_back_is_had_again_as_far_as_the_bucket_holds_it() -> None:
    of = TokenBucket(1.0, 10.0, 0.0)
    of.take(8, 0.0)
    of.take(-5, 0.0)
    assert of.level(0.0) == 7.0
    of.take(-5, 0.0)
    assert of.level(0.0) == 10.0


def test_those_ahead_are_reckoned_with() -> None:
    of = TokenBucket(2.0, 10.0, 0.0)
    assert of.ready_at_s(6, 0.0) == 0.0
    assert of.ready_at_s(6, 0.0, ahead=8) == 2.0


def test_another_rate_holds_from_then_on() -> None:
    of = TokenBucket(1.0, 10.0, 0.0)
    of.take(10, 0.0)
    of.set_rate(2.0, 3.0)
    assert of.level(4.0) == 5.0
