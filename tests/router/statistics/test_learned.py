"""`Learned`: what attempts come to is what is known, and only that."""

import gc

import pytest

from paceline.router import Outcome, Profile, Window
from paceline.router.statistics.interval import Series
from paceline.router.statistics.learned import FRESH_S, METRICS, NETWORK_WEIGHT
from paceline.router.statistics.size_class import class_of

from .attempts import Endpoint

NOW_S = 10.0


def counted(here: Endpoint, now_s: float = NOW_S) -> dict[str, tuple[int, int]]:
    """Latencies seen to their end, and those cut off, of each metric that has any."""
    found: dict[str, tuple[int, int]] = {}
    for series, window in here.learned.series():
        fold = window.fold(now_s)
        if fold.samples:
            seen, cut = found.get(series.metric, (0, 0))
            found[series.metric] = seen + fold.count, cut + fold.censored
    return found


def test_a_good_answer_is_a_latency_of_every_kind() -> None:
    here = Endpoint()
    attempt = here.sent(9.0)
    attempt.longest_gap_s = 0.25

    here.spoke(attempt, 0.25)
    here.finished(attempt, 1.0)

    assert counted(here) == {"ttft": (1, 0), "total": (1, 0), "tpot": (1, 0), "gap": (1, 0)}


@pytest.mark.parametrize("after_s", [0.001, 5.0])
def test_a_failure_is_no_latency_however_fast_or_slow(after_s: float) -> None:
    here = Endpoint()

    here.finished(here.sent(1.0), after_s, Outcome.FAILED)

    assert counted(here) == {}
    assert here.learned.recent.failing(NOW_S) > 0.0


def test_a_thousand_fast_failures_leave_the_outlook_as_slow_as_it_was() -> None:
    here = Endpoint()
    for number in range(50):
        here.answered(number / 10, 0.5)
    before = here.outlook(NOW_S)

    for number in range(1000):
        here.finished(here.sent(NOW_S + number / 1000), 0.001, Outcome.FAILED)

    after = here.outlook(11.0)
    assert (after.ttft_s, after.total_s, after.tokens_s([100])) == (
        before.ttft_s,
        before.total_s,
        before.tokens_s([100]),
    )
    assert after.failing == pytest.approx(1.0, abs=0.01)
    assert after.p_first_token_within(60.0) == pytest.approx(0.0, abs=0.01)


def test_an_answer_that_broke_off_took_at_least_so_long() -> None:
    here = Endpoint()
    attempt = here.sent(9.0)

    here.spoke(attempt, 0.25)
    here.finished(attempt, 0.5, Outcome.FAILED)

    assert counted(here) == {"ttft": (1, 0), "total": (0, 1)}


@pytest.mark.parametrize("outcome", [Outcome.TIMED_OUT, Outcome.CANCELLED])
def test_what_was_cut_off_before_its_first_token_took_at_least_so_long(outcome: Outcome) -> None:
    here = Endpoint()

    here.finished(here.sent(9.0), 0.5, outcome)

    assert counted(here) == {"ttft": (0, 1), "total": (0, 1)}
    assert here.learned.recent.failing(NOW_S) == 0.0


def test_an_answer_in_one_piece_says_nothing_of_its_first_token() -> None:
    here = Endpoint()
    attempt = here.sent(9.0, streamed=False)

    here.spoke(attempt, 1.0)
    here.finished(attempt, 1.0)

    assert counted(here) == {"total": (1, 0)}
    assert here.outlook(NOW_S).known


def test_one_in_one_piece_that_is_cut_off_says_nothing_of_its_first_token_either() -> None:
    here = Endpoint()

    here.finished(here.sent(9.0, streamed=False), 0.5, Outcome.TIMED_OUT)

    assert counted(here) == {"total": (0, 1)}


@pytest.mark.parametrize(("held_s", "measured"), [(0.09, True), (0.11, False)])
def test_an_answer_whose_reader_was_slow_says_no_more_than_when_it_began(held_s: float, *, measured: bool) -> None:
    here = Endpoint()
    attempt = here.sent(9.0)
    attempt.held_s, attempt.longest_gap_s = held_s, 0.25

    here.spoke(attempt, 0.25)
    here.finished(attempt, 1.0)

    everything = {"ttft": (1, 0), "total": (1, 0), "tpot": (1, 0), "gap": (1, 0)}
    assert counted(here) == (everything if measured else {"ttft": (1, 0)})


