"""What the end of an attempt says about the limit, and limits at work on live endpoints."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from paceline.policies import Slots
from paceline.router import (
    AdaptiveLimit,
    Aimd,
    Attempt,
    Limits,
    Outcome,
    Request,
    Router,
    Signal,
    TtftGradient,
    Usage,
)
from paceline.router import errors as e
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, play, poisson, run, virtual_clock

from .stack import ask, routed

if TYPE_CHECKING:
    from paceline.router import Call, Emit

LOST = e.RateLimited, e.ProviderOverloaded, e.ProviderTimeout
SAYS_NOTHING = e.ProviderError, e.ConnectFailed, e.BadRequest, e.AuthenticationFailed, e.ContentBlocked


def attempt(outcome: Outcome, error: e.AttemptFailed | None = None) -> Attempt:
    return Attempt(endpoint=endpoint("a", Scripted()), number=1, sent_s=0.0, outcome=outcome, error=error)


@pytest.mark.parametrize(
    ("outcome", "error", "signal"),
    [
        (Outcome.OK, None, Signal.OK),
        *((Outcome.FAILED, kind("no"), Signal.DROPPED) for kind in LOST),
        *((Outcome.FAILED, kind("no"), Signal.IGNORED) for kind in SAYS_NOTHING),
        (Outcome.TIMED_OUT, e.AttemptTimeout("first_token", 30.0), Signal.DROPPED),
        (Outcome.TIMED_OUT, e.AttemptTimeout("start", 2.0), Signal.IGNORED),
        (Outcome.TIMED_OUT, None, Signal.IGNORED),
        (Outcome.CANCELLED, None, Signal.IGNORED),
    ],
)
def test_loss_is_what_says_that_too_much_was_asked(
    outcome: Outcome, error: e.AttemptFailed | None, signal: Signal
) -> None:
    assert attempt(outcome, error).signal is signal


@pytest.mark.parametrize("limit", [Aimd(initial=5), TtftGradient(initial=5)])
def test_an_endpoint_begins_with_its_limit_and_says_what_moves_it(limit: AdaptiveLimit) -> None:
    router = routed(endpoint("a", Scripted(), slots=limit))

    assert router.fleet["a"].slots.limit == 5
    assert f"5 slots, limited by {limit!r}" in router.describe()


@pytest.mark.parametrize("wrong", [Aimd, "20", 0, 2.5, True])
def test_what_is_no_limit_is_refused(wrong: object) -> None:
    with pytest.raises(e.ConfigurationError, match="slots must be a whole number of at least 1"):
        endpoint("a", Scripted(), slots=wrong)


@pytest.mark.parametrize(
    ("script", "limit"),
    [
        (answers(0.25), 20),
        (fails(0.25, e.RateLimited), 18),
        (fails(0.25, e.ProviderOverloaded), 18),
        (SILENT, 18),
        (fails(0.25, e.ProviderError), 20),
    ],
    ids=["answered", "429", "503", "timed out", "500"],
)
def test_an_attempt_moves_the_limit_of_its_endpoint(script: tuple[object, ...], limit: int) -> None:
    async def main() -> int | None:
        a = endpoint("a", Scripted(script), slots=Aimd(), limits=Limits(first_token_s=1.0))  # type: ignore[arg-type]
        async with routed(a) as router:
            await asyncio.gather(router.complete(ask()), return_exceptions=True)
            return router.fleet["a"].slots.limit

    assert run(main) == limit


def test_a_caller_who_leaves_or_runs_out_of_time_moves_nothing() -> None:
    async def main() -> int | None:
        async with routed(endpoint("a", Scripted(SILENT), slots=Aimd())) as router:
            left = asyncio.create_task(router.complete(ask()))
            asyncio.get_running_loop().call_later(1.0, left.cancel)
            await asyncio.gather(left, router.complete(ask(budget_s=1.0)), return_exceptions=True)
            return router.fleet["a"].slots.limit

    assert run(main) == 20


def test_a_limit_that_grows_lets_a_waiter_in_at_once() -> None:
    async def main() -> None:
        limit = Aimd(initial=1, window_s=0.25, samples=1)
        provider = Scripted(answers(0.25), answers(0.25), answers(8.0))
        async with routed(endpoint("a", provider, slots=limit), policies=[Slots(max_wait_s=60.0)]) as router:
            tasks = [asyncio.create_task(router.complete(ask())) for _ in range(4)]
            await asyncio.sleep(0.625)

            assert router.fleet["a"].slots.limit == 2
            assert provider.live == 2
            await asyncio.wait(tasks)

    run(main)


class Quota(Scripted):
    """A vendor who refuses at once what is above *at_once* calls in flight, and answers the others in half a second."""

    def __init__(self, at_once: int) -> None:
        super().__init__(answers(0.5))
        self.at_once = at_once
        self.refused = 0

    async def __call__(self, call: Call, emit: Emit) -> None:
        if self.live >= self.at_once:
            self.refused += 1
            raise e.RateLimited("too many at once")
        await super().__call__(call, emit)

    def forget(self) -> None:
        self.calls = self.refused = 0


async def seen_at(router: Router, rate_per_s: float, seconds: float, seed: int) -> list[int]:
    """The limit in every second of a load, after the first third of it."""
    limits: list[int] = []

    async def watch() -> None:
        while True:
            await asyncio.sleep(1.0)
            limits.append(router.fleet["a"].slots.limit or 0)

    watching = asyncio.create_task(watch())
    await play(router, poisson(rate_per_s, seconds, random.Random(seed), lambda _: ask(budget_s=8.0)))
    watching.cancel()
    return limits[int(seconds / 3) :]


@pytest.mark.parametrize("initial", [4, 60])
@pytest.mark.parametrize("seed", range(3))
def test_under_load_aimd_finds_a_quota_nobody_told_it(initial: int, seed: int) -> None:
    quota = Quota(20)

    async def main() -> list[int]:
        a = endpoint("a", quota, slots=Aimd(initial=initial), queue=100)
        async with routed(a, policies=[Slots(max_wait_s=8.0)]) as router:
            asyncio.get_running_loop().call_later(20.0, quota.forget)
            return await seen_at(router, 60.0, 60.0, seed)

    limits = run(main)
    assert 0.8 * 20 <= sum(limits) / len(limits) <= 1.1 * 20
    assert quota.refused < 0.03 * quota.calls


def long_and_short(dice: random.Random) -> tuple[object, ...]:
    """An answer whose first token takes a quarter of a second, and whose length is anybody's guess."""
    words = dice.choice((1, 1, 2, 10, 100))
    return answers(0.25, *["word"] * words, gap_s=0.25, usage=Usage(output_tokens=words))


