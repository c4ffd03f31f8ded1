"""A slot is given back exactly once, wherever a call through the full stack is cancelled.

The sweep counts the places at which a call waits and cancels it at each of them in turn: queued, backing off, before
the first word, while the caller takes a chunk, between two words, while the router closes.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from paceline.router import Chunk, Limits, Outcome, Request, Route, Router
from paceline.router.errors import CallError, ProviderError, RateLimited
from paceline.router.testing import (
    SILENT,
    Cut,
    Resist,
    Say,
    Script,
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from .stack import ask, full_stack, nothing_is_held, routed
from .test_slots import turn

CHAT = Route(name="chat", models=("m", "n"))
WORDS = answers(0.25, "a", "b", "c", gap_s=0.25)
PROMPT_TOKENS = 12
Ask = Callable[[Router], Coroutine[Any, Any, None]]


class Bench:
    """A fresh router for every run of a scenario, and what must be true after each."""

    def __init__(self, *scripts: Script, busy: bool = False, slots: int = 1) -> None:
        self.scripts = scripts
        self.busy = busy
        self.slots = slots  # each call takes them all
        self.router = routed(endpoint("unused", Scripted()))
        self.provider = Scripted()
        self.points = 0

    async def open(self, ask_it: Ask) -> None:
        self.provider = Scripted(*self.scripts)
        fields = {"slots": self.slots, "tokens_per_slot": PROMPT_TOKENS // self.slots}
        endpoints = [endpoint(name, self.provider, **fields) for name in "ab"]
        endpoints.append(endpoint("c", self.provider, model="n", **fields))
        self.router = routed(*endpoints, routes=(CHAT,), policies=full_stack(start_within_s=4.0, max_wait_s=8.0))
        async with self.router:
            leases = [target.slots.acquire_over_limit(self.slots) for target in self.router.fleet if self.busy]
            for number, lease in enumerate(leases):
                asyncio.get_running_loop().call_later(1.0 + number, lease.release)
            try:
                await ask_it(self.router)
            finally:
                for lease in leases:
                    lease.release()

    def check(self, point: int) -> None:
        self.points = max(self.points, point)
        assert nothing_is_held(self.router), point
        assert self.provider.live == 0, point
        assert all(target.learned.recent.unanswered == 0 for target in self.router.fleet), point
        outcomes = {attempt.outcome for call in self.provider.seen for attempt in call.ledger.attempts}
        assert Outcome.RUNNING not in outcomes, point


async def slowly(chunk: Chunk) -> None:
    await asyncio.sleep(0.125)


async def send(router: Router) -> None:
    await router.send(ask_chat(), slowly)


async def complete(router: Router) -> None:
    await router.complete(ask_chat())


async def stream(router: Router) -> None:
    async with router.stream(ask_chat()) as chunks:
        async for chunk in chunks:
            await slowly(chunk)


async def stream_and_leave_early(router: Router) -> None:
    async with router.stream(ask_chat()) as chunks:
        await anext(chunks)


async def complete_in_vain(router: Router) -> None:
    try:
        await router.complete(ask_chat(budget_s=8.0))
    except CallError:
        await asyncio.sleep(0)


def ask_chat(budget_s: float = 32.0) -> Request:
    return Request(messages="hello", route="chat", budget_s=budget_s, prompt_tokens=PROMPT_TOKENS)


@pytest.mark.parametrize("ask_it", [send, complete, stream, stream_and_leave_early])
@pytest.mark.parametrize(
    ("scripts", "busy"),
    [
        ((WORDS,), False),
        ((WORDS,), True),
        ((fails(0.25, ProviderError), fails(0.25, ProviderError), fails(0.25, RateLimited), WORDS), False),
        ((SILENT, WORDS), False),
        (((Resist(0.5), *WORDS),), False),
        (((Say(0.125, Chunk()), *WORDS),), False),
    ],
    ids=["at once", "queued", "retried and fallen back", "left for another", "resisting", "role first"],
)
def test_wherever_a_call_is_cancelled_nothing_is_left(ask_it: Ask, scripts: tuple[Script, ...], busy: object) -> None:
    bench = Bench(*scripts, busy=bool(busy))

    points = cancel_everywhere(lambda: bench.open(ask_it), bench.check)

    assert points == bench.points > 0


@pytest.mark.parametrize("ask_it", [send, stream_and_leave_early])
def test_wherever_a_call_of_several_slots_is_cancelled_nothing_is_left(ask_it: Ask) -> None:
    bench = Bench(fails(0.25, RateLimited), WORDS, busy=True, slots=3)

    assert cancel_everywhere(lambda: bench.open(ask_it), bench.check) == bench.points > 0


def test_the_sweep_reaches_the_queue_the_backoff_the_provider_and_the_caller() -> None:
    bench = Bench(fails(0.25, ProviderError), fails(0.25, ProviderError), fails(0.25, RateLimited), WORDS, busy=True)

    assert cancel_everywhere(lambda: bench.open(send), bench.check) >= 10


def test_wherever_a_call_that_fails_is_cancelled_nothing_is_left() -> None:
    bench = Bench(fails(0.25, ProviderError))

    assert cancel_everywhere(lambda: bench.open(complete_in_vain), bench.check) > 3


@pytest.mark.parametrize(
    "script",
    [WORDS, fails(0.25, ProviderError), SILENT, (Say(0.25, Chunk("a")), *SILENT), (Cut(0.25),)],
    ids=["success", "error", "timeout", "timeout mid-stream", "nothing"],
)
def test_however_a_call_ends_its_slot_is_free_at_that_instant(script: Script) -> None:
    async def main() -> None:
        provider = Scripted(script)
        a = endpoint("a", provider, slots=1, limits=Limits(first_token_s=1.0, gap_s=1.0))
        async with routed(a, policies=full_stack(tries=1)) as router:
            task = asyncio.create_task(router.complete(ask()))
            await turn()
            assert router.fleet["a"].in_flight == 1

            await asyncio.wait([task])

            assert nothing_is_held(router)
            assert provider.live == 0
            assert task.exception() is None or isinstance(task.exception(), CallError)

    run(main)


def test_the_load_an_endpoint_sees_is_never_above_its_slots() -> None:
    async def main() -> None:
        a, b = Scripted(answers(0.5)), Scripted(answers(1.0))
        targets = [endpoint("a", a, slots=3, queue=100), endpoint("b", b, slots=2, queue=100)]
        async with routed(*targets, policies=full_stack(start_within_s=60.0, max_wait_s=60.0)) as router:
            tasks = [asyncio.create_task(router.complete(ask())) for _ in range(60)]
            for task in tasks[::7]:
                asyncio.get_running_loop().call_later(1.25, task.cancel)
            await asyncio.wait(tasks)

            assert (a.most_live, b.most_live) == (3, 2)
            assert nothing_is_held(router)
            assert virtual_clock() > 1.25

    run(main)
