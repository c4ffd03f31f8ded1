"""Cancelled is not failed, and whose cancellation it was is not mixed up, whatever a provider makes of it."""

import asyncio
from collections.abc import Callable

import anyio
import pytest

from paceline.policies import Retry, Slots
from paceline.router import Call, Emit, Handler, Limits, Outcome, Router
from paceline.router.errors import AttemptTimeout, DeadlineExceeded, RouterClosed
from paceline.router.testing import SILENT, Resist, Scripted, endpoint, run, virtual_clock

from .stack import ask, nothing_is_held, routed


class RaisesAnother(Scripted):
    """Answers its cancellation with an error of its own."""

    async def __call__(self, call: Call, emit: Emit) -> None:
        try:
            await super().__call__(call, emit)
        except asyncio.CancelledError:
            raise ConnectionAbortedError("closing") from None


def resisting() -> Scripted:
    return Scripted((Resist(0.5), *SILENT))


def raising() -> Scripted:
    return RaisesAnother(SILENT)


def plain() -> Scripted:
    return Scripted(SILENT)


Make = Callable[[], Scripted]
providers = pytest.mark.parametrize("make", [plain, resisting, raising])


def one(provider: Scripted, *, first_token_s: float | None = None) -> Router:
    limits = Limits(first_token_s=first_token_s)
    targets = [endpoint(name, provider, slots=1, limits=limits) for name in "ab"]
    return routed(*targets, policies=[Retry(), Slots()])


def unharmed(router: Router, provider: Scripted) -> bool:
    """One attempt, cancelled, that speaks against nobody."""
    outcomes = [attempt.outcome for attempt in provider.seen[0].ledger.attempts]
    return (
        outcomes == [Outcome.CANCELLED]
        and nothing_is_held(router)
        and all(target.learned.recent.failing(virtual_clock()) == 0.0 for target in router.fleet)
    )


@providers
def test_a_cancelled_call_is_cancelled_and_nothing_is_tried_again(make: Make) -> None:
    async def main() -> None:
        provider = make()
        async with one(provider) as router:
            task = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(1.0)
            task.cancel()
            await asyncio.wait([task])

            assert task.cancelled()
            assert unharmed(router, provider)

    run(main)


@providers
def test_a_callers_own_timeout_is_the_callers(make: Make) -> None:
    async def main() -> None:
        provider = make()
        async with one(provider) as router:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await router.complete(ask())

            assert unharmed(router, provider)

    run(main)


@providers
def test_a_callers_own_cancel_scope_is_the_callers(make: Make) -> None:
    async def main() -> None:
        provider = make()
        async with one(provider) as router:
            with anyio.move_on_after(1.0) as scope:
                await router.complete(ask())

            assert scope.cancelled_caught
            assert unharmed(router, provider)

    run(main)


@providers
def test_a_stream_that_is_left_is_cancelled_and_nothing_is_tried_again(make: Make) -> None:
    async def main() -> None:
        provider = make()
        async with one(provider) as router:
            async with router.stream(ask()):
                await asyncio.sleep(1.0)

            assert unharmed(router, provider)

    run(main)


@providers
def test_a_limit_that_passes_is_a_timeout_and_no_cancellation(make: Make) -> None:
    async def main() -> None:
        provider = make()
        async with routed(endpoint("a", provider, limits=Limits(first_token_s=1.0))) as router:
            with pytest.raises(AttemptTimeout, match="first_token limit passed") as caught:
                await router.complete(ask())

            assert caught.value.attempts[0].outcome is Outcome.TIMED_OUT
            assert cancellations_left() == 0

    run(main)


@providers
def test_after_a_limit_has_passed_the_next_endpoint_is_tried(make: Make) -> None:
    async def main() -> None:
        good = Scripted()
        first = endpoint("first", make(), limits=Limits(first_token_s=1.0))
        async with routed(first, endpoint("then", good), policies=[Retry(), FirstUntried()]) as router:
            assert (await router.complete(ask())).endpoint == "then"
            assert cancellations_left() == 0

    run(main)


@providers
def test_the_deadline_that_passes_is_told_as_such(make: Make) -> None:
    async def main() -> None:
        async with one(make()) as router:
            with pytest.raises(DeadlineExceeded):
                await router.complete(ask(budget_s=1.0))

            assert cancellations_left() == 0

    run(main)


@providers
def test_a_call_ended_by_the_closing_router_is_told_so_and_its_task_goes_on(make: Make) -> None:
    async def main() -> None:
        provider = make()
        left: list[int] = []

        async def caller() -> None:
            with pytest.raises(RouterClosed):
                await router.complete(ask(budget_s=600.0))
            left.append(cancellations_left())

        router = one(provider)
        async with router:
            task = asyncio.create_task(caller())
            await asyncio.sleep(1.0)
        await task

        assert left == [0]
        assert unharmed(router, provider)

    run(main)


class FirstUntried:
    """Every try goes to the first that is left."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(candidates=call.candidates[:1]), emit)


def cancellations_left() -> int:
    """Requests to end this task that nobody has answered."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()
