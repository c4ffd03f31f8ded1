"""`TtftGradient`: the limit follows the time to first token. Vectors of Netflix's Gradient2Limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.router import Signal, TtftGradient
from paceline.router.errors import ConfigurationError
from paceline.router.limit_gradient import GradientLimiter, _Usual

if TYPE_CHECKING:
    from collections.abc import Mapping

BUSY = 1000
OK, DROPPED = Signal.OK, Signal.DROPPED
SHORT, LONG = 2, 6
"""Classes of prompt sizes."""


class Bench:
    """A limiter, and windows of a second with ten first tokens and more."""

    def __init__(self, **fields: float) -> None:
        self.limiter = GradientLimiter(TtftGradient(**fields))  # type: ignore[arg-type]
        self.now_s = 0.0

    def window(self, *samples: tuple[int, float], used: int = BUSY) -> int:
        """One window of these (size, first-token time), over and over. Gives the limit after it."""
        for number in range(12):
            size, ttft_s = samples[number % len(samples)]
            self.limiter.spoke(size, ttft_s, used, self.now_s + number / 11)
        self.now_s += 2.0
        return self.limiter.limit


@pytest.mark.parametrize(("ratio", "limit"), [(1.0, 20.8), (1 / 1.5, 20.8), (1 / 3, 18.8), (1 / 6, 18.8)])
def test_the_limit_after_one_window(ratio: float, limit: float) -> None:
    assert TtftGradient().after(20.0, ratio) == pytest.approx(limit)


@pytest.mark.parametrize(("limit", "ratio", "after"), [(200.0, 1.0, 200.0), (1.0, 0.1, 1.7), (3.9, 0.1, 4.31)])
def test_it_stays_within_its_bounds(limit: float, ratio: float, after: float) -> None:
    assert TtftGradient().after(limit, ratio) == pytest.approx(after)


def test_at_ease_it_grows() -> None:
    bench = Bench()
    assert [bench.window((SHORT, 0.25)) for _ in range(4)] == [20, 21, 22, 23]


def test_when_first_tokens_take_long_it_shrinks() -> None:
    bench = Bench(initial=100)
    for _ in range(10):
        bench.window((SHORT, 0.25), used=0)

    limits = [bench.window((SHORT, 1.0)) for _ in range(8)]

    assert limits == sorted(limits, reverse=True)
    assert limits[-1] < 60


def test_a_rise_by_half_is_noise() -> None:
    bench = Bench()
    for _ in range(10):
        bench.window((SHORT, 0.25), used=0)

    assert bench.window((SHORT, 0.37)) == 20
    assert bench.limiter.size == pytest.approx(20.8)


def test_long_prompts_are_no_sign_of_a_queue() -> None:
    bench = Bench(initial=100)
    for _ in range(10):
        bench.window((SHORT, 0.25), (LONG, 4.0), used=0)

    limits = [bench.window((LONG, 4.0)) for _ in range(10)]

    assert limits == sorted(limits)
    assert limits[-1] > 100


def test_a_class_has_a_say_by_its_calls() -> None:
    bench = Bench(initial=100)
    for _ in range(10):
        bench.window((SHORT, 0.25), (LONG, 4.0), used=0)

    bench.window(*[(SHORT, 1.0)] * 3, (LONG, 4.0))

    assert bench.limiter.limit < 100


def test_a_limit_that_is_not_half_in_use_is_left_alone() -> None:
    bench = Bench()
    assert [bench.window((SHORT, 0.25), used=9) for _ in range(5)] == [20] * 5


def test_what_was_usual_in_a_slower_hour_is_forgotten_sooner() -> None:
    slow, forgotten = Bench(), Bench()
    for bench in (slow, forgotten):
        for _ in range(10):
            bench.window((SHORT, 1.0), used=0)
    for _ in range(60):
        slow.window((SHORT, 0.625), used=0)  # not half as long: averaged alone
        forgotten.window((SHORT, 0.25), used=0)

    def usual_s(bench: Bench) -> float:
        return bench.limiter._usual[SHORT].against(0.25) * 0.25

    assert usual_s(slow) > 0.9
    assert usual_s(forgotten) < 0.55


def test_a_loss_shrinks_it_once_a_burst_and_begins_the_window_anew() -> None:
    bench = Bench()
    for number in range(9):
        bench.limiter.spoke(SHORT, 0.25, BUSY, number / 8)

    bench.limiter.ended(DROPPED, BUSY, 0.25, 1.5)
    assert bench.limiter.size == 18.0
    bench.limiter.ended(DROPPED, BUSY, 0.25, 1.6)
    bench.limiter.spoke(SHORT, 0.25, BUSY, 1.7)

    assert bench.limiter.size == 18.0


def test_the_usual_is_the_mean_of_the_first_windows_and_moves_slowly_after_them() -> None:
    usual = _Usual()
    first = [usual.against(lately_s) * lately_s for lately_s in (1.0, 2.0, 3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0)]

    assert first[:4] == pytest.approx([1.0, 1.5, 2.0, 2.0])
    assert usual.against(5.0) * 5.0 == pytest.approx(2.0 + 3.0 * 2.0 / 601.0)


def test_how_an_answer_ends_moves_nothing_else() -> None:
    bench = Bench()

    for signal in (OK, Signal.IGNORED):
        for second in range(100):
            bench.limiter.ended(signal, BUSY, 0.25, float(second))

    assert bench.limiter.size == 20.0


def test_first_tokens_in_no_time_are_taken_for_the_usual() -> None:
    bench = Bench()
    assert bench.window((SHORT, 0.0)) == 20
    assert bench.limiter.size == pytest.approx(20.8)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"initial": 300}, r"TtftGradient: initial \(300\) must lie between least \(1\) and most \(200\)"),
        ({"tolerance": 0.0}, "tolerance must be a number above 0"),
        ({"headroom": -1.0}, "headroom must be a number above 0"),
        ({"smoothing": 2.0}, "smoothing must be a share"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TtftGradient(**wrong)  # type: ignore[arg-type]
