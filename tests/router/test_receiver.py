"""Whose an error is: what the caller's `emit` raises is the caller's, whatever its form, and a policy's is not."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

import pytest

from paceline.router import Call, CallEnded, CallOutcome, Chunk, Emit, Event, Handler, Router
from paceline.router.errors import PolicyFailed
from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock

from .stack import ask

GONE = ConnectionResetError("the client went away")


async def function(chunk: Chunk) -> None:
    raise GONE


class Sink:
    """Takes chunks, badly."""

    async def take(self, chunk: Chunk) -> None:
        await self._deeper()

    async def __call__(self, chunk: Chunk) -> None:
        raise GONE

    @staticmethod
    async def _deeper() -> None:
        raise GONE


def plain(chunk: Chunk) -> Awaitable[None]:
    return function(chunk)


async def second(_: int, chunk: Chunk) -> None:
    raise GONE


FORMS: dict[str, Callable[[], Emit]] = {
    "a coroutine function": lambda: function,
    "a method": lambda: Sink().take,
    "an object": Sink,
    "a function that gives a coroutine": lambda: plain,
    "a partial function": lambda: functools.partial(second, 1),
}


class Passing:
    """Stands between, and changes nothing."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async def on(chunk: Chunk) -> None:
            await emit(chunk)

        await next(call, on)


@pytest.mark.parametrize("wrapped", [False, True], ids=["directly", "through a policy"])
@pytest.mark.parametrize("form", FORMS)
def test_what_the_caller_raises_comes_back_as_it_was(form: str, *, wrapped: bool) -> None:
    events: list[Event] = []

    async def main() -> None:
        policies = [Passing()] if wrapped else []
        where = [endpoint("a", Scripted(answers(0.25)))]
        async with Router(where, policies=policies, clock=virtual_clock, listeners=[events.append]) as router:
            with pytest.raises(ConnectionResetError) as caught:
                await router.send(ask(), FORMS[form]())

        assert caught.value is GONE
        assert caught.value.__cause__ is None

    run(main)

    assert [event.outcome for event in events if isinstance(event, CallEnded)] == [CallOutcome.CANCELLED]


class Spoiling:
    """Raises in the caller's place."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async def spoil(chunk: Chunk) -> None:
            raise LookupError("a bug")

        await next(call, spoil)


@pytest.mark.parametrize("form", FORMS)
def test_what_a_policy_raises_is_not_taken_for_the_callers(form: str) -> None:
    async def main() -> None:
        where = [endpoint("a", Scripted(answers(0.25)))]
        async with Router(where, policies=[Spoiling()], clock=virtual_clock) as router:
            with pytest.raises(PolicyFailed) as caught:
                await router.send(ask(), FORMS[form]())

        assert isinstance(caught.value.__cause__, LookupError)

    run(main)
