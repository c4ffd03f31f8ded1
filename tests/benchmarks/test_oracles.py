"""The stage and those who know it: fate is common, and nobody does better than hindsight."""

import statistics
from collections.abc import Callable

import attrs
import pytest

from benchmarks.routing.contestants import CONTROL, KNOWING, LIMIT, OURS
from benchmarks.routing.fleets import TEN_ENDPOINTS, FleetPlan
from benchmarks.routing.measured import measured
from benchmarks.routing.playing import Row, Task, played
from benchmarks.routing.traffic import Planned
from benchmarks.routing.troubles import Scenario, brown_out, calm, cold_start, fast_failing, quota_sawtooth
from benchmarks.routing.world import World

SHORT: FleetPlan = attrs.evolve(TEN_ENDPOINTS, seconds=40.0)


def rows(scenario: Scenario, contestant: str, seed: int = 1) -> list[Row]:
    return played(Task(scenario=scenario, contestant=contestant, seed=seed, folder=None))


def test_one_seed_plays_the_same_twice() -> None:
    assert rows(calm(SHORT), OURS) == rows(calm(SHORT), OURS)


def test_the_same_call_meets_the_same_fate_at_the_same_endpoint_in_another_scenario() -> None:
    worlds = [World(scenario, measured(None), 1) for scenario in (calm(SHORT), brown_out(SHORT))]
    call = Planned(7, 1.0, 900, 100)

    one, other = (world.fates.of(call, "groq.us-east", 0) for world in worlds)

    assert one == other
    assert one != worlds[0].fates.of(call, "groq.us-west", 0)
    assert one != worlds[0].fates.of(call, "groq.us-east", 1)


def test_a_call_meets_what_hindsight_was_told() -> None:
    world = World(calm(SHORT), measured(None), 1)
    call = Planned(1, 0.0, 900, 100)
    alone = world.meeting(call, "anyscale.us-east", 0.0)
    server = world.servers["anyscale.us-east"]
    server._given = 1
    server.begin(object(), 10.0)

    assert alone.fails_in_s is None
    assert world.meeting(call, "anyscale.us-east", 0.0).ttft_s >= alone.ttft_s


def test_where_all_seats_are_taken_the_wait_is_told() -> None:
    world = World(calm(SHORT), measured(None), 1)
    server = world.servers["groq.us-east"]
    server._given = server.site.seats
    for place in range(server.site.seats):
        server.begin(object(), 10.0 + place)

    assert server.seat_in_s(4.0) == pytest.approx(6.0)


@pytest.mark.parametrize("incident", [calm, brown_out, fast_failing, quota_sawtooth])
def test_hindsight_bounds_knowing_the_distributions_which_bounds_the_control(
    incident: Callable[[FleetPlan], Scenario],
) -> None:
    scenario = incident(SHORT)
    limit, knowing, control, ours = (rows(scenario, name) for name in (LIMIT, KNOWING, CONTROL, OURS))

    def within(played: list[Row]) -> float:
        return statistics.fmean(row.within for row in played)

    assert within(limit) >= within(knowing) >= within(control)
    assert within(limit) >= within(ours)


def test_one_that_joins_late_is_sent_nothing_before() -> None:
    scenario = cold_start(SHORT)
    early = [row for row in rows(scenario, CONTROL) if row.at_s < scenario.begins_s]

    assert early
    assert scenario.joins not in {row.endpoint for row in early}
