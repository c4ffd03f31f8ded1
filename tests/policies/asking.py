"""How these tests ask a router: in virtual time, with seeded dice, for an answer whole, in pieces or pushed."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeAlias

import anyio
import attrs

from paceline.router import Answer, Budget, Chunk, Endpoint, Policy, Request, Route, Router
from paceline.router.errors import CallError, PolicyFailed, ProviderError, RateLimited
from paceline.router.testing import Cut, Say, Script, run, virtual_clock

Ask: TypeAlias = Callable[[Router, Request], Coroutine[Any, Any, Answer]]

hello = partial(Request, messages="hello")


def cut_after(at_s: float, *words: str) -> Script:
    """The beginning of an answer, all its words at once, and then the end of the stream."""
    return (*(Say(at_s, Chunk(word)) for word in words), Cut(at_s))


def given_up() -> ProviderError:
    """A failure that some layer has tried to mend, and has given up on."""
    error = ProviderError("as scripted")
    error.retryable = False
    return error


def in_a_second() -> RateLimited:
    """A failure after which the vendor asks to be left alone for a second."""
    return RateLimited("as scripted", retry_after_s=1.0)


async def whole(router: Router, request: Request) -> Answer:
    """The answer in one piece."""
    return await router.complete(request)


async def in_pieces(router: Router, request: Request) -> Answer:
    """The answer as it comes, pulled."""
    async with router.stream(request) as chunks:
        async for _ in chunks:
            pass
        return chunks.answer


async def pushed(router: Router, request: Request) -> None:
    """The answer as it comes, pushed: no task stands between the caller and the provider."""

    async def ignore(chunk: Chunk) -> None:
        pass

    await router.send(request, ignore)


def routed(
    endpoints: Sequence[Endpoint],
    policies: Sequence[Policy],
    routes: Sequence[Route] = (),
    *,
    seed: int = 1,
    budget: Budget | None = None,
) -> Router:
    """A router on virtual time whose dice are thrown the same way in every run."""
    return Router(endpoints, routes, policies, clock=virtual_clock, dice=random.Random(seed), budget=budget)


def plenty() -> Budget:
    """A budget that never runs out, for what is not about it."""
    return Budget(reserve=1_000_000, min_concurrent=1_000_000)


@attrs.frozen(kw_only=True)
class Told:
    """What one call came to, and when, in seconds after time began."""

    at_s: float
    given: Answer | CallError

    @property
    def answer(self) -> Answer:
        """The answer; the error is raised if it is one."""
        if isinstance(self.given, CallError):
            raise self.given
        return self.given

    @property
    def error(self) -> CallError:
        """The error; it is an error of the test if there is none."""
        assert isinstance(self.given, CallError), f"it was answered by {self.given.endpoint}"
        return self.given


async def told(ask: Ask, router: Router, request: Request) -> Told:
    """Make one call and note how it ends. A policy at fault is no end of a call, but of the test."""
    try:
        given: Answer | CallError = await ask(router, request)
    except PolicyFailed:
        raise
    except CallError as error:
        given = error
    return Told(at_s=virtual_clock(), given=given)


def asked(
    ask: Ask,
    request: Request,
    endpoints: Sequence[Endpoint],
    policies: Sequence[Policy],
    routes: Sequence[Route] = (),
    *,
    seed: int = 1,
) -> Told:
    """What the only call of a fresh router comes to."""

    async def main() -> Told:
        async with routed(endpoints, policies, routes, seed=seed) as router:
            return await told(ask, router, request)

    return run(main)


async def at_a_steady_rate(ask: Ask, router: Router, request: Request, calls: int, *, every_s: float) -> list[Told]:
    """*calls* calls at a steady rate, whether or not those before have been answered; what each came to."""
    ends: dict[int, Told] = {}

    async def one(number: int) -> None:
        ends[number] = await told(ask, router, request)

    async with anyio.create_task_group() as group:
        for number in range(calls):
            group.start_soon(one, number)
            await anyio.sleep(every_s)
    return [ends[number] for number in range(calls)]


def served(ends: Sequence[Told]) -> dict[str, int]:
    """How many of the calls that were answered each endpoint answered."""
    counts: dict[str, int] = {}
    for end in ends:
        if isinstance(end.given, Answer):
            counts[end.given.endpoint] = counts.get(end.given.endpoint, 0) + 1
    return counts
