"""A step is seen within three to five samples, long before a window of a minute shows it."""

import random

import pytest

from .attempts import Endpoint

WARM = 300
EVERY_S = 0.2
PACE_S = 0.02
SIZES = (7, 9, 11)
TTFT_S = {7: 0.25, 9: 0.5, 11: 1.5}
SEEN = 3.0
"""Times as slow as ever, at which a step of five counts as seen."""


def warm(sizes: tuple[int, ...], dice: random.Random) -> Endpoint:
    """An endpoint that has answered for a minute, with a spread of a fifth."""
    here = Endpoint()
    for number in range(WARM):
        play(here, number, sizes, dice, times=1.0)
    return here


def play(
    here: Endpoint, number: int, sizes: tuple[int, ...], dice: random.Random, *, times: float, pace_times: float = 1.0
) -> float:
    """The next call, and the time after it."""
    size = sizes[number % len(sizes)]
    ttft_s = TTFT_S[size] * dice.lognormvariate(0.0, 0.2) * times
    pace_s = PACE_S * dice.lognormvariate(0.0, 0.1) * pace_times
    here.answered(number * EVERY_S, ttft_s, pace_s, size=size)
    return number * EVERY_S + 0.1


def seen_after(seed: int, sizes: tuple[int, ...], *, times: float = 1.0, pace_times: float = 1.0) -> int | None:
    """Samples of the step until every size is expected to be three times as slow; None if ten are not enough."""
    dice = random.Random(seed)
    here = warm(sizes, dice)
    for more in range(1, 11):
        now_s = play(here, WARM + more - 1, sizes, dice, times=times, pace_times=pace_times)
        expected = [here.outlook(now_s, size) for size in sizes]
        if times > 1.0 and all(
            (each.ttft_s or 0.0) > SEEN * TTFT_S[s] for s, each in zip(sizes, expected, strict=True)
        ):
            return more
        paces = [(each.paces_s((0.5,)) or [0.0])[0] for each in expected]
        if pace_times > 1.0 and all(pace_s > SEEN * PACE_S for pace_s in paces):
            return more
    return None


@pytest.mark.parametrize("sizes", [(9,), SIZES], ids=["one size", "sizes in turn"])
@pytest.mark.parametrize("seed", range(10))
def test_a_first_token_that_takes_five_times_as_long_is_seen_within_three_to_five_samples(
    seed: int, sizes: tuple[int, ...]
) -> None:
    after = seen_after(seed, sizes, times=5.0)

    assert after is not None
    assert 2 <= after <= 5


@pytest.mark.parametrize("sizes", [(9,), SIZES], ids=["one size", "sizes in turn"])
@pytest.mark.parametrize("seed", range(10))
def test_a_pace_that_is_five_times_as_slow_is_seen_within_three_to_five_samples(
    seed: int, sizes: tuple[int, ...]
) -> None:
    after = seen_after(seed, sizes, pace_times=5.0)

    assert after is not None
    assert 2 <= after <= 5


@pytest.mark.parametrize("seed", range(5))
def test_sizes_that_alternate_are_no_step(seed: int) -> None:
    dice = random.Random(seed)
    here = warm(SIZES, dice)

    for number in range(WARM, WARM + 100):
        now_s = play(here, number, SIZES, dice, times=1.0)
        assert {here.outlook(now_s, size).stretch for size in SIZES} == {1.0}
        assert {here.outlook(now_s, size).drag for size in SIZES} == {1.0}


@pytest.mark.parametrize("sizes", [(9,), SIZES], ids=["one size", "sizes in turn"])
def test_the_end_of_a_step_is_seen_as_soon(sizes: tuple[int, ...]) -> None:
    dice = random.Random(7)
    here = warm(sizes, dice)
    now_s = 0.0
    for number in range(WARM, WARM + 100):
        now_s = play(here, number, sizes, dice, times=5.0, pace_times=5.0)
    assert all((here.outlook(now_s, size).ttft_s or 0.0) > SEEN * TTFT_S[size] for size in sizes)

    for number in range(WARM + 100, WARM + 105):
        now_s = play(here, number, sizes, dice, times=1.0)

    for size in sizes:
        assert here.outlook(now_s, size).ttft_s == pytest.approx(TTFT_S[size], rel=0.6)
        assert here.outlook(now_s, size).paces_s((0.5,)) == [pytest.approx(PACE_S, rel=0.6)]
