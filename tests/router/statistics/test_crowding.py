"""What load does to the first token: learned where it was seen, feared where it was not."""

import pytest

from paceline.router.statistics.crowding import BORNE, FEWEST, Crowding

from .attempts import Endpoint


def taught(*loads: int, slope: float = 0.1, times: int = 40) -> Crowding:
    crowding = Crowding()
    for _ in range(times):
        for load in loads:
            crowding.sample(1.0 + slope * load, load)
    return crowding


def test_nothing_is_said_before_there_are_samples() -> None:
    crowding = Crowding()
    for _ in range(FEWEST - 1):
        crowding.sample(5.0, 2)

    assert crowding.explains(2) == crowding.of(2).times == crowding.of(2).price == 1.0


def test_a_load_that_was_seen_costs_what_it_cost() -> None:
    crowding = taught(1, 10, 20)

    assert crowding.of(20).times / crowding.of(10).times == pytest.approx(3.0 / 2.0, rel=0.1)


def test_a_load_that_is_always_the_same_explains_nothing() -> None:
    crowding = Crowding()
    for ratio in [0.03] * 30 + [1.0] * 30:
        crowding.sample(ratio, 3)

    assert crowding.explains(3) == 1.0


def test_beyond_the_greatest_load_seen_twice_the_load_has_twice_the_price() -> None:
    crowding = taught(1, 10, 20, slope=0.0)

    assert crowding.of(10).price == pytest.approx(1.0, rel=0.01)
    assert crowding.of(60).price == pytest.approx(2.0 * crowding.of(30).price, rel=0.01)


def test_beyond_twice_the_greatest_load_seen_the_same_is_promised() -> None:
    crowding = taught(1, 10, 20, slope=0.0)

    assert crowding.of(40).times == pytest.approx(1.0, rel=0.01)
    assert crowding.of(80).times == pytest.approx(2.0, rel=0.01)


def test_an_endpoint_of_which_little_is_known_is_taken_to_bear_a_few_calls() -> None:
    few = int(BORNE)

    assert [Crowding().of(calls).price for calls in (1, few, 3 * few)] == [1.0, 1.0, 3.0]


def test_what_was_borne_once_is_forgotten() -> None:
    crowding = taught(1, 40, slope=0.0)
    before = crowding.of(40).price
    for _ in range(300):
        crowding.sample(1.0, 1)

    assert crowding.of(40).price > 5.0 * before


def test_what_one_more_call_costs_the_others_grows_with_them() -> None:
    crowding = taught(1, 10, 20, 40)

    def burden(load: int) -> float:
        return crowding.of(load).price / crowding.of(load).times

    assert 1.0 < burden(2) < burden(15) < 2.0


def test_the_outlook_of_a_busy_endpoint_is_longer_than_that_of_an_idle_one() -> None:
    it = Endpoint()
    for place in range(60):
        load = 1 + place % 20
        it.answered(0.5 * place, 0.2 * (1.0 + 0.1 * load), in_flight=load)

    idle, busy = it.outlook(30.1, in_flight=0), it.outlook(30.2, in_flight=18)

    assert idle.soon_s is not None
    assert busy.soon_s is not None
    assert busy.soon_s > 1.5 * idle.soon_s
    assert (busy.p_first_token_within(0.4) or 0.0) < (idle.p_first_token_within(0.4) or 0.0)
