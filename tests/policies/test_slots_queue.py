"""`Slots`: a slot is waited for as long as the call has, held to the last byte, and given back exactly once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from paceline.policies import Slots
from paceline.router.errors import Overloaded
from paceline.router.testing import SILENT, Scripted, answers, endpoint, run, virtual_clock

from .asking import Ask, at_a_steady_rate, hello, routed, told

if TYPE_CHECKING:
    from paceline.router import Answer, Request

    from .asking import Told

M = hello(model="m")


def while_busy(
    ask: Ask, request: Request, provider: Scripted, *, slots: Slots, queue: int = 64, after_s: float = 0.5
) -> Told:
    """What a call comes to that arrives *after_s* after another one took the only slot."""

    async def main() -> Told:
        async with (
            routed([endpoint("a", provider, slots=1, queue=queue)], [slots]) as router,
            asyncio.TaskGroup() as others,
        ):
            other = others.create_task(told(ask, router, M))
            await asyncio.sleep(after_s)
            end = await told(ask, router, request)
            assert router.fleet["a"].slots.waiting == 0
            other.cancel()
        assert router.fleet["a"].in_flight == 0
        return end

    return run(main)


def test_a_slot_that_comes_free_is_taken_at_that_instant(ask: Ask) -> None:
    end = while_busy(ask, M, Scripted(answers(1.0), answers(0.25)), slots=Slots())
    assert [attempt.sent_s for attempt in end.answer.attempts] == [1.0]
    assert "waits for a, 2.000 s at most" in end.answer.decisions[0].reason


def test_it_waits_for_a_slot_two_seconds_and_no_longer(ask: Ask) -> None:
    end = while_busy(ask, M, Scripted(SILENT), slots=Slots())
    assert isinstance(end.error, Overloaded)
    assert end.at_s == 2.5


def test_it_waits_no_longer_than_the_call_has(ask: Ask) -> None:
    end = while_busy(ask, hello(model="m", budget_s=1.0), Scripted(SILENT), slots=Slots())
    assert isinstance(end.error, Overloaded)
    assert end.at_s == 1.5


def test_it_can_be_told_to_shed_at_once(ask: Ask) -> None:
    end = while_busy(ask, M, Scripted(SILENT), slots=Slots(max_wait_s=0.0))
    assert isinstance(end.error, Overloaded)
    assert end.at_s == 0.5


def test_a_full_queue_sheds_at_once(ask: Ask) -> None:
    end = while_busy(ask, M, Scripted(SILENT), slots=Slots(), queue=0)
    assert isinstance(end.error, Overloaded)
    assert end.at_s == 0.5


def test_a_slot_that_comes_free_as_the_wait_ends_is_too_late(ask: Ask) -> None:
    provider = Scripted(answers(1.0))
    end = while_busy(ask, M, provider, slots=Slots(max_wait_s=0.5))
    assert isinstance(end.error, Overloaded)
    assert (end.at_s, provider.calls) == (1.0, 1)


def test_the_error_says_where_how_long_and_how_full(ask: Ask) -> None:
    end = while_busy(ask, M, Scripted(SILENT), slots=Slots())
    assert str(end.error) == "a: no slot came free in 2.000 s (1 in flight, 0 waiting)"
    assert end.error.attempts == []


def test_waiters_are_served_in_the_order_they_came(ask: Ask) -> None:
    async def main() -> list[float]:
        async with routed([endpoint("a", Scripted(answers(1.0)), slots=1)], [Slots(max_wait_s=9.0)]) as router:
            return [end.at_s for end in await at_a_steady_rate(ask, router, M, 5, every_s=0.125)]

    assert run(main) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_never_more_calls_are_under_way_than_there_are_slots(ask: Ask) -> None:
    provider = Scripted(answers(0.25, "one", "two", gap_s=0.25))

    async def main() -> list[Told]:
        async with routed([endpoint("a", provider, slots=3)], [Slots(max_wait_s=60.0)]) as router:
            return await at_a_steady_rate(ask, router, M, 60, every_s=0.0)

    assert [end.answer.text for end in run(main)] == ["onetwo"] * 60
    assert provider.most_live == 3


def test_a_slot_is_held_to_the_last_byte(ask: Ask) -> None:
    words = ["word"] * 5
    in_flight: dict[float, int] = {}

    async def main() -> None:
        endpoints = [endpoint("a", Scripted(answers(2.0, *words, gap_s=2.0)), slots=1)]
        async with routed(endpoints, [Slots()]) as router, asyncio.TaskGroup() as others:
            others.create_task(ask(router, M))
            for _ in range(6):
                await asyncio.sleep(1.75)
                in_flight[virtual_clock()] = router.fleet["a"].in_flight

    run(main)
    assert in_flight == {1.75: 1, 3.5: 1, 5.25: 1, 7.0: 1, 8.75: 1, 10.5: 0}


def test_a_slot_is_given_back_when_the_caller_leaves_half_way() -> None:
    async def main() -> int:
        endpoints = [endpoint("a", Scripted(answers(1.0, "one", "two", gap_s=8.0)), slots=1)]
        async with routed(endpoints, [Slots()]) as router:
            async with router.stream(M) as chunks:
                assert (await anext(chunks)).text == "one"
            return router.fleet["a"].in_flight

    assert run(main) == 0


def test_it_waits_where_the_wait_promises_to_be_the_shortest(ask: Ask) -> None:
    quick, slow = Scripted(answers(1.0)), Scripted(answers(4.0))

    async def main() -> Answer:
        endpoints = [endpoint("slow", slow, slots=1), endpoint("quick", quick, slots=1)]
        async with routed(endpoints, [Slots(max_wait_s=9.0)]) as router:
            await ask(router, M)
            await ask(router, M)  # now both are known
            return (await at_a_steady_rate(ask, router, M, 3, every_s=0.125))[2].answer

    assert run(main).endpoint == "quick"


def test_a_queue_that_is_full_is_none_to_wait_in(ask: Ask) -> None:
    crowded, roomy = Scripted(answers(1.0)), Scripted(answers(1.0))

    async def main() -> Answer:
        endpoints = [endpoint("crowded", crowded, slots=1, queue=0), endpoint("roomy", roomy, slots=1)]
        async with routed(endpoints, [Slots(max_wait_s=9.0)]) as router:
            return (await at_a_steady_rate(ask, router, M, 3, every_s=0.125))[2].answer

    assert run(main).endpoint == "roomy"
