"""`Distances`: what is configured, what is measured, and how the second comes to replace the first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies.distance import Distances, measured_round_trip_s
from paceline.policies.plan import grouped
from paceline.router import Fleet, Target, WindowShape
from paceline.router.testing import Scripted, endpoint

RTT_S = {("home", "far"): 0.08}


def target(connect_s: float | None = None, connections: int = 1, url: str | None = None) -> Target:
    fleet = Fleet([endpoint("a", Scripted(), region="far", url=url)], [], lambda: 0.0, WindowShape())
    it = fleet["a"]
    if connect_s is not None:
        it.learned.network_s, it.learned.connections = connect_s, connections
    return it


def from_home(*targets: Target, rtt_s: dict[tuple[str, str], float] | None = None) -> float | None:
    return Distances("home", RTT_S if rtt_s is None else rtt_s).round_trip_s("home", "far", targets)


def test_before_anything_is_measured_the_configured_holds() -> None:
    assert from_home(target()) == 0.08


def test_what_is_not_configured_is_as_far_as_measured() -> None:
    assert from_home(target(0.05), rtt_s={}) == 0.05


def test_what_is_neither_is_unknown() -> None:
    assert from_home(target(), rtt_s={}) is None


@pytest.mark.parametrize(
    ("connections", "round_trip_s"), [(1, 0.09), (3, 0.1), (9, 0.11), (57, 0.118), (1_000_000, 0.12)]
)
def test_the_configured_weighs_as_much_as_three_connections(connections: int, round_trip_s: float) -> None:
    assert from_home(target(0.12, connections)) == pytest.approx(round_trip_s, abs=1e-6)


def test_the_connections_of_a_region_count_together_and_the_nearest_of_them_says_how_far_it_is() -> None:
    assert from_home(target(0.12, 1), target(0.5, 2), target()) == pytest.approx((3 * 0.08 + 3 * 0.12) / 6)


def test_one_endpoint_without_a_connection_does_not_keep_a_region_near() -> None:
    assert from_home(target(0.5, 1_000_000), target()) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("url", "round_trip_s"), [(None, 0.1), ("http://a/v1", 0.1), ("https://a/v1", 0.05)])
def test_tls_takes_a_second_round_trip_to_connect(url: str | None, round_trip_s: float) -> None:
    assert measured_round_trip_s(target(0.1, url=url)) == round_trip_s


def test_what_is_measured_here_says_nothing_of_elsewhere() -> None:
    distances = Distances("home", {("there", "far"): 0.01})
    assert distances.round_trip_s("there", "far", [target(0.5, 100)]) == 0.01


def test_a_region_is_at_no_distance_from_itself_until_it_is_measured() -> None:
    distances = Distances("far", {})
    assert distances.round_trip_s("far", "far", [target()]) == 0.0
    assert distances.round_trip_s("far", "far", [target(0.004, 1)]) == 0.001


def test_where_nobody_says_where_he_is_only_the_measured_counts() -> None:
    distances = Distances(None, RTT_S)
    assert distances.round_trip_s(None, "far", [target()]) is None
    assert distances.round_trip_s(None, "far", [target(0.05)]) == 0.05


@given(configured_s=st.floats(0.0, 1.0), measured_s=st.floats(0.0, 1.0), connections=st.integers(1, 10_000))
def test_the_blend_lies_between_the_two_and_nearer_to_the_measured_with_every_connection(
    configured_s: float, measured_s: float, connections: int
) -> None:
    def blend(count: int) -> float:
        blended = from_home(target(measured_s, count), rtt_s={("home", "far"): configured_s})
        assert blended is not None
        return blended

    now_s, next_s = blend(connections), blend(connections + 1)

    assert min(configured_s, measured_s) - 1e-9 <= now_s <= max(configured_s, measured_s) + 1e-9
    assert abs(next_s - measured_s) <= abs(now_s - measured_s) + 1e-9


def test_regions_that_cost_about_the_same_make_up_a_group() -> None:
    costs = {"a": 0.1, "b": 0.125, "c": 0.126, "d": 0.2}
    assert grouped(["d", "c", "b", "a", "?"], costs, tied_within=0.25) == [["a", "b"], ["c"], ["d"], ["?"]]


def test_regions_of_no_known_cost_make_up_one_group() -> None:
    assert grouped(["b", "a"], {}, tied_within=0.25) == [["b", "a"]]
