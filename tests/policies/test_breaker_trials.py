"""`Breaker` finding out: exactly one call tries an endpoint that may be well again, and nothing gets it stuck (I20)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import anyio
import pytest

from paceline.policies import Breaker, LatencyBudget, Otherwise, Retry, RoundRobin, Slots
from paceline.router import Layer, Router
from paceline.router.errors import BadRequest, NoEndpoint, ProviderError
from paceline.router.testing import SILENT, Scripted, answers, cancel_everywhere, endpoint, fails, run, virtual_clock

from .ailing import REQUEST, WELL, fall_ill, out, until_s, watched
from .asking import Ask, hello, in_pieces, pushed, routed, told, whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from paceline.router import Call, Emit, Endpoint, Handler, Policy, Request
    from paceline.router.testing import Script


async def with_one_ill(router: Router, breaker: Breaker) -> None:
    """The endpoint ``ill`` has failed, and its time is just over."""
    fall_ill(watched(router, breaker), "ill")
    await anyio.sleep(until_s(router, "ill"))


def fleet(ill: Scripted, **fields: object) -> list[Endpoint]:
    return [endpoint("ill", ill, **fields), *(endpoint(name, Scripted(WELL)) for name in "ab")]


@pytest.mark.parametrize(
    "script", [answers(1.0), fails(1.0, ProviderError), SILENT], ids=["answers", "fails", "silent"]
)
def test_of_a_hundred_calls_that_come_at_once_one_tries_it(ask: Ask, script: Script) -> None:
    ill, breaker = Scripted(script), Breaker()

    async def main() -> int:
        async with routed(fleet(ill), [breaker, Slots()]) as router:
            await with_one_ill(router, breaker)
            async with asyncio.TaskGroup() as arrivals:
                for _ in range(100):
                    arrivals.create_task(told(ask, router, hello(model="m", budget_s=2.0)))
                await asyncio.sleep(0.5)
                return ill.calls

    assert run(main) == 1


def test_before_its_time_nobody_tries_it(ask: Ask) -> None:
    ill, breaker = Scripted(WELL), Breaker()

    async def main() -> list[int]:
        async with routed(fleet(ill), [breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "ill")
            calls: list[int] = []
            for wait_s in (0.0, until_s(router, "ill") - 0.25 - 0.001, 0.001):
                await anyio.sleep(wait_s)
                await told(ask, router, REQUEST)
                calls.append(ill.calls)
            return calls

    assert run(main) == [0, 0, 1]


def test_a_trial_that_is_answered_brings_it_back(ask: Ask) -> None:
    breaker = Breaker()

    async def main() -> tuple[list[str], str]:
        async with routed(fleet(Scripted(WELL)), [breaker, Slots()]) as router:
            await with_one_ill(router, breaker)
            answer = (await told(ask, router, REQUEST)).answer
            return out(router), answer.decisions[0].reason

    left, decision = run(main)
    assert left == []
    assert decision == ("tries ill (5 failures in a row, the last: provider_error), to see whether it is well again")


def test_the_first_word_of_a_long_answer_brings_it_back() -> None:
    ill, breaker = Scripted(answers(0.25, "a", "long", "answer", gap_s=20.0)), Breaker()

    async def main() -> list[str]:
        async with routed(fleet(ill), [breaker, Slots()]) as router, asyncio.TaskGroup() as calls:
            await with_one_ill(router, breaker)
            calls.create_task(in_pieces(router, REQUEST))
            await asyncio.sleep(0.5)
            return out(router)

    assert run(main) == []


def test_a_trial_that_fails_is_mended_by_a_retry_and_no_other_follows_it(ask: Ask) -> None:
    ill, breaker = Scripted(fails(0.25, ProviderError)), Breaker()

    async def main() -> list[list[str]]:
        async with routed(fleet(ill), [Retry(), breaker, Slots()]) as router:
            await with_one_ill(router, breaker)
            return [
                [attempt.endpoint.name for attempt in (await told(ask, router, REQUEST)).answer.attempts]
                for _ in range(10)
            ]

    first, *others = run(main)
    assert (first[0], len(first)) == ("ill", 2)
    assert ill.calls == 1
    assert all(len(names) == 1 for names in others)


def test_a_caller_meets_one_trial_at_most(ask: Ask) -> None:
    breaker = Breaker()
    ill = [endpoint(name, Scripted(fails(0.25, ProviderError))) for name in ("ill", "ailing")]

    async def main() -> list[str]:
        async with routed([*ill, *fleet(Scripted())[1:]], [Retry(), breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "ill", "ailing")
            await anyio.sleep(5.0)
            answer = (await told(ask, router, REQUEST)).answer
        return [attempt.endpoint.name for attempt in answer.attempts]

    names = run(main)
    assert names[0] == "ill"
    assert names[1:] in (["a"], ["b"])


# -- trials that show nothing


@pytest.mark.parametrize("leaves_after_s", [0.0, 0.125])
def test_after_a_trial_that_was_cancelled_the_next_call_tries(ask: Ask, leaves_after_s: float) -> None:
    ill, breaker = Scripted(SILENT, WELL), Breaker()

    async def main() -> list[str]:
        async with routed(fleet(ill), [breaker, Slots()]) as router:
            await with_one_ill(router, breaker)
            first = asyncio.create_task(told(ask, router, REQUEST))
            await asyncio.sleep(leaves_after_s)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            assert out(router) == ["ill"]
            await told(ask, router, REQUEST)
            return out(router)

    assert run(main) == []


def test_after_a_trial_that_was_refused_for_the_callers_own_fault_the_next_call_tries(ask: Ask) -> None:
    ill, breaker = Scripted(fails(0.25, BadRequest), WELL), Breaker()

    async def main() -> list[str]:
        async with routed(fleet(ill), [breaker, Slots()]) as router:
            await with_one_ill(router, breaker)
            assert isinstance((await told(ask, router, REQUEST)).error, BadRequest)
            await told(ask, router, REQUEST)
            return out(router)

    assert run(main) == []


class Leg:
    """A hedge in small: a second leg after a tenth of a second, and the first to answer wins."""

    layer = Layer.HEDGE

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async with anyio.create_task_group() as legs:

            async def leg() -> None:
                await next(call, emit)
                legs.cancel_scope.cancel()

            legs.start_soon(leg)
            await anyio.sleep(0.1)
            legs.start_soon(leg)


class OtherLeg:
    """A hedge whose second leg leaves out what the first has tried, and is given up if nobody is left."""

    layer = Layer.HEDGE

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async with anyio.create_task_group() as legs:

            async def other() -> None:
                await anyio.sleep(0.1)
                untried = tuple(target for target in call.candidates if not call.ledger.tried(target.endpoint))
                with contextlib.suppress(NoEndpoint):
                    await next(call.with_(candidates=untried), emit)

            legs.start_soon(other)
            await next(call, emit)


def test_a_trial_that_lost_a_race_is_no_failure_and_the_second_leg_goes_to_who_is_well(ask: Ask) -> None:
    ill, breaker = Scripted(SILENT, WELL), Breaker()

    async def main() -> list[int]:
        async with routed(fleet(ill), [Leg(), breaker, RoundRobin()]) as router:
            await with_one_ill(router, breaker)
            await told(ask, router, REQUEST)
            calls = [ill.calls]
            await told(ask, router, REQUEST)
            return [*calls, ill.calls, len(out(router))]

    assert run(main) == [1, 2, 0]


def test_a_second_leg_is_not_sent_to_one_that_is_out_while_the_first_runs(ask: Ask) -> None:
    slow, ill, breaker = Scripted(answers(1.0)), Scripted(WELL), Breaker()

    async def main() -> list[int]:
        policies = [OtherLeg(), breaker, RoundRobin()]
        async with routed([endpoint("slow", slow), endpoint("ill", ill)], policies) as router:
            fall_ill(watched(router, breaker), "ill")
            return [len((await told(ask, router, REQUEST)).answer.attempts), ill.calls]

    assert run(main) == [1, 0]


# -- calls that cannot try


def test_a_call_that_may_not_be_sent_there_goes_where_it_would_have_gone(ask: Ask) -> None:
    ill, breaker = Scripted(WELL), Breaker()
    endpoints = [endpoint("ill", ill, quality=0), endpoint("good", Scripted(WELL), quality=1)]

    async def main() -> tuple[str, list[str]]:
        policies: list[Policy] = [breaker, LatencyBudget(otherwise=Otherwise.REFUSE), Slots()]
        async with routed(endpoints, policies) as router:
            await with_one_ill(router, breaker)
            answer = (await told(ask, router, hello(model="m", min_quality=1))).answer
            again = (await told(ask, router, hello(model="m", min_quality=0))).answer
            return answer.endpoint, [decision.reason for decision in answer.decisions[:2]] + [again.endpoint]

    endpoint_name, told_of = run(main)
    assert endpoint_name == "good"
    assert told_of[1].startswith("could not try ill: no candidate has a quality of at least 1")


def test_one_without_a_free_slot_is_not_tried(ask: Ask) -> None:
    ill, breaker = Scripted(WELL), Breaker()

    async def main() -> list[int]:
        async with routed(fleet(ill, slots=1), [breaker, Slots()]) as router:
            await with_one_ill(router, breaker)
            straggler = router.fleet["ill"].slots.acquire_over_limit()
            now_s = virtual_clock()
            assert (await told(ask, router, REQUEST)).at_s == now_s + 0.25
            calls = [ill.calls]
            straggler.release()
            await told(ask, router, REQUEST)
            return [*calls, ill.calls]

    assert run(main) == [0, 1]


def test_one_that_a_call_may_not_use_is_left_for_another_to_try(ask: Ask) -> None:
    ill, breaker = Scripted(WELL), Breaker()
    endpoints = [endpoint("ill", ill), endpoint("other", Scripted(WELL), model="n")]

    async def main() -> list[int]:
        async with routed([*endpoints, *fleet(ill)[1:]], [breaker, Slots()]) as router:
            await with_one_ill(router, breaker)
            await told(ask, router, hello(model="n"))
            calls = [ill.calls]
            await told(ask, router, REQUEST)
            return [*calls, ill.calls]

    assert run(main) == [0, 1]


# -- nothing is left behind


@pytest.mark.parametrize("way", [whole, in_pieces, pushed])
def test_wherever_a_trial_is_cancelled_its_leave_is_given_back(
    way: Callable[[Router, Request], Awaitable[object]],
) -> None:
    routers: list[Router] = []

    async def scenario() -> None:
        breaker = Breaker()
        ill = Scripted(fails(0.25, ProviderError))
        async with routed(fleet(ill), [Retry(), breaker, Slots()]) as router:
            routers.append(router)
            await with_one_ill(router, breaker)
            await way(router, REQUEST)
            assert ill.calls == 1

    def nobody_has_leave(point: int) -> None:
        health = routers[-1].fleet["ill"].health
        assert health is None or health.probe is None, point
        assert [target.in_flight for target in routers[-1].fleet] == [0, 0, 0], point

    assert cancel_everywhere(scenario, nobody_has_leave) >= 3


@pytest.mark.parametrize("times", range(1, 7))
def test_once_its_longest_time_has_passed_one_arrival_is_one_call(ask: Ask, times: int) -> None:
    ill, breaker = Scripted(fails(0.0, ProviderError)), Breaker()

    async def main() -> list[int]:
        async with routed(fleet(ill), [Retry(), breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "ill")
            calls: list[int] = []
            for _ in range(times):
                await anyio.sleep(300.0)
                await told(ask, router, REQUEST)
                calls.append(ill.calls)
            return calls

    assert run(main) == list(range(1, times + 1))
