"""`Aimd`: a tenth less by a loss, one more by a window without any. Vectors of Netflix's AIMDLimit where they apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.router import Aimd, Signal
from paceline.router.errors import ConfigurationError
from paceline.router.limit_aimd import AimdLimiter

if TYPE_CHECKING:
    from collections.abc import Mapping

BUSY = 200
IDLE = 0
OK, DROPPED, IGNORED = Signal.OK, Signal.DROPPED, Signal.IGNORED


def a_window(limiter: AimdLimiter, from_s: float, signal: Signal = OK, *, used: int = BUSY, samples: int = 11) -> None:
    """Attempts that end over a second, one every tenth of it."""
    for number in range(samples):
        limiter.ended(signal, used, 0.25, from_s + number / 10)


def test_it_begins_with_what_it_is_told() -> None:
    assert AimdLimiter(Aimd(initial=7)).limit == 7


def test_two_losses_of_two_overloads_make_16_2_of_20() -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    limiter.ended(DROPPED, BUSY, 0.25, 1.0)
    assert (limiter.size, limiter.limit) == (18.0, 18)
    limiter.ended(DROPPED, BUSY, 0.25, 1.25)

    assert limiter.size == pytest.approx(16.2)
    assert limiter.limit == 16


def test_a_burst_of_losses_within_one_usual_first_token_counts_once() -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    for now_s in (1.0, 1.125, 1.375, 1.4375):
        limiter.ended(DROPPED, BUSY, 0.5, now_s)

    assert limiter.size == 18.0


def test_where_the_usual_first_token_is_unknown_a_burst_is_as_long_as_a_window() -> None:
    limiter = AimdLimiter(Aimd(initial=20, window_s=2.0))

    for now_s in (1.0, 2.875):
        limiter.ended(DROPPED, BUSY, None, now_s)
    assert limiter.size == 18.0
    limiter.ended(DROPPED, BUSY, None, 3.0)

    assert limiter.size == pytest.approx(16.2)


def test_a_loss_shrinks_a_limit_that_is_hardly_used() -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    limiter.ended(DROPPED, 1, 0.25, 1.0)

    assert limiter.size == 18.0


def test_a_window_without_a_loss_makes_it_one_more() -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    for second in range(3):
        a_window(limiter, second * 2.0)

    assert limiter.limit == 23


def test_a_window_lasts_until_it_has_its_samples_and_its_second() -> None:
    limiter = AimdLimiter(Aimd(initial=20, samples=10))

    for now_s in (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0):
        limiter.ended(OK, BUSY, 0.25, now_s)
    assert limiter.limit == 20
    limiter.ended(OK, BUSY, 0.25, 90.0)
    assert limiter.limit == 21
    for _ in range(50):
        limiter.ended(OK, BUSY, 0.25, 100.0)
    assert limiter.limit == 21


@pytest.mark.parametrize(("used", "limit"), [(9, 20), (10, 21)])
def test_a_limit_that_is_not_half_in_use_is_left_alone(used: int, limit: int) -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    a_window(limiter, 0.0, used=used)

    assert limiter.limit == limit


def test_half_in_use_at_one_instant_of_the_window_is_enough() -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    limiter.ended(OK, BUSY, 0.25, 0.0)
    a_window(limiter, 0.0, used=IDLE)

    assert limiter.limit == 21


def test_a_loss_begins_the_window_anew() -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    a_window(limiter, 0.0, samples=9)
    limiter.ended(DROPPED, BUSY, 0.25, 0.9)
    limiter.ended(OK, BUSY, 0.25, 1.0)
    limiter.ended(OK, BUSY, 0.25, 1.1)

    assert limiter.size == 18.0


def test_what_says_nothing_is_not_counted() -> None:
    limiter = AimdLimiter(Aimd(initial=20))

    a_window(limiter, 0.0, IGNORED, samples=100)

    assert limiter.size == 20.0


def test_it_stays_within_its_bounds() -> None:
    limiter = AimdLimiter(Aimd(initial=3, least=2, most=4))

    for second in range(20):
        limiter.ended(DROPPED, BUSY, 0.25, float(second))
    assert limiter.limit == 2
    for second in range(20, 60, 2):
        a_window(limiter, float(second))

    assert limiter.limit == 4


def test_a_small_limit_shrinks_by_less_than_a_slot_at_a_time() -> None:
    limiter = AimdLimiter(Aimd(initial=2))

    limiter.ended(DROPPED, BUSY, 0.25, 1.0)

    assert (limiter.size, limiter.limit) == (1.8, 1)


def test_two_of_one_description_learn_apart() -> None:
    description = Aimd(initial=20)
    one, other = description.limiter(), description.limiter()

    one.ended(DROPPED, BUSY, 0.25, 1.0)

    assert (one.limit, other.limit) == (18, 20)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"initial": 0}, "initial must be a whole number of at least 1"),
        ({"least": 0}, "least must be a whole number of at least 1"),
        ({"most": 2.5}, "most must be a whole number of at least 1"),
        ({"least": 30}, r"Aimd: initial \(20\) must lie between least \(30\) and most \(200\)"),
        ({"most": 10}, r"initial \(20\) must lie between least \(1\) and most \(10\)"),
        ({"decrease": 0.0}, "decrease must be a share above 0"),
        ({"window_s": 0.0}, "window_s must be a number above 0"),
        ({"samples": 0}, "samples must be a whole number of at least 1"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Aimd(**wrong)  # type: ignore[arg-type]
