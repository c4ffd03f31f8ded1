"""`Router.stream`: the bridge from push to pull. It holds no slot a moment longer than the answer is wanted."""

import asyncio
import gc

import pytest

from paceline.router import Chunk, Limits, Request, Router, Stream, Usage
from paceline.router.errors import ProviderError, StreamInterrupted, UnknownModel
from paceline.router.stream import CLEANUP_S, MOST_AHEAD
from paceline.router.testing import SILENT, Fail, Resist, Say, Script, Scripted, answers, endpoint, run, virtual_clock

from .stack import ask, nothing_is_held, routed
from .test_slots import turn


def one(*scripts: Script) -> tuple[Router, Scripted]:
    provider = Scripted(*scripts)
    return routed(endpoint("a", provider, slots=1, limits=Limits(first_token_s=None, gap_s=None))), provider


def test_chunks_come_when_they_were_said() -> None:
    async def main() -> None:
        router, _ = one(answers(0.25, "a", "b", "c", gap_s=0.5))

        async with router, router.stream(ask()) as chunks:
            heard = [(virtual_clock(), chunk.text) async for chunk in chunks]

        assert heard == [(0.25, "a"), (0.75, "b"), (1.25, "c"), (1.25, "")]

    run(main)


def test_the_answer_is_there_when_every_chunk_was_taken() -> None:
    async def main() -> None:
        router, _ = one(answers(0.25, "a", "b", gap_s=0.25, usage=Usage(output_tokens=2)))

        async with router, router.stream(ask()) as chunks:
            async for _ in chunks:
                with pytest.raises(RuntimeError, match="the answer is not complete: take every chunk first"):
                    _ = chunks.answer
            answer = chunks.answer

        assert (answer.text, answer.ttft_s, answer.total_s, answer.usage.output_tokens) == ("ab", 0.25, 0.5, 2)

    run(main)


def test_an_error_comes_after_every_chunk_that_came_before_it() -> None:
    async def main() -> None:
        router, _ = one((Say(0.0, Chunk("a")), Say(0.0, Chunk("b")), Fail(0.0, lambda: ProviderError("down"))))

        async with router, router.stream(ask()) as chunks:
            heard = [(await anext(chunks)).text, (await anext(chunks)).text]
            with pytest.raises(StreamInterrupted, match="2 characters") as caught:
                await anext(chunks)
            with pytest.raises(RuntimeError, match="not complete"):
                _ = chunks.answer

        assert heard == ["a", "b"]
        assert [attempt.endpoint.name for attempt in caught.value.attempts] == ["a"]

    run(main)


def test_a_mistake_in_the_request_is_told_at_once() -> None:
    router, _ = one()

    with pytest.raises(UnknownModel):
        router.stream(Request(messages="hello", model="nobody"))


def test_leaving_the_block_ends_the_call_at_that_instant() -> None:
    async def main() -> None:
        router, provider = one(answers(0.25, *"abcdefgh", gap_s=1.0))

        async with router:
            async with router.stream(ask()) as chunks:
                assert (await anext(chunks)).text == "a"
                assert router.fleet["a"].in_flight == 1

            assert virtual_clock() == 0.25
            assert nothing_is_held(router)
            assert provider.live == 0

    run(main)


def test_an_error_in_the_block_ends_the_call_and_passes_through() -> None:
    async def main() -> None:
        router, provider = one(answers(0.25, *"abcdefgh", gap_s=1.0))

        async def read() -> None:
            async with router.stream(ask()) as chunks:
                await anext(chunks)
                raise KeyError

        async with router:
            with pytest.raises(KeyError):
                await read()

            assert provider.live == 0
            assert nothing_is_held(router)

    run(main)


def test_outside_its_block_a_stream_cannot_be_iterated() -> None:
    async def main() -> None:
        router, provider = one(answers(0.25))

        async with router:
            with pytest.raises(RuntimeError, match=r"inside its block: async with router\.stream"):
                await anext(router.stream(ask()))

            assert provider.calls == 0

    run(main)


def test_a_stream_is_entered_once() -> None:
    async def main() -> None:
        router, provider = one(answers(0.25))

        async with router, router.stream(ask()) as chunks:
            with pytest.raises(RuntimeError):
                await chunks.__aenter__()
            await turn()

            assert provider.calls == 1
            assert [chunk.text async for chunk in chunks] == ["ok", ""]

    run(main)


def test_a_stream_that_was_never_entered_has_started_nothing() -> None:
    async def main() -> None:
        router, provider = one(answers(0.25))

        async with router:
            stream = router.stream(ask())
            del stream
            gc.collect()
            await turn()

            assert provider.calls == 0
            assert nothing_is_held(router)

    run(main)


async def entered(router: Router, *, taken: int) -> Stream:
    stream = await router.stream(ask()).__aenter__()
    for _ in range(taken):
        await anext(stream)
    return stream


@pytest.mark.parametrize("taken", [0, 1])
def test_a_stream_that_is_dropped_warns_and_gives_its_slot_back(taken: int) -> None:
    async def main() -> None:
        router, provider = one(answers(0.25, *"abcdefgh", gap_s=1.0))

        async with router:
            stream = await entered(router, taken=taken)
            await turn()
            dropped_s = virtual_clock()
            assert router.fleet["a"].in_flight == 1

            with pytest.warns(ResourceWarning, match="a stream was dropped while its answer was coming"):
                del stream
            gc.collect()
            await turn()

            assert virtual_clock() == dropped_s
            assert provider.live == 0
            assert nothing_is_held(router)

    run(main)


def test_a_stream_that_is_dropped_when_it_is_over_says_nothing() -> None:
    async def main() -> None:
        router, _ = one(answers(0.25))

        async with router:
            stream = await entered(router, taken=2)
            await turn()
            del stream
            gc.collect()

    run(main)


def test_a_slow_reader_slows_the_vendor_down() -> None:
    async def main() -> None:
        router, provider = one(tuple(Say(0.0, Chunk("x")) for _ in range(1000)))

        async with router, router.stream(ask()) as chunks:
            await asyncio.sleep(5.0)
            ahead = [attempt.last_progress_s for attempt in provider.seen[0].ledger.attempts]
            held = len(chunks._pipe.chunks)
            taken = [(await anext(chunks)).text for _ in range(1000)]

        assert ahead == [0.0]
        assert held == MOST_AHEAD
        assert len(taken) == 1000

    run(main)


def test_a_reader_who_is_cancelled_ends_the_call() -> None:
    async def main() -> None:
        router, provider = one(SILENT)

        async def read() -> None:
            async with router.stream(ask()) as chunks:
                await anext(chunks)

        async with router:
            task = asyncio.create_task(read())
            await asyncio.sleep(1.0)
            task.cancel()
            await asyncio.wait([task])

            assert task.cancelled()
            assert (virtual_clock(), provider.live) == (1.0, 0)
            assert nothing_is_held(router)

    run(main)


def test_leaving_the_block_waits_only_so_long_for_what_resists() -> None:
    async def main() -> None:
        router, provider = one((Resist(2.0), Say(0.25, Chunk("a")), *SILENT))

        async with router:
            async with router.stream(ask()) as chunks:
                await anext(chunks)
            left_s = virtual_clock()
            held = router.fleet["a"].in_flight
            await asyncio.sleep(1.0)

            assert left_s == 0.25 + CLEANUP_S
            assert (held, provider.live) == (1, 0)
            assert nothing_is_held(router)

    run(main)
