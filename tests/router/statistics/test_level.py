"""`Level`: the last few samples, where a step shows long before it shows in a window."""

import pytest

from paceline.router.statistics.level import FADE_S, Level

USUAL_S = 0.5
SMALL, LARGE = 3, 6


def usual(_size: int) -> float | None:
    return USUAL_S


def level(*values_s: float, at_s: float = 0.0) -> Level:
    made = Level()
    more(made, *values_s, at_s=at_s)
    return made


def more(to: Level, *values_s: float, at_s: float = 0.0) -> None:
    for value_s in values_s:
        to.sample(value_s, SMALL, at_s)


def test_of_what_was_never_sampled_nothing_is_slow() -> None:
    assert Level().slowness(usual, 0.0) == 1.0


def test_one_slow_answer_does_not_move_the_level_and_three_of_five_do() -> None:
    last = level(0.25, 0.25, 0.25, 0.25, 8.0)
    assert last.slowness(usual, 0.0) == 0.5

    more(last, 8.0, 8.0)

    assert last.slowness(usual, 0.0) == 16.0


def test_the_level_is_of_the_last_few_calls_or_as_usual() -> None:
    last = level(0.25, 0.25, at_s=1.0)

    assert last.slowness(usual, 1.0 + FADE_S) == 0.5
    assert last.slowness(usual, 1.25 + FADE_S) == 1.0


@pytest.mark.parametrize(("slow", "slowness"), [(1, 1.0), (2, 16.0)])
def test_after_a_lull_one_straggler_is_not_the_level_and_two_are(slow: int, slowness: float) -> None:
    last = level(0.25, 0.25, 0.25)

    more(last, *[8.0] * slow, at_s=20.0)

    assert last.slowness(usual, 20.0) == slowness


def test_what_was_cut_off_counts_as_at_least_as_slow_as_usual() -> None:
    last = level(4.0, 4.0)

    last.sample(0.125, SMALL, 0.0, cut_off=True)
    assert last.slowness(usual, 0.0) == 8.0
    for _ in range(4):
        last.sample(16.0, SMALL, 0.0, cut_off=True)

    assert last.slowness(usual, 0.0) == 32.0


def test_samples_are_compared_with_what_is_usual_for_their_own_size() -> None:
    last = Level()
    for _ in range(5):
        last.sample(4.0, LARGE, 0.0)

    assert last.slowness(lambda size: 4.0 if size == LARGE else 0.25, 0.0) == 1.0
    assert last.slowness(lambda _: 0.25, 0.0) == 16.0


def test_without_a_notion_of_usual_nothing_is_slow() -> None:
    assert level(8.0, 8.0, 8.0).slowness(lambda _: None, 0.0) == 1.0
