"""`Pace`, when there is no room: who waits, for how long, in which order; nobody is left waiting beside room."""

from __future__ import annotations

import asyncio
import random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies import Breaker, Fallback, Pace, Quota, Retry, RoundRobin, Slots
from paceline.router import Call, Emit, Handler, Policy, Request, Route, Router, Urgency
from paceline.router.errors import CallError, ConnectFailed, ProviderError, Throttled
from paceline.router.testing import Scripted, answers, cancel_everywhere, endpoint, fails, run, virtual_clock

from .asking import hello, plenty, routed, told, whole
from .limits import A, M, at_once, paced, quota, sent_s, stack, uses


def order_of(*requests: Request, quotas: tuple[Quota, ...] = (), queue: int = 256) -> list[int | None]:
    """For each call made at once, the second in which it was answered; None if it was refused."""
    ends = paced([endpoint(A, Scripted())], stack(*(quotas or (quota(),)), queue=queue), requests)
    return [None if isinstance(end.given, CallError) else round(end.at_s) for end in ends]


def urgent(urgency: Urgency, **fields: object) -> Request:
    return hello(model="m", prompt_tokens=100, expected_tokens=100, urgency=urgency, **fields)  # type: ignore[arg-type]


def test_who_came_first_goes_first() -> None:
    assert order_of(*[M] * 5) == [0, 1, 2, 3, 4]


def test_the_urgent_go_before_who_came_first() -> None:
    late, usual, soon = (urgent(each) for each in (Urgency.BACKGROUND, Urgency.NORMAL, Urgency.INTERACTIVE))
    assert order_of(M, late, usual, soon, usual) == [0, 4, 2, 1, 3]


def test_a_small_call_does_not_overtake_a_large_one_that_waits() -> None:
    small, large = (
        hello(model="m", prompt_tokens=50, expected_tokens=50),
        hello(model="m", prompt_tokens=1900, expected_tokens=100),
    )
    vendor = Scripted(uses(None, None))
    ends = paced([endpoint(A, vendor)], stack(quota(tokens_per_min=60_000.0)), [large, large, small])
    assert [call.prompt_tokens for call in vendor.seen] == [1900, 1900, 50]
    assert all(not isinstance(end.given, CallError) for end in ends)


def test_who_needs_nothing_that_others_wait_for_goes_on() -> None:
    async def main() -> list[float]:
        endpoints = [endpoint("a", Scripted(), model="m"), endpoint("b", Scripted(), model="n")]
        async with routed(endpoints, [Pace(quotas=[quota("a"), quota("b")]), Slots()]) as router:
            ends = await at_once(router, [M, M, M, hello(model="n")])
        return [end.at_s for end in ends]

    assert run(main) == pytest.approx([0, 1, 2, 0], abs=0.01)


def test_a_call_waits_for_the_first_of_several_that_has_room() -> None:
    async def main() -> list[str]:
        endpoints = [endpoint("a", Scripted()), endpoint("b", Scripted())]
        policies: list[Policy] = [Pace(quotas=[quota("a", per_min=6), quota("b")]), RoundRobin()]
        async with routed(endpoints, policies) as router:
            ends = await at_once(router, [M] * 4)
        return [end.answer.endpoint for end in ends]

    assert run(main)[2:] == ["b", "b"]


def test_what_cannot_be_waited_for_is_refused_at_once() -> None:
    ends = paced([endpoint(A, Scripted())], stack(quota(), max_wait_s=2.5), [M] * 5)
    refused = [(end.at_s, end.given.retry_after_s) for end in ends if isinstance(end.given, Throttled)]
    assert refused == [(0.0, pytest.approx(3.0, abs=0.01))] * 2


def test_time_left_until_the_start_counts_less_what_a_first_token_takes() -> None:
    async def main() -> list[object]:
        async with routed([endpoint(A, Scripted(answers(0.75)))], stack(quota())) as router:
            await router.complete(M)
            await anyio.sleep(1.0)
            ends = await at_once(router, [hello(model="m", budget_s=2.5)] * 4)
        return [type(end.given).__name__ for end in ends]

    assert run(main) == ["Answer", "Answer", "Throttled", "Throttled"]


def test_a_full_line_refuses_and_the_urgent_push_out_the_last() -> None:
    assert order_of(M, M, M, M, queue=2) == [0, 1, 2, None]
    background, interactive = urgent(Urgency.BACKGROUND), urgent(Urgency.INTERACTIVE)
    assert order_of(M, background, background, interactive, queue=2) == [0, 2, None, 1]


