"""`Slots`: what cannot be served in time is sent away at once, by a rule that is named and counted."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from paceline.policies import Slots
from paceline.router import Answer, Request, Route, Router, Shed, Urgency
from paceline.router.errors import InvalidRequest, Overloaded
from paceline.router.testing import SILENT, Scripted, answers, endpoint, play, poisson, run

from .asking import at_a_steady_rate, hello, routed, told, whole

if TYPE_CHECKING:
    from .asking import Told

M = hello(model="m")


async def shed_while_busy(router: Router, request: Request = M, *, known: bool = False) -> Told:
    """What a call comes to that finds the only slot of ``a`` taken for ever, and perhaps knows the endpoint."""
    if known:
        await router.complete(M)
    with router.fleet["a"].slots.acquire_over_limit():
        return await told(whole, router, request)


def shed(
    slots: Slots, provider: Scripted, request: Request = M, *, queue: int = 64, known: bool = False
) -> tuple[Overloaded, float, dict[Shed, int]]:
    """Its error, when it was sent away, and what was counted."""

    async def main() -> tuple[Overloaded, float, dict[Shed, int]]:
        async with routed([endpoint("a", provider, slots=1, queue=queue)], [slots]) as router:
            end = await shed_while_busy(router, request, known=known)
            assert isinstance(end.error, Overloaded)
            return end.error, end.at_s, router.fleet["a"].slots.sheds

    return run(main)


def test_a_full_queue_sheds_by_its_name() -> None:
    error, at_s, sheds = shed(Slots(), Scripted(SILENT), queue=0)

    assert (error.rule, at_s, sheds) == (Shed.QUEUE_FULL, 0.0, {Shed.QUEUE_FULL: 1})
    assert str(error) == "a: no slot is free and every queue is full (1 in flight, 0 waiting)"


def test_waiting_in_vain_is_told_as_that() -> None:
    error, at_s, sheds = shed(Slots(), Scripted(SILENT))

    assert (error.rule, at_s, sheds) == (Shed.IN_VAIN, 2.0, {Shed.IN_VAIN: 1})
    assert str(error) == "a: no slot came free in 2.000 s (1 in flight, 0 waiting)"


@pytest.mark.parametrize(
    ("takes_s", "budget_s", "max_wait_s", "rule", "shed_after_s"),
    [
        (3.0, 60.0, 2.0, Shed.IN_VAIN, 2.0),  # half of 3 s fits into 2 s
        (5.0, 60.0, 2.0, Shed.NO_TIME, 0.0),
        (5.0, 60.0, 3.0, Shed.IN_VAIN, 3.0),
        (3.0, 4.0, 9.0, Shed.NO_TIME, 0.0),  # 1.5 s to wait and 3 s to answer are more than 4 s
        (2.0, 4.0, 9.0, Shed.IN_VAIN, 2.0),  # 2 s of the 4 s are left for the answer
        (3.0, 60.0, 0.0, Shed.NO_TIME, 0.0),
    ],
)
def test_a_wait_that_is_expected_to_be_too_long_is_not_begun(
    takes_s: float, budget_s: float, max_wait_s: float, rule: Shed, shed_after_s: float
) -> None:
    request = hello(model="m", budget_s=budget_s)

    error, at_s, sheds = shed(Slots(max_wait_s=max_wait_s), Scripted(answers(takes_s)), request, known=True)

    assert (error.rule, sheds) == (rule, {rule: 1})
    assert at_s == pytest.approx(takes_s + shed_after_s, abs=0.02)  # latencies are known to about half a per cent


def test_it_says_when_a_slot_is_expected() -> None:
    error, *_ = shed(Slots(max_wait_s=1.0), Scripted(answers(4.0)), known=True)

    assert str(error).startswith("a: a slot is expected in 2.0")
    assert str(error).endswith(" s, too late to be of use (1 in flight, 0 waiting)")


CHAT = Route(name="chat", models="m", urgency=Urgency.INTERACTIVE)
BATCH = Route(name="batch", models="m", urgency=Urgency.BACKGROUND)


def test_the_urgent_are_served_before_those_who_came_before_them() -> None:
    async def main() -> list[str]:
        served: list[str] = []
        endpoints = [endpoint("a", Scripted(answers(1.0)), slots=1)]
        async with routed(endpoints, [Slots(max_wait_s=60.0)], [CHAT, BATCH]) as router:

            async def one(name: str, request: Request) -> None:
                await router.complete(request)
                served.append(name)

            async with asyncio.TaskGroup() as group:
                for name, request in (
                    ("first", M),
                    ("batch", hello(route="batch")),
                    ("model", M),
                    ("hurried batch", hello(route="batch", urgency=Urgency.INTERACTIVE, budget_s=30.0)),
                    ("chat", hello(route="chat", budget_s=20.0)),
                    ("idle chat", hello(route="chat", urgency=Urgency.BACKGROUND, budget_s=30.0)),
                ):
                    group.create_task(one(name, request))
                    await asyncio.sleep(1 / 64)
        return served

    assert run(main) == ["first", "chat", "hurried batch", "model", "idle chat", "batch"]


def test_a_route_is_of_normal_urgency_unless_it_says_otherwise() -> None:
    assert Route(name="r", models="m").urgency is Urgency.NORMAL


def test_an_urgency_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="urgency must be Urgency"):
        hello(model="m", urgency=1)  # type: ignore[arg-type]


def test_an_urgent_call_takes_the_place_of_one_in_the_background() -> None:
    async def main() -> tuple[Told, dict[Shed, int]]:
        endpoints = [endpoint("a", Scripted(answers(1.0)), slots=1, queue=1)]
        async with routed(endpoints, [Slots(max_wait_s=60.0)], [CHAT, BATCH]) as router:
            busy = asyncio.create_task(router.complete(M))
            await asyncio.sleep(0.25)
            batch = asyncio.create_task(told(whole, router, hello(route="batch")))
            await asyncio.sleep(0.25)
            await asyncio.gather(busy, router.complete(hello(route="chat")))
            return await batch, router.fleet["a"].slots.sheds

    end, sheds = run(main)
    assert isinstance(end.error, Overloaded)
    assert (end.error.rule, end.at_s, sheds) == (Shed.PUSHED_OUT, 0.5, {Shed.PUSHED_OUT: 1})
    assert "went to a more urgent call after 0.250 s" in str(end.error)


def test_what_is_in_the_background_does_not_make_an_urgent_call_give_up() -> None:
    async def main() -> list[str]:
        endpoints = [endpoint("a", Scripted(answers(1.0)), slots=1)]
        async with routed(endpoints, [Slots(max_wait_s=2.0)], [CHAT, BATCH]) as router:
            await router.complete(M)
            tasks = [asyncio.create_task(told(whole, router, hello(route="batch"))) for _ in range(3)]
            await asyncio.sleep(0.25)
            tasks.append(asyncio.create_task(told(whole, router, hello(route="chat"))))
            ends = [await task for task in tasks]
        return [end.given.endpoint if isinstance(end.given, Answer) else type(end.given).__name__ for end in ends]

    assert run(main) == ["a", "Overloaded", "Overloaded", "a"]


def test_a_large_prompt_takes_as_many_slots_as_it_is_worth() -> None:
    provider = Scripted(answers(1.0))

    async def main() -> list[float]:
        a = endpoint("a", provider, slots=4, tokens_per_slot=1000)
        async with routed([a], [Slots(max_wait_s=60.0, full_above=1.0)]) as router:
            sizes = (3500, 1, 2000, 2000, 9000)  # 4, 1, 2, 2 and, of 4 slots, all
            tasks = [asyncio.create_task(told(whole, router, hello(model="m", prompt_tokens=size))) for size in sizes]
            await asyncio.sleep(0.5)
            assert (router.fleet["a"].slots.used, router.fleet["a"].in_flight, router.fleet["a"].load) == (4, 1, 1.0)
            return [(await task).at_s for task in tasks]

    assert run(main) == [1.0, 2.0, 2.0, 3.0, 4.0]


def test_elsewhere_is_only_where_all_of_it_fits() -> None:
    async def main() -> list[str]:
        endpoints = [
            endpoint("small", Scripted(answers(0.25)), slots=4, tokens_per_slot=1000),
            endpoint("large", Scripted(answers(0.5)), slots=8, tokens_per_slot=1000),
        ]
        async with routed(endpoints, [Slots()]) as router:
            with router.fleet["small"].slots.acquire_over_limit(2):
                request = hello(model="m", prompt_tokens=3000)
                return [end.answer.endpoint for end in await at_a_steady_rate(whole, router, request, 4, every_s=1.0)]

    assert run(main) == ["large"] * 4


@pytest.mark.parametrize("seed", range(3))
def test_under_twice_the_load_it_can_bear_an_endpoint_still_answers_as_fast_as_it_can(seed: int) -> None:
    """Slots given to calls whose time is nearly up would all be lost: the queue serves those first."""

    async def main() -> int:
        endpoints = [endpoint("a", Scripted(answers(0.5)), slots=5, queue=1000)]
        async with routed(endpoints, [Slots(max_wait_s=60.0)], seed=seed) as router:
            arrivals = poisson(20.0, 60.0, random.Random(seed), lambda _: hello(model="m", budget_s=2.0))
            return sum(result.answer is not None for result in await play(router, arrivals))

    assert run(main) >= 0.9 * 10.0 * 60.0
