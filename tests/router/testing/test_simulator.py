"""The simulator: traffic that arrives when its schedule says, whatever became of the calls before."""

import itertools
import random

import pytest

from paceline.router import Request
from paceline.router.errors import ProviderError
from paceline.router.testing import Arrival, Scripted, answers, endpoint, fails, play, poisson, quantile, run

from ..stack import routed

QUESTION = Request(messages="hello", model="m")


def test_calls_are_sent_at_their_time_though_none_is_answered() -> None:
    async def main() -> None:
        provider = Scripted(answers(8.0))
        async with routed(endpoint("a", provider)) as router:
            results = await play(router, [Arrival(at_s, QUESTION) for at_s in (0.5, 1.0, 1.5)])

        assert [call.ledger.began_s for call in provider.seen] == [0.5, 1.0, 1.5]
        assert [(result.ended_s, result.total_s) for result in results] == [(8.5, 8.0), (9.0, 8.0), (9.5, 8.0)]
        assert provider.most_live == 3

    run(main)


def test_each_result_has_an_answer_or_an_error_and_stands_at_its_arrivals_place() -> None:
    async def main() -> None:
        provider = Scripted(fails(2.0, ProviderError), answers(0.25, "hi"))
        arrivals = [Arrival(0.0, QUESTION), Arrival(0.5, QUESTION)]
        async with routed(endpoint("a", provider)) as router:
            failed, good = await play(router, arrivals)

        assert failed.arrival is arrivals[0]
        assert failed.answer is None
        assert isinstance(failed.error, ProviderError)
        assert good.error is None
        assert good.answer is not None
        assert good.answer.text == "hi"

    run(main)


def test_poisson_arrivals_are_independent_and_at_their_rate() -> None:
    arrivals = poisson(50.0, 200.0, random.Random(5), lambda _: QUESTION)
    gaps_s = [later.at_s - earlier.at_s for earlier, later in itertools.pairwise(arrivals)]

    assert len(arrivals) == pytest.approx(10_000, rel=0.03)
    assert arrivals[0].at_s > 0.0
    assert arrivals[-1].at_s < 200.0
    assert sum(gap_s < 0.02 * 0.6931 for gap_s in gaps_s) / len(gaps_s) == pytest.approx(0.5, abs=0.02)


def test_poisson_asks_with_the_same_dice_and_so_repeats() -> None:
    def request(dice: random.Random) -> Request:
        return Request(messages="hello", model=dice.choice("abc"))

    first, second = (poisson(10.0, 10.0, random.Random(5), request) for _ in range(2))

    assert [(a.at_s, a.request.model) for a in first] == [(a.at_s, a.request.model) for a in second]


@pytest.mark.parametrize(("q", "expected"), [(0.01, 1.0), (0.5, 2.0), (0.51, 3.0), (1.0, 4.0)])
def test_a_quantile_is_a_value_that_was_seen(q: float, expected: float) -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], q) == expected


def test_a_quantile_of_nothing_is_none() -> None:
    assert quantile([], 0.5) is None
