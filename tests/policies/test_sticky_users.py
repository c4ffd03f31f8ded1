"""`Regions`: a user comes back to the region that served them, as long as that is reasonable."""

from __future__ import annotations

from paceline.policies import Regions, Retry, Slots
from paceline.router.errors import BadRequest, ProviderError
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, run

from .asking import Ask, at_a_steady_rate, hello, routed, told

A_BIT_FARTHER = {("here", "far"): 0.004}
"""9 ms against 5 ms: neither as good as the near region, nor twice as dear."""

MUCH_FARTHER = {("here", "far"): 0.006}
"""11 ms against 5 ms: more than twice as dear."""


def regions_of(ask: Ask, users: list[str | None], regions: Regions, *, near_fails: int) -> list[str]:
    """Where each call is served, one after another, when the near region fails the first *near_fails* of its calls."""
    near = Scripted(*[fails(0.25, ProviderError)] * near_fails, answers(0.25))
    endpoints = [endpoint("n", near, region="here"), endpoint("f", Scripted(answers(0.25)), region="far")]

    async def main() -> list[str]:
        async with routed(endpoints, [Retry(), regions]) as router:
            return [(await ask(router, hello(model="m", user=user))).region for user in users]

    return run(main)


def test_a_user_comes_back_to_the_region_that_served_them(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER)
    assert regions_of(ask, ["ann", "ann", "ann"], regions, near_fails=1) == ["far", "far", "far"]


def test_other_users_are_served_where_it_is_nearest(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER)
    assert regions_of(ask, ["ann", "bob", None], regions, near_fails=1) == ["far", "here", "here"]


def test_a_call_without_a_user_leaves_no_trace(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER)
    assert regions_of(ask, [None, None], regions, near_fails=1) == ["far", "here"]


def test_a_call_without_a_user_takes_no_users_place(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER, sticky_users=1)
    assert regions_of(ask, ["ann", None, "ann"], regions, near_fails=1) == ["far", "here", "far"]


def test_a_region_more_than_twice_as_dear_as_the_best_is_given_up(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=MUCH_FARTHER)
    assert regions_of(ask, ["ann", "ann"], regions, near_fails=1) == ["far", "here"]


def test_a_region_just_twice_as_dear_as_the_best_is_kept(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s={("here", "far"): 0.005})
    assert regions_of(ask, ["ann", "ann"], regions, near_fails=1) == ["far", "far"]


def test_the_latest_users_are_remembered_and_no_more(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER, sticky_users=2)
    assert regions_of(ask, ["ann", "bob", "cid", "ann"], regions, near_fails=3) == ["far", "far", "far", "here"]


def test_a_user_who_comes_back_is_among_the_latest(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER, sticky_users=2)
    users: list[str | None] = ["ann", "bob", "ann", "cid", "ann", "bob"]
    assert regions_of(ask, users, regions, near_fails=3) == ["far", "far", "far", "far", "far", "here"]


def test_nobody_is_remembered_if_none_is_to_be(ask: Ask) -> None:
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER, sticky_users=0)
    assert regions_of(ask, ["ann", "ann"], regions, near_fails=1) == ["far", "here"]


def test_a_region_the_user_may_no_longer_use_is_given_up(ask: Ask) -> None:
    near = Scripted(fails(0.25, ProviderError), answers(0.25))
    endpoints = [endpoint("n", near, region="here"), endpoint("f", Scripted(answers(0.25)), region="far")]
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER)

    async def main() -> list[str]:
        async with routed(endpoints, [Retry(), regions]) as router:
            first = await ask(router, hello(model="m", user="ann"))
            second = await ask(router, hello(model="m", user="ann", residency={"here"}))
            return [first.region, second.region]

    assert run(main) == ["far", "here"]


def test_a_region_that_has_filled_up_is_given_up(ask: Ask) -> None:
    near = Scripted(fails(0.25, ProviderError), answers(0.25))
    far = Scripted(answers(0.25), SILENT)
    endpoints = [endpoint("n", near, region="here"), endpoint("f", far, region="far", slots=4)]
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER)

    async def main() -> None:
        async with routed(endpoints, [Retry(), regions]) as router:
            await at_a_steady_rate(ask, router, hello(model="m", user="ann", budget_s=8.0), 4, every_s=1.0)

    run(main)  # far costs 9 ms idle, and 12 ms with the silent call in flight: more than twice the near 5 ms
    assert (near.calls, far.calls) == (3, 2)


def test_a_call_that_fails_leaves_the_users_region_as_it_was(ask: Ask) -> None:
    near = Scripted(fails(0.25, ProviderError), fails(0.25, BadRequest), answers(0.25))
    endpoints = [endpoint("n", near, region="here"), endpoint("f", Scripted(answers(0.25)), region="far")]
    regions = Regions(here="here", rtt_s=A_BIT_FARTHER)

    async def main() -> str:
        async with routed(endpoints, [Retry(), regions]) as router:
            await ask(router, hello(model="m", user="ann"))
            await told(ask, router, hello(model="m", user="ann", residency={"here"}))
            return (await ask(router, hello(model="m", user="ann"))).region

    assert run(main) == "far"


def test_the_decision_says_so_without_naming_the_user(ask: Ask) -> None:
    near = Scripted(fails(0.25, ProviderError), answers(0.25))
    endpoints = [endpoint("n", near, region="here"), endpoint("f", Scripted(answers(0.25)), region="far")]

    async def main() -> str:
        async with routed(endpoints, [Retry(), Regions(here="here", rtt_s=A_BIT_FARTHER)]) as router:
            await ask(router, hello(model="m", user="ann"))
            return (await ask(router, hello(model="m", user="ann"))).story()

    story = run(main)
    assert "Regions: far, where this user was served before" in story
    assert "ann" not in story


def test_a_user_nobody_answered_is_not_remembered(ask: Ask) -> None:
    failing = Scripted(fails(0.25, BadRequest), answers(0.25))
    endpoints = [endpoint("n", failing, region="here"), endpoint("f", Scripted(), region="far")]

    async def main() -> str:
        async with routed(endpoints, [Regions(here="here", rtt_s=A_BIT_FARTHER)]) as router:
            await told(ask, router, hello(model="m", user="ann"))
            return (await ask(router, hello(model="m", user="ann"))).story()

    assert "served before" not in run(main)


def test_a_user_is_sticky_though_no_distance_is_known(ask: Ask) -> None:
    endpoints = [endpoint(name, Scripted(answers(0.25)), region=name) for name in ("eu", "us", "asia")]

    async def main() -> set[str]:
        async with routed(endpoints, [Regions(), Slots()]) as router:
            await ask(router, hello(model="m"))
            return {(await ask(router, hello(model="m", user="ann"))).region for _ in range(20)}

    assert len(run(main)) == 1
