"""`Lengths`: how long a route's answers are likely to be, from those it gave, and from those that were cut at a cap."""

import math
import random

import pytest

from paceline.router import WindowShape
from paceline.router.request import DEFAULT_EXPECTED_TOKENS
from paceline.router.statistics.lengths import FEWEST, STRATA, Lengths, NoLengths
from paceline.router.statistics.window import REFOLD_AFTER_S

NOW_S = 0.5


def lengths(*tokens: int, cut_at: tuple[int, ...] = ()) -> Lengths:
    made = Lengths(WindowShape())
    for count in tokens:
        made.record(count, 0.0, cut_off=False)
    for cap in cut_at:
        made.record(cap, 0.0, cut_off=True)
    return made


@pytest.mark.parametrize("answers", [0, 1, FEWEST - 1])
def test_below_twenty_answers_nothing_is_said(answers: int) -> None:
    assert lengths(*[100] * answers).likely(NOW_S) is None


def test_five_lengths_stand_for_five_parts_of_equal_probability() -> None:
    assert lengths(*range(1, 101)).likely(NOW_S) == (10, 30, 50, 70, 90)


def test_answers_that_are_all_alike_have_one_length() -> None:
    assert lengths(*[128] * FEWEST).likely(NOW_S) == (128,) * 5


def test_an_answer_that_ended_at_its_cap_would_have_been_longer() -> None:
    counted_as_complete = lengths(*[100] * 10, *[200] * 10, *[50] * 10).likely(NOW_S)
    cut = lengths(*[100] * 10, *[200] * 10, cut_at=(50,) * 10).likely(NOW_S)

    assert counted_as_complete == (50, 50, 100, 200, 200)
    assert cut == (100, 100, 100, 200, 200)


def test_where_all_the_longest_were_cut_the_longest_cap_stands_for_them() -> None:
    assert lengths(*[100] * 10, cut_at=(250,) * 10).likely(NOW_S) == (100, 100, 100, 250, 250)


def test_where_every_answer_was_cut_there_is_no_shorter_one_than_the_cap() -> None:
    assert lengths(cut_at=(250,) * FEWEST).likely(NOW_S) == (250,) * 5


def test_caps_that_cut_a_third_of_the_answers_do_not_make_answers_look_shorter() -> None:
    dice = random.Random(7)
    true = [round(129 * math.exp(dice.gauss(0.0, 0.9))) for _ in range(3000)]
    caps = [dice.choice([100, 300, 3000]) for _ in true]
    capped = Lengths(WindowShape())
    for tokens, cap in zip(true, caps, strict=True):
        capped.record(min(tokens, cap), 0.0, cut_off=tokens >= cap)

    likely = capped.likely(NOW_S)

    truth = [sorted(true)[int(q * len(true))] for q in STRATA]
    naive = [sorted(map(min, true, caps))[int(q * len(true))] for q in STRATA]
    assert likely == pytest.approx(truth, rel=0.08)
    assert naive[-1] < 0.75 * truth[-1]


def test_old_answers_are_forgotten() -> None:
    known = lengths(*[100] * 50)
    assert known.likely(NOW_S) is not None

    assert known.likely(60.0) is None


def test_what_is_said_is_at_most_a_quarter_of_a_second_old() -> None:
    known = lengths(*[100] * 50)
    said = known.likely(NOW_S)

    for _ in range(500):
        known.record(900, NOW_S, cut_off=False)

    assert known.likely(NOW_S + REFOLD_AFTER_S / 2) == said
    assert known.likely(NOW_S + REFOLD_AFTER_S) == pytest.approx((900,) * 5, rel=0.01)


@pytest.mark.parametrize("answers", [[], [10] * 19, [10] * 30, list(range(1, 60))])
def test_their_mean_is_that_of_the_likely_ones(answers: list[int]) -> None:
    lengths = Lengths(WindowShape())
    for tokens in answers:
        lengths.record(tokens, 1.0, cut_off=False)
    likely = lengths.likely(2.0)
    assert lengths.usual == (DEFAULT_EXPECTED_TOKENS if likely is None else sum(likely) / len(likely))
    none = NoLengths(WindowShape())
    assert none.likely(2.0) == (0,)
    assert none.usual == 0.0
