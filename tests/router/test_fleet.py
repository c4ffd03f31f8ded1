"""`Fleet`: endpoints and routes that fit together, and who serves what."""

import pytest

from paceline.policies import Regions
from paceline.router import Endpoint, Request, Route, Router
from paceline.router.errors import ConfigurationError, DuplicateEndpoint, UnknownModel, UnknownRoute
from paceline.router.testing import Scripted, endpoint

from .stack import routed

EU = endpoint("eu", Scripted(), model="best", region="eu")
US = endpoint("us", Scripted(), model="best", region="us")
FAST = endpoint("fast", Scripted(), model="fast", region="us")
CHAT = Route(name="chat", models=("fast", "best"))
NIGHT = Route(name="night", models=("best",))


def fleet(*routes: Route) -> Router:
    return routed(EU, US, FAST, routes=routes)


def served(router: Router, *, route: str | None = None, model: str | None = None) -> tuple[str, list[str]]:
    found, candidates = router.fleet.admit(Request(messages="hello", route=route, model=model))
    return found.name, [target.name for target in candidates]


def test_targets_are_found_by_name_and_in_order() -> None:
    router = fleet()

    assert [target.name for target in router.fleet] == ["eu", "us", "fast"]
    assert len(router.fleet) == 3
    assert router.fleet["us"].region == "us"
    with pytest.raises(KeyError):
        router.fleet["asia"]


@pytest.mark.parametrize(
    ("endpoints", "routes", "says"),
    [
        ([], [], "a router needs at least one endpoint"),
        ([EU], [CHAT], "Route 'chat': no endpoint serves the model 'fast'; there are best"),
        ([EU, US, FAST], [CHAT, CHAT], "two routes are named 'chat': give each a name of its own"),
    ],
)
def test_what_does_not_fit_together_is_refused(endpoints: list[Endpoint], routes: list[Route], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Router(endpoints, routes)


def test_two_endpoints_of_one_name_are_refused() -> None:
    with pytest.raises(DuplicateEndpoint, match="two endpoints are named 'eu': give each a name of its own"):
        Router([EU, endpoint("eu", Scripted())])


def test_a_route_none_of_whose_endpoints_lie_in_its_residency_is_refused() -> None:
    bound = Route(name="bound", models=("best",), residency=frozenset({"ch", "asia"}))

    with pytest.raises(
        ConfigurationError, match=r"'bound': none of its endpoints lies in its residency asia, ch; .*us"
    ):
        routed(EU, US, routes=(bound,), policies=[Regions()])


def test_a_route_bound_to_regions_needs_the_policy_that_keeps_it_there() -> None:
    bound = Route(name="bound", models=("best",), residency=frozenset({"eu"}))

    with pytest.raises(ConfigurationError, match=r"'bound' is bound to regions, .*: put Regions\(\) into it"):
        routed(EU, US, routes=(bound,))


def test_a_routes_candidates_stand_in_its_order_of_models() -> None:
    assert served(fleet(CHAT, NIGHT), route="chat") == ("chat", ["fast", "eu", "us"])


def test_a_model_alone_is_served_by_all_its_endpoints() -> None:
    assert served(fleet(CHAT), model="best") == ("best", ["eu", "us"])


def test_a_model_narrows_a_route() -> None:
    assert served(fleet(CHAT), route="chat", model="best") == ("chat", ["eu", "us"])


def test_the_only_route_need_not_be_named() -> None:
    assert served(fleet(NIGHT)) == ("night", ["eu", "us"])


def test_a_route_may_bear_the_name_of_a_model() -> None:
    router = fleet(Route(name="best", models=("best", "fast")))

    assert served(router, model="best") == ("best", ["eu", "us", "fast"])
    assert [route.name for route in router.fleet.routes] == ["best"]


def test_an_unknown_route_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownRoute, match="no route is named 'chta'; there are chat, night"):
        served(fleet(CHAT, NIGHT), route="chta")


def test_an_unknown_model_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownModel, match="no endpoint serves 'bset'; there are best, fast"):
        served(fleet(CHAT), model="bset")


def test_a_model_that_is_not_of_the_route_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownModel, match="route 'night' has no model 'fast'; it has best"):
        served(fleet(CHAT, NIGHT), route="night", model="fast")


def test_a_request_that_names_nothing_is_refused_where_there_is_a_choice() -> None:
    with pytest.raises(UnknownRoute, match="name a route or a model; there are the routes chat, night"):
        served(fleet(CHAT, NIGHT))


def test_a_request_that_names_nothing_is_refused_where_there_is_no_route() -> None:
    with pytest.raises(UnknownRoute, match="name a route or a model"):
        served(fleet())


def test_a_target_shows_its_place_and_its_load_and_no_key() -> None:
    router = routed(endpoint("a", Scripted(), slots=4, api_key="sk-hidden"), endpoint("b", Scripted()))
    lease = router.fleet["a"].slots.try_acquire()

    assert lease is not None
    assert repr(router.fleet["a"]) == "<Target a: m in here, 1/4 in flight>"
    assert (router.fleet["a"].load, router.fleet["b"].load) == (0.25, 0.0)
    assert repr(router.fleet["b"]) == "<Target b: m in here, 0/∞ in flight>"
