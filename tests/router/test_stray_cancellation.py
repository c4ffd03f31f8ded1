"""A cancellation that nobody asked for, and a close that is cancelled itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import pytest

from paceline.router import Call, Chunk, Clock, Emit, Handler, Request, Router
from paceline.router.errors import PolicyFailed, ProviderError, RouterClosed, StreamInterrupted
from paceline.router.testing import SILENT, Fail, Say, Scripted, answers, endpoint, run, virtual_clock

M = Request(messages="hi", model="m")


def stray() -> BaseException:
    return asyncio.CancelledError("of a task inside")


def test_an_answer_broken_off_by_one_is_not_complete() -> None:
    half = Scripted((Say(0.25, Chunk("half")), Fail(0.5, stray)))

    async def main() -> None:
        async with Router([endpoint("a", half)], clock=virtual_clock) as router, router.stream(M) as chunks:
            with pytest.raises(StreamInterrupted, match="4 characters had been delivered"):
                _ = [chunk async for chunk in chunks]

    run(main)


def test_before_the_first_word_it_is_the_providers_failure() -> None:
    async def main() -> None:
        async with Router([endpoint("a", Scripted((Fail(0.25, stray),)))], clock=virtual_clock) as router:
            with pytest.raises(ProviderError):
                await router.complete(M)

    run(main)


def test_in_a_policy_it_is_that_policys_failure() -> None:
    async def broken(_call: Call, _emit: Emit, _next: Handler) -> None:
        raise asyncio.CancelledError

    async def main() -> None:
        async with Router([endpoint("a", Scripted())], policies=[broken], clock=virtual_clock) as router:
            with pytest.raises(PolicyFailed):
                await router.complete(M)

    run(main)


class Pooled(Scripted):
    """Has something to close, and takes a moment over it."""

    is_open = False

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        del clock
        return self._opened()

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[Handler]:
        self.is_open = True
        try:
            yield self
        finally:
            await anyio.sleep(0.25)
            self.is_open = False


def test_a_router_that_closes_in_a_cancelled_scope_closes() -> None:
    pooled = Pooled(SILENT)

    async def main() -> None:
        router = Router([endpoint("a", pooled)], clock=virtual_clock)
        calls: list[asyncio.Task[object]] = []
        with anyio.move_on_after(1.0):
            async with router:
                calls.append(asyncio.create_task(router.complete(M)))
                await anyio.sleep_forever()

        assert not pooled.is_open
        assert router.fleet["a"].in_flight == 0
        with pytest.raises(RouterClosed):
            await calls[0]

    run(main)


def test_who_closes_second_waits_for_the_first() -> None:
    async def main() -> None:
        router = Router([endpoint("a", Scripted(answers(3.0)))], clock=virtual_clock)
        async with router:
            call = asyncio.create_task(router.complete(M))
            await asyncio.sleep(0)
            first = asyncio.create_task(router.aclose())
            await asyncio.sleep(0)
            await router.aclose()

            assert first.done()
            assert virtual_clock() == 3.0
            assert (await call).text == "ok"

    run(main)


def test_a_reader_as_slow_as_that_says_nothing_of_the_endpoints_speed() -> None:
    async def main() -> None:
        async def slowly(chunk: Chunk) -> None:
            await asyncio.sleep(0.25)

        async with Router(
            [endpoint("a", Scripted(answers(0.25, *"words", gap_s=0.25)))], clock=virtual_clock
        ) as router:
            await router.send(M, slowly)
            target = router.fleet["a"]

            assert target.learned.ttft.overall.samples(5.0) == 1
            assert (target.learned.total.samples(5.0), target.learned.tpot.overall.samples(5.0)) == (0, 0)

    run(main)
