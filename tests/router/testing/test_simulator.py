"""The simulator: traffic that arrives when its schedule says, whatever became of the calls before."""

import itertools
import random

import pytest

from paceline.policies import RoundRobin
from paceline.router import Request
from paceline.router.errors import ProviderError
from paceline.router.testing import (
    Arrival,
    Behaviour,
    Incident,
    Scripted,
    Steady,
    answers,
    endpoint,
    fails,
    play,
    poisson,
    quantile,
    run,
    simulate,
    simulated_fleet,
)

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


BROWN_OUT = Incident(from_s=20, to_s=40, slower=20)
FLEET = {"good": Behaviour(ttft_s=0.2, tail=0.0), "ill": Behaviour(ttft_s=0.2, tail=0.0, incidents=(BROWN_OUT,))}


def test_a_load_is_played_through_a_stack_and_an_incident_shows() -> None:
    results = simulate(simulated_fleet(FLEET), [RoundRobin()], Steady(5.0), seconds=60.0)

    slow = [result for result in results if result.total_s > 3.0]
    assert 200 < len(results) < 400
    assert {result.answer.endpoint for result in slow if result.answer} == {"ill"}
    assert all(20.0 <= result.arrival.at_s < 40.0 for result in slow if result.answer)
    assert len(slow) > 20


def test_two_simulations_with_one_seed_are_the_same_and_with_another_differ() -> None:
    one, other, third = (
        [result.total_s for result in simulate(simulated_fleet(FLEET), [], Steady(5.0), seconds=20.0, seed=seed)]
        for seed in (1, 1, 2)
    )

    assert one == other != third


def test_a_fleet_is_made_with_a_model_a_region_and_slots() -> None:
    first, second = simulated_fleet(FLEET, model="large", region="eu", slots=5)

    assert (first.name, second.name) == ("good", "ill")
    assert {(each.model, each.region, each.slots) for each in (first, second)} == {("large", "eu", 5)}
    assert first.provider is second.provider


def test_what_is_asked_can_be_given() -> None:
    def short(dice: random.Random) -> Request:
        return Request(messages="hello", model="m", max_tokens=dice.choice([1, 2]))

    results = simulate(simulated_fleet(FLEET), [], Steady(5.0), seconds=5.0, request=short)

    assert {result.answer.usage.output_tokens for result in results if result.answer} == {1, 2}
