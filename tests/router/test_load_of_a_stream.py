"""A streamed call is load until its last byte, and its first token is the first that says something."""

import asyncio

import pytest

from paceline.policies import Slots
from paceline.router import Chunk, Router
from paceline.router.testing import Say, Script, Scripted, endpoint, run, virtual_clock

from .stack import Ear, ask, nothing_is_held, routed

ANSWER: Script = (
    Say(0.125, Chunk(raw=b"role")),
    Say(0.1875, Chunk(raw=b"ping")),
    Say(0.25, Chunk("content")),
    *(Say(second, Chunk(raw=b"ping")) for second in (1.0, 2.0, 4.0, 8.0)),
    Say(10.0, Chunk(finish_reason="stop")),
)
TIMES = (0.0, 0.0625, 0.125, 0.25, 0.5, 3.0, 9.0, 9.9375)


def one() -> Router:
    return routed(endpoint("a", Scripted(ANSWER), slots=1), policies=[Slots()])


async def load_at(router: Router, at_s: float) -> int:
    await asyncio.sleep(at_s - virtual_clock())
    for _ in range(4):
        await asyncio.sleep(0)
    return router.fleet["a"].in_flight


def test_it_holds_its_slot_until_its_last_byte() -> None:
    async def main() -> None:
        async with one() as router:
            task = asyncio.create_task(router.send(ask(), Ear()))

            assert [await load_at(router, at_s) for at_s in TIMES] == [1] * len(TIMES)
            assert await load_at(router, 10.0) == 0
            assert task.done()
            await task

    run(main)


def test_its_first_token_is_recorded_once_and_empties_record_nothing() -> None:
    async def main() -> None:
        async with one() as router:
            await router.send(ask(), Ear())

            ttft = router.fleet["a"].learned.ttft.overall
            assert (ttft.samples(10.0), ttft.censored(10.0), ttft.quantile(0.5, 10.0)) == (1, 0, 0.25)
            assert router.fleet["a"].learned.ttft.clamped == 0
            assert router.fleet["a"].learned.total.quantile(0.5, 10.0) == pytest.approx(10.0, rel=0.01)

    run(main)


def test_a_caller_who_closes_it_frees_its_slot_then() -> None:
    async def main() -> None:
        async with one() as router:

            async def read() -> None:
                async with router.stream(ask()) as chunks:
                    await anext(chunks)
                    await asyncio.sleep(3.0 - virtual_clock())

            task = asyncio.create_task(read())

            assert await load_at(router, 2.9375) == 1
            assert await load_at(router, 3.0) == 0
            assert nothing_is_held(router)
            await task
            assert router.fleet["a"].learned.total.censored(3.0) == 1

    run(main)


def test_the_next_in_the_queue_begins_when_the_last_byte_is_there() -> None:
    async def main() -> None:
        provider = Scripted(ANSWER)
        async with routed(endpoint("a", provider, slots=1), policies=[Slots(max_wait_s=30.0)]) as router:
            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(router.complete(ask(budget_s=40.0)))

            assert [call.attempt.sent_s for call in provider.seen if call.attempt is not None] == [0.0, 10.0]

    run(main)
