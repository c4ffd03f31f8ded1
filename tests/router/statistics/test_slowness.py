"""How much slower an endpoint has been of late than its distributions say: steps are news, noise is not."""

import pytest

from paceline.router import Attempt, WindowShape
from paceline.router.statistics import slowness
from paceline.router.statistics.by_load import ByLoad
from paceline.router.statistics.by_size import BySize
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR as MS
from paceline.router.statistics.hdr import TEN_MICROSECONDS_TO_A_MINUTE as TEN_US
from paceline.router.statistics.level import FADE_S
from paceline.router.statistics.recent import Recent
from paceline.router.testing import Scripted, endpoint

HERE = endpoint("here", Scripted())
SHORT, LONG = 7, 11
USUAL_S = {SHORT: 0.25, LONG: 1.0}
NOW_S = 1.0


def ttft() -> BySize:
    """Each tenth of 200 samples is a tenth of the usual slower than the one before, from 0.5 to 1.5 times."""
    made = BySize(MS, WindowShape(), None)
    for number in range(200):
        for octave, usual_s in USUAL_S.items():
            made.record(usual_s * (0.5 + (number * 0.618) % 1.0), octave, 0.0)
    return made


def recent(*times: float, octave: int = SHORT) -> Recent:
    made = Recent()
    for times_as_long in times:
        made.ttft.sample(times_as_long * USUAL_S[octave], octave, NOW_S)
    return made


def waiting(octave: int, sent_s: float = NOW_S) -> Recent:
    made = Recent()
    made.sent(Attempt(endpoint=HERE, number=1, sent_s=sent_s, size=octave), sent_s)
    return made


def test_without_news_it_is_as_ever() -> None:
    assert slowness.of_first_tokens(ttft(), Recent(), NOW_S) == 1.0


def test_of_an_endpoint_of_which_nothing_is_known_nothing_is_slow() -> None:
    unknown = BySize(MS, WindowShape(), None)

    assert slowness.of_first_tokens(unknown, recent(80.0, 80.0, 80.0), NOW_S) == 1.0
    assert slowness.of_first_tokens(unknown, waiting(SHORT), NOW_S + 60.0) == 1.0


@pytest.mark.parametrize("times", [0.7, 1.0, 1.5])
def test_what_differs_a_little_is_noise(times: float) -> None:
    assert slowness.of_first_tokens(ttft(), recent(*[times] * 5), NOW_S) == 1.0


@pytest.mark.parametrize("times", [0.25, 2.0, 8.0])
def test_what_differs_a_lot_is_news(times: float) -> None:
    assert slowness.of_first_tokens(ttft(), recent(*[times] * 5), NOW_S) == pytest.approx(times, rel=0.05)


def test_news_fade() -> None:
    assert slowness.of_first_tokens(ttft(), recent(*[8.0] * 5), NOW_S + FADE_S + 0.5) == 1.0


@pytest.mark.parametrize(("silent_s", "times"), [(0.25, 1.0), (0.36, 1.0), (0.75, 3.0), (2.0, 8.0)])
def test_a_silence_is_news_once_it_outlasts_the_slowest_of_its_own_size(silent_s: float, times: float) -> None:
    found = slowness.of_first_tokens(ttft(), waiting(SHORT), NOW_S + silent_s)

    assert found == pytest.approx(times, rel=0.05)


def test_a_silence_that_is_usual_for_a_long_prompt_is_none() -> None:
    assert slowness.of_first_tokens(ttft(), waiting(LONG), NOW_S + 1.25) == 1.0


def test_the_worse_of_level_and_silence_counts() -> None:
    slow = recent(*[4.0] * 5)
    slow.sent(Attempt(endpoint=HERE, number=1, sent_s=NOW_S, size=SHORT), NOW_S)

    assert slowness.of_first_tokens(ttft(), slow, NOW_S + 0.5) == pytest.approx(4.0, rel=0.05)
    assert slowness.of_first_tokens(ttft(), slow, NOW_S + 2.0) == pytest.approx(8.0, rel=0.05)


def s_per_token(in_flight: int) -> float:
    return 0.010 + 0.002 * in_flight


def tpot() -> ByLoad:
    """Mostly alone, at times one of sixteen, which takes 3.5 times as long."""
    made = ByLoad(TEN_US, WindowShape(), None)
    for number in range(200):
        load = 16 if number % 5 == 0 else 1
        made.record(s_per_token(load), load, 0.0)
    return made


def answered(pace_s: float, in_flight: int) -> Recent:
    made = Recent()
    for _ in range(5):
        made.tpot.sample(pace_s, in_flight, NOW_S)
    return made


def test_an_endpoint_that_is_slower_because_it_is_busier_is_as_ever() -> None:
    """Its pace is told for the load already, and must not be counted twice."""
    assert slowness.of_tokens(tpot(), answered(s_per_token(16), 16), NOW_S) == 1.0


def test_an_endpoint_that_is_slower_than_its_load_explains_is_news() -> None:
    assert slowness.of_tokens(tpot(), answered(4.0 * s_per_token(1), 1), NOW_S) == pytest.approx(4.0, rel=0.05)
    assert slowness.of_tokens(tpot(), answered(4.0 * s_per_token(16), 16), NOW_S) == pytest.approx(4.0, rel=0.05)


def test_of_a_pace_of_which_nothing_is_known_nothing_is_slow() -> None:
    unknown = ByLoad(TEN_US, WindowShape(), None)

    assert slowness.of_tokens(unknown, answered(8.0, 1), NOW_S) == 1.0