def test_a_wait_that_grows_longer_ends_at_its_limit() -> None:
    vendor = Scripted(uses(100, 3000, after_s=0.5))

    async def main() -> tuple[float, object]:
        async with routed([endpoint(A, vendor)], stack(quota(tokens_per_min=12_000.0), max_wait_s=4.0)) as router:
            ends = await at_once(router, [M, M])
        return ends[1].at_s, ends[1].given

    at_s, given_ = run(main)
    assert isinstance(given_, Throttled)
    assert (given_.retry_after_s or 0.0) > 5.0
    assert at_s == 4.0


def test_one_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    async def main() -> list[float]:
        vendor = Scripted()
        async with routed([endpoint(A, vendor)], stack(quota())) as router:
            calls = [asyncio.create_task(told(whole, router, M)) for _ in range(4)]
            await anyio.sleep(0.5)
            calls[1].cancel()
            await asyncio.wait(calls)
        return sent_s(vendor)

    assert run(main) == pytest.approx([0, 1, 2], abs=0.01)


def test_one_that_is_cancelled_in_the_tick_in_which_it_got_room_passes_it_on() -> None:
    async def main() -> list[float]:
        vendor = Scripted()
        pace = Pace(quotas=[quota()])
        async with routed([endpoint(A, vendor)], [pace, Slots()]) as router:
            calls = [asyncio.create_task(told(whole, router, M)) for _ in range(3)]
            await anyio.sleep(0.5)
            now_s = virtual_clock()
            pace._credentials.of(router.fleet[A], now_s)._meters[0][1].take(-0.5, now_s)
            pace._line.let_in(now_s)
            assert pace._line.calls_on_their_way == 1
            calls[1].cancel()
            await asyncio.wait(calls)
            assert pace._line.calls_on_their_way == 0
        return sent_s(vendor)

    assert run(main) == pytest.approx([0, 0.5], abs=0.01)


def test_at_the_instant_at_which_a_wait_ends_it_ends_though_there_is_room() -> None:
    async def main() -> object:
        pace = Pace(quotas=[quota()])
        async with routed([endpoint(A, Scripted())], [pace, Slots()]) as router:
            await router.complete(M)
            call = asyncio.create_task(told(whole, router, M))
            await anyio.sleep(0.5)
            now_s = virtual_clock()
            pace._credentials.of(router.fleet[A], now_s)._meters[0][1].take(-1.0, now_s)
            pace._line.line[0].until_s = now_s
            pace._line.let_in(now_s)
            return (await call).given

    assert isinstance(run(main), Throttled)


def test_a_second_leg_or_whoever_holds_a_slot_does_not_wait() -> None:
    async def with_a_lease(call: Call, emit: Emit, next: Handler, /) -> None:
        lease = call.target.slots.acquire_over_limit()
        with lease:
            await next(call.with_(lease=lease), emit)

    async def main() -> None:
        async with routed([endpoint(A, Scripted())], [with_a_lease, *stack(quota())]) as router:
            await router.complete(M)
            end = await told(whole, router, M)
            assert isinstance(end.error, Throttled)
            assert end.at_s == 0.0

    run(main)


def test_calls_that_wait_for_a_slot_have_their_room_already() -> None:
    vendor = Scripted(answers(1.0))

    async def main() -> None:
        endpoints = [endpoint(A, vendor, slots=1)]
        pace = Pace(quotas=[quota(per_min=120)])
        async with routed(endpoints, [pace, Slots(max_wait_s=30.0)]) as router:
            await at_once(router, [M] * 6)
            assert pace._line.calls_on_their_way == 0

    run(main)
    assert sent_s(vendor) == pytest.approx([0, 1, 2, 3, 4, 5], abs=0.01)


def test_a_fallback_goes_on_to_a_model_with_room() -> None:
    async def main() -> list[str]:
        endpoints = [endpoint("a", Scripted(), model="best"), endpoint("b", Scripted(), model="next")]
        route = Route(name="chat", models=("best", "next"))
        policies: list[Policy] = [Fallback(), *stack(quota("a", per_min=10))]
        async with routed(endpoints, policies, [route], budget=plenty()) as router:
            ends = await at_once(router, [hello(route="chat")] * 3)
        return [end.answer.model for end in ends]

    assert run(main) == ["best", "next", "next"]


