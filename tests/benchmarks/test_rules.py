"""The rules of others, against vectors worked out by hand from their sources."""

import random
from collections import Counter

import pytest

from benchmarks.routing.peer import Cooldown, FailureAccrual
from benchmarks.routing.prequal import Prequal, Probe, uses_of
from benchmarks.routing.rules import LeastBusy, LeastLoadedOfTwo, MeanOfLastTen, PeakEwmaOfTwo, RoundRobin, Rule
from benchmarks.routing.traffic import Planned
from paceline.router.errors import ProviderError, RateLimited

CALL = Planned(1, 0.0, 100, 100)
NAMES = ("a", "b", "c")


def chosen(rule: Rule, names: tuple[str, ...] = NAMES, now_s: float = 0.0, times: int = 200) -> Counter[str]:
    dice = random.Random(1)
    return Counter(rule.choose(names, CALL, now_s, dice) for _ in range(times))


def answered(rule: Rule, name: str, ttft_s: float, now_s: float = 0.0) -> None:
    rule.sent(name, now_s)
    rule.spoke(name, ttft_s, now_s)
    rule.ended(name, ttft_s, 2.0 * ttft_s, now_s, failed=False)


def test_round_robin_gives_everybody_the_same() -> None:
    assert set(chosen(RoundRobin(), times=300).values()) == {100}


def test_litellm_gives_every_tie_to_the_first_in_the_configuration() -> None:
    rule = LeastBusy()

    assert chosen(rule) == {"a": 200}
    rule.sent("a", 0.0)
    assert chosen(rule) == {"b": 200}


def test_litellm_sends_everybody_to_one_that_has_no_first_token_yet() -> None:
    rule = MeanOfLastTen()
    answered(rule, "a", 0.1)
    answered(rule, "b", 0.2)

    assert chosen(rule) == {"c": 200}


def test_litellm_takes_the_mean_of_the_last_ten_and_does_not_look_at_load() -> None:
    rule = MeanOfLastTen()
    for ttft_s in (9.0, *[0.1] * 10):
        answered(rule, "a", ttft_s)
    answered(rule, "b", 0.2)
    answered(rule, "c", 0.3)
    for _ in range(50):
        rule.sent("a", 0.0)

    assert chosen(rule) == {"a": 200}


def test_litellm_learns_nothing_from_a_failure_nor_before_an_answer_ends() -> None:
    rule = MeanOfLastTen()
    for name in NAMES:
        answered(rule, name, 0.2)
    rule.sent("a", 0.0)
    rule.spoke("a", 99.0, 0.0)
    rule.ended("b", 99.0, 99.0, 0.0, failed=True)

    assert set(chosen(rule)) == set(NAMES)


def test_of_two_the_one_with_fewer_calls_under_way_is_taken() -> None:
    rule = LeastLoadedOfTwo()
    rule.sent("a", 0.0)

    assert chosen(rule, ("a", "b")) == {"b": 200}


def test_peak_ewma_jumps_to_a_peak_and_forgets_it_over_ten_seconds() -> None:
    rule = PeakEwmaOfTwo()
    answered(rule, "a", 1.0)
    assert rule.load("a", 0.0) == pytest.approx(1.0)

    answered(rule, "a", 4.0)

    assert rule.load("a", 0.0) == pytest.approx(4.0)
    assert rule.load("a", 10.0) == pytest.approx(4.0 * 0.367879, rel=1e-4)


def test_peak_ewma_multiplies_by_what_would_be_pending() -> None:
    rule = PeakEwmaOfTwo()
    answered(rule, "a", 2.0)
    rule.sent("a", 0.0)
    rule.sent("a", 0.0)

    assert rule.load("a", 0.0) == pytest.approx(6.0)


def test_peak_ewma_puts_one_without_a_cost_last_once_a_call_is_under_way_there() -> None:
    rule = PeakEwmaOfTwo()
    answered(rule, "a", 5.0)
    assert chosen(rule, ("a", "b")) == {"b": 200}

    rule.sent("b", 0.0)

    assert chosen(rule, ("a", "b")) == {"a": 200}


def test_peak_ewma_takes_a_fast_failure_for_a_fast_answer() -> None:
    rule = PeakEwmaOfTwo()
    answered(rule, "a", 0.5)
    rule.sent("b", 0.0)
    rule.ended("b", None, 0.001, 0.0, failed=True)

    assert chosen(rule, ("a", "b")) == {"b": 200}


def probe(name: str, in_flight: int, latency_s: float) -> Probe:
    return Probe(name, 0.0, in_flight, latency_s, 1)


def test_prequal_takes_the_fastest_of_those_that_are_not_hot() -> None:
    rule = Prequal(lambda name: {"a": 1, "b": 2, "c": 30}[name])
    for _ in range(30):
        rule.choose(NAMES, CALL, 0.0, random.Random(1))

    assert rule.best([probe("a", 1, 0.9), probe("b", 2, 0.5), probe("c", 31, 0.1)]).name == "b"


def test_prequal_takes_the_least_loaded_where_all_are_hot() -> None:
    rule = Prequal(lambda _name: 1)
    rule.choose(NAMES, CALL, 0.0, random.Random(1))

    assert rule.best([probe("a", 9, 0.1), probe("b", 7, 0.9)]).name == "b"


@pytest.mark.parametrize(("endpoints", "uses"), [(100, 1), (30, 5), (20, 16), (10, 16)])
def test_prequal_uses_a_probe_as_often_as_keeps_the_pool_filled(endpoints: int, uses: int) -> None:
    assert uses_of(endpoints) == uses


def test_litellm_cools_down_at_a_429_for_as_long_as_it_is_told_or_five_seconds() -> None:
    outs = Cooldown()
    outs.ended("a", RateLimited("no"), 0.0)
    outs.ended("b", RateLimited("no", retry_after_s=30.0), 0.0)

    assert [outs.is_out("a", at_s) for at_s in (4.9, 5.0)] == [True, False]
    assert [outs.is_out("b", at_s) for at_s in (29.9, 30.0)] == [True, False]


def test_litellm_cools_down_when_over_half_of_at_least_five_calls_of_a_minute_have_failed() -> None:
    outs = Cooldown()
    for failed in (True, True, False, False):
        outs.ended("a", ProviderError("no") if failed else None, 0.0)
    assert not outs.is_out("a", 0.0)

    outs.ended("a", ProviderError("no"), 1.0)

    assert [outs.is_out("a", at_s) for at_s in (1.0, 6.0)] == [True, False]


def test_finagle_leaves_out_after_five_failures_in_a_row_for_twice_as_long_each_time() -> None:
    outs = FailureAccrual()
    for _ in range(4):
        outs.ended("a", ProviderError("no"), 0.0)
    assert not outs.is_out("a", 0.0)

    outs.ended("a", ProviderError("no"), 0.0)
    assert [outs.is_out("a", at_s) for at_s in (4.9, 5.0)] == [True, False]

    outs.ended("a", ProviderError("no"), 5.0)
    assert [outs.is_out("a", at_s) for at_s in (14.9, 15.0)] == [True, False]