@pytest.mark.parametrize("limit", [Aimd(initial=60), TtftGradient(initial=60)], ids=["aimd", "gradient"])
@pytest.mark.parametrize("seed", range(3))
def test_answers_of_all_lengths_never_shrink_a_limit(limit: Aimd | TtftGradient, seed: int) -> None:
    dice = random.Random(seed)
    provider = Scripted(*[long_and_short(dice) for _ in range(1000)])  # type: ignore[arg-type]

    async def main() -> list[int]:
        async with routed(endpoint("a", provider, slots=limit)) as router:
            return await seen_at(router, 8.0, 45.0, seed)

    limits = run(main)
    assert limits == sorted(limits)
    assert limits[0] >= 60


def test_prompts_of_all_sizes_never_shrink_a_limit_by_gradient() -> None:
    class ByPrompt(Scripted):
        async def __call__(self, call: Call, emit: Emit) -> None:
            await Scripted(answers(call.prompt_tokens / 1000))(call, emit)

    def question(dice: random.Random) -> Request:
        tokens = dice.choice((100, 4000))
        return Request(messages="hello", model="m", prompt_tokens=tokens)

    async def main() -> list[int]:
        async with routed(endpoint("a", ByPrompt(), slots=TtftGradient(initial=40))) as router:
            limits: list[int] = []
            for _ in range(30):
                arrivals = poisson(20.0, 2.0, random.Random(1), question)
                now_s = virtual_clock()
                await play(router, [type(each)(now_s + each.at_s, each.request) for each in arrivals])
                limits.append(router.fleet["a"].slots.limit or 0)
            return limits

    limits = run(main)
    assert limits == sorted(limits)
    assert limits[-1] > 40


class Knee(Scripted):
    """A server that takes what comes: above *at_once* calls in flight, first tokens wait in proportion."""

    def __init__(self, at_once: int) -> None:
        super().__init__()
        self.at_once = at_once

    async def __call__(self, call: Call, emit: Emit) -> None:
        with self._counted():
            await Scripted(answers(0.25 * max(1.0, self.live / self.at_once)))(call, emit)


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_keeps_calls_out_of_a_queue_at_the_other_end(seed: int) -> None:
    async def most_live(slots: TtftGradient | None) -> float:
        a = endpoint("a", knee := Knee(10), slots=slots, queue=1000)
        async with routed(a, policies=[Slots(max_wait_s=2.0)]) as router:
            calm = poisson(16.0, 30.0, random.Random(seed), lambda _: ask(budget_s=8.0))
            await play(router, calm)
            knee.most_live = 0
            now_s = virtual_clock()
            storm = poisson(60.0, 20.0, random.Random(seed), lambda _: ask(budget_s=8.0))
            await play(router, [type(each)(now_s + each.at_s, each.request) for each in storm])
            return knee.most_live

    async def main() -> tuple[float, float]:
        return await most_live(TtftGradient(initial=20)), await most_live(None)

    limited, unlimited = run(main)
    assert limited <= 30
    assert unlimited >= 3 * limited
