"""Who is tried though nobody knows how fast it is now: by one call at a time, at pauses that double."""

from itertools import pairwise

import pytest

from paceline.policies import LatencyBudget, Slots
from paceline.policies.trials import FIRST_PAUSE_S, Trials
from paceline.router import Attempt, Objective, Profile, Route, Target
from paceline.router.endpoint import Endpoint
from paceline.router.health.outliers import Outliers
from paceline.router.remembered import Pulse
from paceline.router.statistics.window import WindowShape
from paceline.router.testing import Scripted, answers, endpoint, run

from .asking import Told, at_a_steady_rate, hello, in_pieces, routed
from .changing import Changing

AFTER_S = 10.0
QUICK_S = 0.5
OLD_S = 100.0
"""When what was heard at the beginning has long grown old."""


def target(name: str = "here") -> Target:
    """One that was heard of at the beginning."""
    pulse = Pulse()
    made = Target(endpoint(name, Scripted()), lambda: 0.0, WindowShape(), pulse, Outliers(()))
    heard(made, 0.0, QUICK_S)
    return made


def sent(to: Target, now_s: float) -> Attempt:
    attempt = Attempt(to.endpoint, 1, now_s)
    to.sent(attempt)
    return attempt


def heard(of: Target, now_s: float, ttft_s: float) -> None:
    attempt = sent(of, now_s - ttft_s)
    attempt.first_progress_s = now_s
    of.spoke(attempt, now_s)


def tried_at(trials: Trials, of: Target, *, until_s: float, ttft_s: float | None) -> list[float]:
    """When it is tried, if somebody asks every tenth of a second. *ttft_s*: what each trial says; None: it fails."""
    at_s, times = OLD_S, list[float]()
    while at_s < OLD_S + until_s:
        if trials.begin([of], QUICK_S, at_s) is not None:
            times.append(round(at_s - OLD_S, 1))
            if ttft_s is not None:
                heard(of, at_s + 0.01, ttft_s)
        at_s += 0.1
    return times


def test_one_that_disappoints_is_tried_at_pauses_that_double() -> None:
    times = tried_at(Trials(AFTER_S), target(), until_s=40.0, ttft_s=None)

    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == pytest.approx([FIRST_PAUSE_S, 2.0, 4.0, 8.0, AFTER_S, AFTER_S], abs=0.11)


def test_one_that_answers_quickly_is_tried_until_three_have_told() -> None:
    assert tried_at(Trials(AFTER_S), target(), until_s=5.0, ttft_s=0.4) == pytest.approx([0.0, 0.1, 0.2])


def test_one_that_answers_slowly_is_given_time() -> None:
    assert tried_at(Trials(AFTER_S), target(), until_s=5.0, ttft_s=2.0) == pytest.approx([0.0, 1.0, 3.0], abs=0.21)


def test_nobody_stands_behind_a_trial() -> None:
    trials, one = Trials(AFTER_S), target()
    sent(one, OLD_S)

    assert trials.begin([one], QUICK_S, OLD_S + 60.0) is None


def test_while_one_is_tried_the_next_may_be() -> None:
    trials, one, other = Trials(AFTER_S), target("one"), target("other")

    assert trials.begin([one, other], QUICK_S, OLD_S) is one
    assert trials.begin([one, other], QUICK_S, OLD_S) is other
    assert trials.begin([one, other], QUICK_S, OLD_S) is None


def test_what_is_known_is_not_tried() -> None:
    trials, one = Trials(AFTER_S), target()
    for number in range(3):
        heard(one, OLD_S + 0.1 * number, QUICK_S)

    assert not trials.is_stale(one, OLD_S + 1.0)
    assert trials.begin([one], QUICK_S, OLD_S + 1.0) is None


def test_without_a_time_nothing_grows_old() -> None:
    assert not Trials(None).is_stale(target(), OLD_S)


# -- with LatencyBudget

EVERY_S = 0.2
ILL_S, HEALED_S = 20.0, 60.0
WELL, SLOW, HOPELESS = answers(0.25), answers(1.0), answers(4.0)
CHAT = Route(name="chat", models="m", objective=Objective(ttft_s=0.75))


def played(rest: Endpoint) -> list[Told]:
    """A hundred seconds of calls to ``ailing``, which is the best, then ill for forty seconds, and to *rest*."""
    ailing = Changing((0.0, WELL), (ILL_S, HOPELESS), (HEALED_S, WELL))
    endpoints = [endpoint("ailing", ailing, profile=Profile(ttft_s=0.25)), rest]

    async def main() -> list[Told]:
        async with routed(endpoints, [LatencyBudget(), Slots()], [CHAT]) as router:
            return await at_a_steady_rate(in_pieces, router, hello(), 500, every_s=EVERY_S)

    return run(main)


def sent_to(name: str, ends: list[Told], from_s: float, to_s: float) -> int:
    return sum(end.answer.endpoint == name for number, end in enumerate(ends) if from_s <= number * EVERY_S < to_s)


def test_where_nobody_makes_it_one_that_has_healed_is_found_out_within_seconds() -> None:
    ends = played(endpoint("late", Scripted(SLOW), profile=Profile(ttft_s=1.0)))

    assert sent_to("ailing", ends, HEALED_S + 15.0, 100.0) >= 0.9 * (100.0 - HEALED_S - 15.0) / EVERY_S


def test_what_an_illness_costs_is_one_call_in_so_long_and_no_crowd_when_it_is_forgotten() -> None:
    ends = played(endpoint("late", Scripted(SLOW), profile=Profile(ttft_s=1.0)))

    assert sent_to("ailing", ends, ILL_S + 5.0, HEALED_S) <= 8


def test_where_others_make_it_nobody_pays_for_one_that_is_ill() -> None:
    ends = played(endpoint("well", Scripted(answers(0.5)), profile=Profile(ttft_s=0.5)))

    assert sent_to("ailing", ends, ILL_S + 5.0, HEALED_S) <= 4
