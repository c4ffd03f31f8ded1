"""`ResidencyProof`: which endpoints a bound route can reach is known, and printed, when a router is built."""

from __future__ import annotations

import pytest

from paceline.policies import Fallback, Regions, Retry
from paceline.router import Route, Router
from paceline.router.errors import ConfigurationError
from paceline.router.testing import Scripted, endpoint

from .stack import full_stack, routed

ENDPOINTS = tuple(
    endpoint(f"{model}-{region}", Scripted(), model=model, region=region)
    for model, region in [("best", "eu"), ("best", "us"), ("fast", "us"), ("small", "eu"), ("small", "uk")]
)
BOUND = Route(name="bound", models=("best", "fast", "small"), residency=frozenset({"eu", "uk"}))
FREE = Route(name="free", models=("best", "fast"))


def built(*routes: Route) -> Router:
    return routed(*ENDPOINTS, routes=routes, policies=full_stack())


def test_it_says_which_endpoints_a_bound_route_reaches_and_which_never() -> None:
    (proof,) = built(FREE, BOUND).residency_proofs

    assert (proof.route, proof.residency, proof.kept_by) == ("bound", {"eu", "uk"}, ("Regions",))
    assert proof.reaches == {"best": ("best-eu",), "fast": (), "small": ("small-eu", "small-uk")}
    assert proof.never == ("best-us", "fast-us")


def test_it_is_printed_below_its_route() -> None:
    lines = built(BOUND, FREE).describe().splitlines()

    at = lines.index("route bound: best > fast > small, fast means ttft")
    assert lines[at + 1] == (
        "  stays in eu, uk, kept there by Regions and dispatch: "
        "reaches best: best-eu; fast: none; small: small-eu, small-uk; never best-us, fast-us"
    )
    assert lines[at + 2].startswith("route free")


def test_a_route_all_of_whose_endpoints_lie_inside_never_reaches_any_other() -> None:
    (proof,) = built(Route(name="bound", models="small", residency=frozenset({"eu", "uk"}))).residency_proofs

    assert str(proof).endswith("reaches small: small-eu, small-uk; never any other")


def test_there_is_nothing_to_prove_of_a_route_that_is_bound_to_nothing() -> None:
    assert built(FREE).residency_proofs == ()


def test_without_a_policy_that_keeps_calls_inside_a_bound_route_cannot_be_built() -> None:
    with pytest.raises(ConfigurationError, match=r"Route 'bound' is bound to regions.*put Regions\(\) into it"):
        routed(*ENDPOINTS, routes=(FREE, BOUND), policies=[Fallback(), Retry()])


def test_every_policy_that_keeps_calls_inside_is_named() -> None:
    (proof,) = routed(*ENDPOINTS, routes=(BOUND,), policies=[Regions(), Regions()]).residency_proofs

    assert proof.kept_by == ("Regions", "Regions")
