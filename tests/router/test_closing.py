"""Closing a router: calls in flight may end, those that do not are ended, and nothing is left by a known instant."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from paceline.policies import Slots
from paceline.router import Call, Chunk, Clock, Emit, Handler, Limits, Router
from paceline.router.errors import RouterClosed
from paceline.router.inflight import RESISTANCE_S
from paceline.router.testing import (
    SILENT,
    Resist,
    Say,
    Script,
    Scripted,
    answers,
    endpoint,
    run,
    virtual_clock,
)

from .stack import Ear, ask, full_stack, nothing_is_held
from .test_slots import turn

GRACE_S = 2.0
NO_LIMITS = Limits(first_token_s=None, gap_s=None)


def one(script: Script, *, slots: int = 8, full: bool = False) -> tuple[Router, Scripted]:
    provider = Scripted(script)
    a = endpoint("a", provider, slots=slots, limits=NO_LIMITS)
    stack = full_stack(max_wait_s=30.0) if full else [Slots(max_wait_s=30.0)]
    return Router([a], (), stack, clock=virtual_clock, grace_s=GRACE_S, budget_s=600.0), provider


async def left_over() -> list[str]:
    """Tasks besides this one, after those that were told to end had their turn."""
    await turn()
    return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def test_calls_that_end_in_time_end_well() -> None:
    async def main() -> None:
        router, _ = one(answers(1.0, "a", "b", gap_s=0.5))
        async with router:
            task = asyncio.create_task(router.complete(ask()))
            await turn()

        assert virtual_clock() == 1.5
        assert (await task).text == "ab"

    run(main)


@pytest.mark.parametrize("resists_s", [0.0, 0.25, 0.75])
@pytest.mark.parametrize("full", [False, True], ids=["Slots", "full stack"])
def test_calls_that_do_not_end_are_ended_and_told_so(resists_s: float, full: object) -> None:
    async def main() -> None:
        router, provider = one((Resist(resists_s), *SILENT), slots=2, full=bool(full))
        async with router:
            tasks = [asyncio.create_task(router.complete(ask())) for _ in range(3)]
            await asyncio.sleep(1.0)
            assert router.fleet["a"].slots.waiting == 1

        assert virtual_clock() == 1.0 + GRACE_S + resists_s
        assert await left_over() == []
        assert [type(task.exception()) for task in tasks] == [RouterClosed] * 3
        assert (provider.live, nothing_is_held(router)) == (0, True)

    run(main)


def test_what_resists_for_too_long_is_told_in_a_warning_and_not_waited_for() -> None:
    async def main() -> None:
        router, provider = one((Resist(60.0), *SILENT))
        await router.__aenter__()
        tasks = [asyncio.create_task(router.complete(ask())) for _ in range(2)]
        await turn()

        with pytest.warns(ResourceWarning, match="2 calls resisted cancellation when the router closed"):
            await router.aclose()

        assert virtual_clock() == GRACE_S + RESISTANCE_S
        await asyncio.wait(tasks)
        assert (provider.live, nothing_is_held(router)) == (0, True)

    run(main)


def test_a_stream_that_is_being_read_ends_in_an_error_of_its_own() -> None:
    async def main() -> None:
        router, provider = one((Say(0.25, Chunk("a")), *SILENT))
        heard: list[str] = []

        async def read() -> None:
            async with router.stream(ask()) as chunks:
                async for chunk in chunks:
                    heard.append(chunk.text)  # noqa: PERF401  an error comes, and what was heard before it counts

        async with router:
            task = asyncio.create_task(read())
            await turn()

        assert virtual_clock() == GRACE_S
        assert await left_over() == []
        assert (heard, type(task.exception())) == (["a"], RouterClosed)
        assert (provider.live, nothing_is_held(router)) == (0, True)

    run(main)


def test_the_task_of_an_ended_call_goes_on() -> None:
    async def main() -> None:
        router, _ = one(SILENT)
        after: list[float] = []

        async def caller() -> None:
            with pytest.raises(RouterClosed, match="the router was closed while this call was in flight"):
                await router.complete(ask())
            await asyncio.sleep(1.0)
            after.append(virtual_clock())

        async with router:
            task = asyncio.create_task(caller())
            await turn()
        await task

        assert after == [GRACE_S + 1.0]

    run(main)


def test_a_caller_cancelled_while_the_router_closes_is_cancelled() -> None:
    async def main() -> None:
        router, _ = one((Resist(0.5), *SILENT))
        async with router:
            task = asyncio.create_task(router.complete(ask()))
            asyncio.get_running_loop().call_at(GRACE_S + 0.25, task.cancel)
            await turn()
        await asyncio.wait([task])

        assert task.cancelled()
        assert nothing_is_held(router)

    run(main)


def test_while_it_closes_it_takes_no_more_calls() -> None:
    async def main() -> None:
        router, _ = one(answers(1.0))
        await router.__aenter__()
        task = asyncio.create_task(router.complete(ask()))
        await turn()
        closing = asyncio.create_task(router.aclose())
        await turn()

        with pytest.raises(RouterClosed):
            await router.send(ask(), Ear())

        await asyncio.gather(task, closing)

    run(main)


def test_closing_twice_is_harmless() -> None:
    async def main() -> None:
        router, _ = one(SILENT)
        async with router:
            await router.aclose()
        await router.aclose()

    run(main)


def test_a_call_that_closes_the_router_does_not_wait_for_itself() -> None:
    class Closer:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            await router.aclose()
            await next(call, emit)

    async def main() -> None:
        async with router:
            with pytest.raises(RouterClosed, match="the router is closed"):
                await router.complete(ask())

        assert virtual_clock() == 0.0

    router = Router([endpoint("a", Scripted())], (), [Closer()], clock=virtual_clock)
    run(main)


class Pooled(Scripted):
    """A provider with something to open and to close."""

    def __init__(self, log: list[str], *, broken: bool = False) -> None:
        super().__init__(answers(0.25))
        self.log = log
        self.broken = broken

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        return self._opened()

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[Handler]:
        self.log.append("opens")
        if self.broken:
            raise OSError("no socket")
        try:
            yield self
        finally:
            self.log.append("closes")


def test_a_provider_is_opened_once_however_many_endpoints_it_serves() -> None:
    async def main() -> None:
        log: list[str] = []
        pooled = Pooled(log)
        async with Router([endpoint("a", pooled), endpoint("b", pooled)], clock=virtual_clock) as router:
            await router.complete(ask())
            assert log == ["opens"]

        assert log == ["opens", "closes"]

    run(main)


def test_what_was_opened_is_closed_when_another_cannot_open() -> None:
    async def main() -> None:
        log: list[str] = []
        router = Router([endpoint("a", Pooled(log)), endpoint("b", Pooled(log, broken=True))], clock=virtual_clock)

        with pytest.raises(OSError, match="no socket"):
            await router.__aenter__()

        assert log == ["opens", "opens", "closes"]
        with pytest.raises(RouterClosed):
            await router.complete(ask())

    run(main)
