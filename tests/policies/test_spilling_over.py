"""`Regions` when part of a region is ill: what it can still bear stays, and the rest goes on. See test_spillover.py."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import pytest

from paceline.policies import LatencyBudget, Otherwise, Regions, Slots
from paceline.router import Objective, Profile, Route, Router
from paceline.router.errors import ConfigurationError, NoEndpoint, ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails, run, virtual_clock

from .asking import Ask, hello, routed, told, whole
from .between import Seen
from .illness import fall_ill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paceline.router import Answer, Call, Emit, Endpoint, Handler, Policy

RTT_S = {("near", "far"): 0.08, ("near", "farther"): 0.2}
HELLO = hello(model="m")
CALLS = 4000
A_POINT = 0.02
"""Two percentage points: 2.8 standard deviations of a share of 4,000 calls."""


def nearest_first(**given: object) -> Regions:
    return Regions(here="near", rtt_s=RTT_S, **given)  # type: ignore[arg-type]


def fleet(**sizes: int) -> list[Endpoint]:
    """Endpoints ``near-0``, ``near-1``, ..., so many a region."""
    return [
        endpoint(f"{region}-{number}", Scripted(answers(0.0)), region=region)
        for region, size in sizes.items()
        for number in range(size)
    ]


def shares(endpoints: list[Endpoint], policies: list[Policy], ill: list[str], calls: int = CALLS) -> dict[str, float]:
    """Share of the calls by region, all at one instant, with these endpoints ill."""

    async def main() -> dict[str, float]:
        async with routed(endpoints, policies) as router:
            fall_ill(router, *ill)
            served = Counter([(await whole(router, HELLO)).region for _ in range(calls)])
        return {region: count / calls for region, count in served.items()}

    return run(main)


def first(regions: Regions, ill: list[str], ask: Ask, endpoints: list[Endpoint]) -> tuple[Seen, Answer]:
    """What a single call is given to choose from, and its answer."""
    seen = Seen()

    async def main() -> Answer:
        async with routed(endpoints, [regions, seen]) as router:
            fall_ill(router, *ill)
            return await ask(router, HELLO)

    return seen, run(main)


class Untouchable(random.Random):
    """Dice that must not be thrown."""

    def random(self) -> float:
        raise AssertionError("thrown")


def test_while_all_are_well_no_dice_are_thrown(ask: Ask) -> None:
    async def main() -> str:
        dice = Untouchable()
        async with Router(fleet(near=4, far=4), [], [nearest_first()], clock=virtual_clock, dice=dice) as router:
            return (await ask(router, HELLO)).region

    assert run(main) == "near"


@pytest.mark.parametrize(("ill", "near"), [(0, 1.0), (1, 1.0), (2, 1.0), (3, 0.98), (5, 0.7), (8, 0.28), (10, 0.0)])
def test_a_region_keeps_as_many_calls_as_its_well_endpoints_can_bear(ill: int, near: float) -> None:
    seen = shares(fleet(near=10, far=10), [nearest_first(), Slots()], [f"near-{number}" for number in range(ill)])
    assert seen.get("near", 0.0) == pytest.approx(near, abs=A_POINT)
    assert set(seen) <= {"near", "far"}


def test_what_the_next_region_cannot_bear_goes_on_to_the_one_after_it() -> None:
    ill = [f"{region}-{number}" for region in ("near", "far") for number in (0, 1, 2)]
    seen = shares(fleet(near=4, far=4, farther=4), [nearest_first(), Slots()], ill)
    assert seen == pytest.approx({"near": 0.35, "far": 0.35, "farther": 0.3}, abs=A_POINT)


def test_an_ill_endpoint_stands_behind_all_that_are_well(ask: Ask) -> None:
    seen, _ = first(nearest_first(), ["near-0"], ask, fleet(near=4, far=2))
    assert seen.order == ["near-1", "near-2", "near-3", "far-0", "far-1", "near-0"]
    assert seen.tied == {"near-1", "near-2", "near-3"}


def test_a_spilled_call_is_kept_out_of_the_region_it_was_spilled_from(ask: Ask) -> None:
    seen, answer = first(nearest_first(), ["near-0", "near-1"], ask, fleet(near=2, far=2, farther=1))
    assert (seen.order, seen.tied) == (["far-0", "far-1", "farther-0"], {"far-0", "far-1"})
    assert "Regions: far, because near can take only 0 % of the calls" in answer.story()


def test_a_latency_budget_does_not_undo_it() -> None:
    endpoints = [
        endpoint(f"{region}-{number}", Scripted(answers(ttft_s)), region=region, profile=Profile(ttft_s=ttft_s))
        for region, ttft_s in {"near": 0.125, "far": 0.5}.items()
        for number in range(4)
    ]
    policies: list[Policy] = [nearest_first(), LatencyBudget(), Slots()]

    async def main() -> int:
        async with routed(endpoints, policies, [Route(name="chat", models="m")]) as router:
            fall_ill(router, "near-0", "near-1", "near-2")
            return sum([(await whole(router, hello())).region == "far" for _ in range(20)])

    assert run(main) >= 8  # of 13 that are expected; without Regions' word it would be none


def test_where_there_is_no_room_it_goes_back(ask: Ask) -> None:
    endpoints = [*fleet(near=2), endpoint("far", Scripted(answers(0.0)), region="far", slots=1)]

    async def main() -> str:
        async with routed(endpoints, [nearest_first(), Slots()]) as router:
            fall_ill(router, "near-0", "near-1")
            with router.fleet["far"].slots.acquire_over_limit():
                return (await ask(router, HELLO)).region

    assert run(main) == "near"


def test_it_goes_back_where_nothing_else_is_good_enough(ask: Ask) -> None:
    endpoints = [
        endpoint("near", Scripted(answers(0.0)), region="near", quality=2),
        endpoint("far", Scripted(answers(0.0)), region="far", quality=1),
    ]

    async def main() -> Answer:
        async with routed(endpoints, [nearest_first(), LatencyBudget(), Slots()]) as router:
            fall_ill(router, "near")
            return await ask(router, hello(model="m", min_quality=2))

    answer = run(main)
    assert answer.endpoint == "near"
    assert "Regions: goes on to all that are allowed: no candidate has a quality of at least 2" in answer.story()


def test_it_goes_back_where_nothing_else_is_fast_enough(ask: Ask) -> None:
    endpoints = [
        endpoint("near", Scripted(answers(0.125)), region="near", profile=Profile(ttft_s=0.125)),
        endpoint("far", Scripted(answers(4.0)), region="far", profile=Profile(ttft_s=4.0)),
    ]
    route = Route(name="chat", models="m", objective=Objective(ttft_s=1.0, total_s=8.0))
    policies: list[Policy] = [nearest_first(), LatencyBudget(target=0.05, otherwise=Otherwise.REFUSE), Slots()]

    async def main() -> str:
        async with routed(endpoints, policies, [route]) as router:
            fall_ill(router, "near")
            return (await ask(router, hello(budget_s=2.0))).endpoint

    assert run(main) == "near"


async def asks_and_gives_up(call: Call, emit: Emit, next: Handler, /) -> None:
    """Ask, and then say that there was nobody to ask."""
    with suppress(ProviderError):
        await next(call, emit)
    raise NoEndpoint("nobody")


def test_it_does_not_go_back_once_something_was_sent(ask: Ask) -> None:
    endpoints = [
        endpoint("near", Scripted(answers(0.0)), region="near"),
        endpoint("far", Scripted(fails(0.0, ProviderError)), region="far"),
    ]

    async def main() -> list[str]:
        async with routed(endpoints, [nearest_first(), asks_and_gives_up]) as router:
            fall_ill(router, "near")
            end = await told(ask, router, HELLO)
        return [attempt.endpoint.name for attempt in end.error.attempts]

    assert run(main) == ["far"]


def test_a_region_that_is_well_again_is_refilled_slowly() -> None:
    async def main() -> list[float]:
        async with routed(fleet(near=4, far=4), [nearest_first(), Slots()]) as router:
            fall_ill(router, *(f"near-{number}" for number in range(4)))
            await whole(router, HELLO)
            near: list[float] = []
            for until_s in (22.0, 26.0, 32.0, 38.0, 44.0):
                await anyio.sleep(until_s - virtual_clock())
                served = [(await whole(router, HELLO)).region for _ in range(CALLS // 4)]
                near.append(served.count("near") / len(served))
        return near

    # well at 22.0 s; then the share is 1.4 times the slow start: 10 %, 13 %, 33 %, 53 % and 73 % of the usual load
    assert run(main) == pytest.approx([0.14, 0.187, 0.467, 0.747, 1.0], abs=2 * A_POINT)


@pytest.mark.parametrize("stack", [[], [Slots()]], ids=["alone", "with_slots"])
def test_a_panic_is_told(ask: Ask, stack: list[Policy]) -> None:
    async def main() -> str:
        async with routed(fleet(near=4, far=4), [nearest_first(), *stack]) as router:
            fall_ill(router, *(f"{region}-{number}" for region in ("near", "far") for number in range(3)))
            return (await ask(router, HELLO)).story()

    assert "so few are well there that health is ignored" in run(main)


def test_in_a_panic_all_endpoints_of_a_region_are_tied(ask: Ask) -> None:
    seen, _ = first(nearest_first(), [f"near-{number}" for number in range(3)], ask, fleet(near=4))
    assert seen.tied == {"near-0", "near-1", "near-2", "near-3"}


def test_a_user_whose_call_spills_over_keeps_their_region() -> None:
    user = hello(model="m", user="ann")
    a_bit_farther = Regions(here="near", rtt_s={("near", "far"): 0.004})  # 9 ms against 5: near enough to settle

    async def main() -> tuple[set[str], str]:
        async with routed(fleet(near=2, far=2), [a_bit_farther, Slots()]) as router:
            await whole(router, user)
            fall_ill(router, "near-0")
            during: list[str] = []
            while during[-1:] != ["far"]:
                during.append((await whole(router, user)).region)
            await anyio.sleep(120.0)
            await whole(router, user)
            await anyio.sleep(60.0)
            return set(during), (await whole(router, user)).story()

    during, after = run(main)
    assert "far" in during
    assert "Regions: near, where this user was served before" in after


def test_a_user_whose_region_is_gone_settles_elsewhere() -> None:
    user = hello(model="m", user="ann")

    async def main() -> str:
        async with routed(fleet(near=1, far=1, farther=1), [Regions(here="near"), Slots()]) as router:
            for name, network_s in {"near-0": 0.02, "far-0": 0.03, "farther-0": 0.1}.items():
                learned = router.fleet[name].learned
                learned.network_s, learned.connections = network_s, 1000
            fall_ill(router, "near-0")
            await whole(router, user)
            return (await whole(router, user)).story()

    assert "Regions: far, where this user was served before" in run(main)


def test_weights_divide_the_traffic() -> None:
    seen = shares(fleet(near=2, far=2), [nearest_first(weights={"near": 1.0, "far": 3.0}), Slots()], [])
    assert seen == pytest.approx({"near": 0.25, "far": 0.75}, abs=A_POINT)


def test_weights_hold_whatever_seems_faster() -> None:
    policies: list[Policy] = [nearest_first(weights={"near": 1.0, "far": 1.0}), LatencyBudget(), Slots()]
    endpoints = [
        endpoint("near", Scripted(answers(0.125)), region="near", profile=Profile(ttft_s=0.125)),
        endpoint("far", Scripted(answers(0.5)), region="far", profile=Profile(ttft_s=0.5)),
    ]
    assert shares(endpoints, policies, [], 400)["far"] == pytest.approx(0.5, abs=0.07)


def test_a_region_without_a_weight_comes_after_those_that_have_one(ask: Ask) -> None:
    seen, answer = first(nearest_first(weights={"far": 1.0}), [], ask, fleet(near=1, far=1))
    assert seen.order == ["far-0"]
    assert "Regions: far, as was given" in answer.story()
    assert shares(fleet(near=2, far=2), [nearest_first(weights={"far": 1.0}), Slots()], ["far-0"]) == pytest.approx(
        {"far": 0.7, "near": 0.3}, abs=A_POINT
    )


def test_priorities_take_the_place_of_distance(ask: Ask) -> None:
    regions = nearest_first(priorities=[["farther", "far"], ["near"]])
    seen, _ = first(regions, [], ask, fleet(near=1, far=1, farther=1))
    assert (seen.order, seen.tied) == (["far-0", "farther-0"], {"far-0", "farther-0"})


def test_weights_divide_the_traffic_of_a_priority() -> None:
    regions = nearest_first(priorities=[["near", "far"], ["farther"]], weights={"near": 1, "far": 3, "farther": 1})
    ill = ["near-0", "near-1", "far-0", "far-1"]
    seen = shares(fleet(near=4, far=4, farther=4), [regions, Slots()], ill)
    assert seen == pytest.approx({"near": 0.175, "far": 0.525, "farther": 0.3}, abs=A_POINT)


def test_priorities_of_which_a_call_may_use_none_do_not_count(ask: Ask) -> None:
    seen = Seen()
    regions = nearest_first(priorities=[["moon"]])

    async def main() -> None:
        async with routed(fleet(near=1, far=1), [regions, seen]) as router:
            await ask(router, HELLO)

    run(main)
    assert (seen.order, seen.tied) == (["near-0", "far-0"], {"near-0"})


def test_what_is_given_takes_precedence_over_a_users_region(ask: Ask) -> None:
    async def main() -> set[str]:
        async with routed(fleet(near=1, far=1), [nearest_first(weights={"near": 1.0, "far": 1.0})]) as router:
            return {(await ask(router, hello(model="m", user="ann"))).region for _ in range(20)}

    assert run(main) == {"near", "far"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"weights": {"eu": 0.0}}, "weights must be a number above 0"),
        ({"weights": {"eu": -1.0}}, "weights must be a number above 0"),
        ({"priorities": "eu"}, "priorities must be lists of regions, the preferred first, not 'eu'"),
        ({"priorities": 1}, "priorities must be lists of regions"),
        ({"priorities": [["eu"], ["us", "eu"]]}, "priorities names 'eu' twice"),
        ({"priorities": [[""]]}, "Regions: priorities must be non-empty names"),
        ({"priorities": [["eu"]], "weights": {"us": 1.0}}, "must name the same regions, and eu, us is in only one"),
        ({"sticky_s": 0.0}, "sticky_s must be a number above 0"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Regions(**wrong)  # type: ignore[arg-type]
