"""What only shows under load: who fails at once has nothing in flight, and a queue is not the only way to a slot."""

from __future__ import annotations

import asyncio
import random

import pytest

from paceline.policies import Fallback, LatencyBudget, Otherwise, Prefer, Regions, Retry, Slots
from paceline.router import Endpoint, Policy, Profile
from paceline.router.errors import AuthenticationFailed, CallError, ProviderError, RateLimited
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, play, poisson, run, virtual_clock

from .asking import hello, plenty, routed

M = hello(model="m")


def whole_stack() -> list[Policy]:
    return [Fallback(), Retry(), Regions(), LatencyBudget(), Slots()]


@pytest.mark.parametrize("rate_per_s", [1.0, 20.0])
@pytest.mark.parametrize("fault", [ProviderError, AuthenticationFailed])
def test_a_busy_fleet_is_not_emptied_into_an_endpoint_that_fails_at_once(
    fault: type[ProviderError | AuthenticationFailed], rate_per_s: float
) -> None:
    bad, good = Scripted(fails(0.001, fault)), Scripted(answers(1.0))

    async def main() -> int:
        endpoints = [endpoint("bad", bad), endpoint("good", good)]
        async with routed(endpoints, whole_stack(), budget=plenty()) as router:
            results = await play(router, poisson(rate_per_s, 60.0, random.Random(1), lambda _: M))
        assert all(result.answer is not None for result in results)
        return len(results)

    assert bad.calls <= 0.15 * run(main) + 5


def test_a_refusal_lets_one_call_at_a_time_find_out_about_the_unknown() -> None:
    unknown = Scripted(answers(10.0))
    endpoints = [endpoint("slow", Scripted(), profile=Profile(ttft_s=5.0)), endpoint("unknown", unknown)]

    async def main() -> list[str]:
        async with routed(endpoints, [LatencyBudget(otherwise=Otherwise.REFUSE), Slots()]) as router:

            async def one() -> str:
                try:
                    return (await router.complete(hello(model="m", budget_s=1.0))).endpoint
                except CallError as error:
                    return type(error).__name__

            return list(await asyncio.gather(*(one() for _ in range(50))))

    told = run(main)
    assert (unknown.calls, told.count("DeadlineInsufficient")) == (1, 49)


def test_a_call_that_waited_in_vain_takes_a_slot_that_is_free_elsewhere() -> None:
    a, b = Scripted(answers(0.25), SILENT), Scripted(answers(0.25), answers(1.0))

    async def main() -> str:
        endpoints = [endpoint("a", a, slots=1, queue=8), endpoint("b", b, slots=1, queue=0)]
        async with routed(endpoints, [Slots(max_wait_s=2.0)]) as router:
            for name in "ab":
                with router.fleet["b" if name == "a" else "a"].slots.acquire_over_limit():
                    await router.complete(M)
            busy = [asyncio.create_task(router.complete(M)) for _ in range(2)]
            await asyncio.sleep(0.125)
            served_by = (await router.complete(M)).endpoint
            for task in busy:
                task.cancel()
            return served_by

    assert run(main) == "b"


def test_a_retry_asks_again_in_time_though_the_untried_endpoint_is_not_allowed() -> None:
    limited = Scripted(fails(0.0, lambda: RateLimited("slow down", retry_after_s=1.0)), answers(0.25))
    endpoints = [endpoint("eu", limited, region="eu"), endpoint("us", Scripted(), region="us")]

    async def main() -> float:
        async with routed(endpoints, [Retry(), Regions(), Slots()]) as router:
            await router.complete(hello(model="m", residency={"eu"}))
        return virtual_clock()

    assert run(main) == 1.25


def test_the_cheapest_for_a_word_need_not_be_the_cheapest_for_a_book() -> None:
    prompt = {"price_in_per_m": 10.0, "price_out_per_m": 1.0}
    answer = {"price_in_per_m": 1.0, "price_out_per_m": 10.0}
    profile = Profile(ttft_s=0.25)
    endpoints: list[Endpoint] = [
        endpoint("dear-prompt", Scripted(), profile=profile, **prompt),
        endpoint("dear-answer", Scripted(), profile=profile, **answer),
    ]

    async def main() -> list[str]:
        async with routed(endpoints, [LatencyBudget(prefer=Prefer.CHEAPEST), Slots()]) as router:
            asked = [hello(model="m", prompt_tokens=1000, expected_tokens=tokens) for tokens in (1, 100_000)]
            return [(await router.complete(request)).endpoint for request in asked]

    assert run(main) == ["dear-answer", "dear-prompt"]


def test_callers_without_patience_do_not_make_an_endpoint_look_fast() -> None:
    slow = Scripted(*[answers(5.0)] * 5, SILENT)

    async def main() -> tuple[float | None, float | None]:
        async with routed([endpoint("slow", slow)], []) as router:
            for _ in range(5):
                await router.complete(M)
            await asyncio.sleep(11.0)
            for _ in range(3):
                with pytest.raises(CallError):
                    await router.complete(hello(model="m", budget_s=0.0625))
            outlook = router.fleet["slow"].outlook(virtual_clock())
            return outlook.ttft_s, outlook.p_first_token_within(0.5)

    ttft_s, chance = run(main)
    assert ttft_s is not None
    assert ttft_s >= 4.9
    assert chance == 0.0