def test_only_those_who_waited_for_a_slot_have_a_wait() -> None:
    here = Endpoint()
    at_once, waited = here.sent(9.0), here.sent(9.0)
    waited.slot_wait_s = 0.5

    here.learned.sent(at_once)
    here.learned.sent(waited)

    assert counted(here) == {"slot_wait": (1, 0)}


def test_new_connections_are_measured_and_smoothed() -> None:
    here = Endpoint()
    seen: list[float | None] = []
    for connect_s in (None, 0.1, 0.2):
        attempt = here.sent(9.0)
        attempt.connect_s = connect_s
        here.finished(attempt, 0.5, Outcome.FAILED)
        seen.append(here.learned.network_s)

    assert seen == [None, 0.1, pytest.approx(0.1 + NETWORK_WEIGHT * 0.1)]
    assert counted(here) == {"network": (2, 0)}


def test_every_distribution_has_a_name_of_its_own_and_a_scale() -> None:
    here = Endpoint()
    here.answered(9.0, 0.25, size=7)
    here.answered(9.0, 0.25, size=11)

    series = [(each, window.scale) for each, window in here.learned.series()]

    assert [each for each, _ in series] == [
        Series("ttft", class_of(7)),
        Series("ttft", class_of(11)),
        *(Series(metric) for metric in METRICS if metric != "ttft"),
    ]
    assert all(scale == METRICS[each.metric] for each, scale in series)


def test_an_outlook_is_kept_for_a_hundredth_of_a_second() -> None:
    here = Endpoint()
    here.answered(9.0, 0.25)

    before = here.outlook(NOW_S, 9)

    assert here.outlook(NOW_S + FRESH_S / 2, 9) is before
    assert here.outlook(NOW_S + FRESH_S / 2, 10) is not before
    assert here.outlook(NOW_S + FRESH_S, 9) is not before


def test_what_was_learned_long_ago_decays_to_the_profile() -> None:
    profile = Profile(ttft_s=0.5, ttft_p95_s=1.0, tokens_per_s=50.0)
    fresh, here = Endpoint(profile), Endpoint(profile)
    for number in range(100):
        here.answered(number / 10, 4.0, 0.1)
    assert here.outlook(NOW_S, 9).ttft_s == pytest.approx(4.0, rel=0.2)

    later, believed = here.outlook(100.0, 9), fresh.outlook(100.0, 9)

    assert not later.known
    assert (later.ttft_s, later.total_s, later.stretch, later.drag) == (believed.ttft_s, believed.total_s, 1.0, 1.0)
    assert later.tokens_s([100]) == believed.tokens_s([100])
    assert later.p_first_token_within(1.0) == believed.p_first_token_within(1.0)
    assert later.p_tokens_within(4.0, [100]) == believed.p_tokens_within(4.0, [100])


def test_the_longer_nothing_was_heard_the_more_the_profile_counts() -> None:
    here = Endpoint(Profile(ttft_s=0.5, ttft_p95_s=1.0))
    for number in range(100):
        here.answered(number / 2, 4.0)

    expected = [here.outlook(now_s, 9).ttft_s or 0.0 for now_s in (54.0, 79.0, 99.0, 119.0)]

    assert expected == sorted(expected, reverse=True)
    assert (expected[0], expected[-1]) == (pytest.approx(4.0, rel=0.1), pytest.approx(0.5))


def test_sizes_that_nobody_asks_for_any_more_give_their_memory_back() -> None:
    def windows() -> int:
        gc.collect()
        return sum(isinstance(each, Window) for each in gc.get_objects())

    here = Endpoint()
    here.answered(0.0, 0.25, size=1)
    here.outlook(0.5, 1)
    alone = windows()
    for size in range(3, 20, 2):
        here.answered(0.0, 0.25, size=size)
        here.outlook(0.5, size)
    assert windows() == alone + 9

    here.answered(60.0, 0.25, size=1)
    here.outlook(61.0, 1)

    assert windows() == alone