def test_a_trial_that_finds_no_room_is_no_verdict() -> None:
    async def main() -> str:
        ill = Scripted(*[fails(0.0, ProviderError)] * 5, answers(0.0))
        endpoints = [endpoint("ill", ill), endpoint("well", Scripted())]
        pace = Pace(quotas=[quota("ill", per_min=600)])
        policies: list[Policy] = [Breaker(), pace, RoundRobin()]
        async with routed(endpoints, policies) as router:
            for _ in range(30):
                await told(whole, router, M)
            health = router.fleet["ill"].health
            assert health is not None
            assert health.ejection is not None
            await anyio.sleep(10.0)
            pace._credentials.of(router.fleet["ill"], 0.0).closed_until_s = virtual_clock() + 60.0
            answer = await router.complete(M)
            assert "could not try ill" in answer.story()
            return answer.endpoint

    assert run(main) == "well"


# -- whatever happens


def test_wherever_it_is_cancelled_nothing_is_held() -> None:
    router: Router
    pace: Pace

    async def scenario() -> None:
        nonlocal router, pace
        pace = Pace(quotas=[quota("a", "b", per_min=60)])
        endpoints = [
            endpoint("a", Scripted(fails(0.5, ProviderError), answers(0.5)), slots=1),
            endpoint("b", Scripted(answers(0.5)), slots=1),
        ]
        router = routed(endpoints, [Retry(), pace, Slots()], budget=plenty())
        async with router:
            await router.complete(M)
            await router.complete(M)
            await router.complete(M)

    def check(_: int) -> None:
        line = pace._line
        assert (len(line), line.calls_on_their_way, line._timer) == (0, 0, None)
        assert line._on_its_way == (0.0, 0.0, 0.0, 0.0)
        assert all(target.in_flight == target.slots.waiting == 0 for target in router.fleet)

    assert cancel_everywhere(scenario, check) > 8


@given(seed=st.integers(0, 10_000))
def test_whatever_comes_no_minute_has_more_calls_than_the_limit_and_nobody_is_forgotten(seed: int) -> None:
    dice = random.Random(seed)
    limit = dice.choice([1, 7, 60, 240])
    scripts = [
        dice.choice([answers(dice.random()), fails(dice.random(), ProviderError), fails(0.0, ConnectFailed)])
        for _ in range(80)
    ]
    vendor = Scripted(*scripts)
    pace = Pace(quotas=[quota(per_min=limit)], max_wait_s=dice.choice([0.0, 3.0, 90.0]), queue=dice.choice([2, 256]))

    async def one(router: Router, at_s: float, leaves_after_s: float | None, urgency: Urgency) -> None:
        await anyio.sleep(at_s)
        with anyio.move_on_after(leaves_after_s):
            await told(whole, router, urgent(urgency, budget_s=dice.choice([5.0, 100.0])))

    async def main() -> None:
        async with routed([endpoint(A, vendor)], [pace, Slots()]) as router:
            async with anyio.create_task_group() as group:
                for _ in range(80):
                    leaves_after_s = dice.choice([None, 10 * dice.random()])
                    group.start_soon(one, router, 20 * dice.random(), leaves_after_s, dice.choice(list(Urgency)))
            assert (len(pace._line), pace._line.calls_on_their_way) == (0, 0)

    run(main)
    sent = [call.attempt.sent_s for call in vendor.seen if call.attempt is not None]
    unsent = [
        call.attempt
        for call in vendor.seen
        if call.attempt is not None and isinstance(call.attempt.error, ConnectFailed)
    ]
    for from_s in sent:
        in_a_minute = sum(from_s <= at_s < from_s + 60.0 - 1e-6 for at_s in sent)
        assert in_a_minute <= limit + len(unsent)


def test_one_that_passed_and_waits_for_a_slot_is_reckoned_with() -> None:
    async def main() -> list[int]:
        pace = Pace(quotas=[Quota(endpoints=A, requests_per_min=600, burst_s=0.2)])  # two calls at once
        on_their_way: list[int] = []
        async with routed([endpoint(A, Scripted(answers(0.01)), slots=1)], [pace, Slots()]) as router:
            calls = [asyncio.create_task(told(whole, router, M)) for _ in range(2)]
            await anyio.sleep(0.005)
            on_their_way.append(int(pace._line.on_its_way()[0]))  # the second: it waits for the slot of the first
            await asyncio.wait(calls)
            on_their_way.append(int(pace._line.on_its_way()[0]))
        return on_their_way

    assert run(main) == [1, 0]
