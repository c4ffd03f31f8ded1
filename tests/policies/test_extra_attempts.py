"""What a stack's policies pay for: every attempt beyond a call's first, from one budget, before any wait (I10..I12)."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from fractions import Fraction

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenacity import stop_after_attempt

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, RoundRobin, Slots
from paceline.router import (
    AttemptEnded,
    Budget,
    Call,
    Emit,
    Endpoint,
    Event,
    Extra,
    Handler,
    Limits,
    Permit,
    Policy,
    Request,
    Route,
    Router,
)
from paceline.router.errors import (
    AttemptFailed,
    AttemptTimeout,
    CallError,
    ConfigurationError,
    ConnectFailed,
    NoEndpoint,
    Overloaded,
    ProviderError,
    RateLimited,
)
from paceline.router.simulation.behaviour import Behaviour
from paceline.router.simulation.simulated import Simulated
from paceline.router.testing import (
    SILENT,
    Resist,
    Script,
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    play,
    poisson,
    run,
    virtual_clock,
)

from .asking import Ask, Told, hello, in_a_second, plenty, pushed, routed, told, whole

M = hello(model="m")
CHAT = Route(name="chat", models=("best", "fast"))
DOWN = fails(0.5, ProviderError)


def nothing() -> Budget:
    """A budget with nothing in it."""
    return Budget(ratio=0, reserve=0)


def paid_from(
    budget: Budget, ask: Ask, endpoints: Sequence[Endpoint], policies: Sequence[Policy], request: Request = M
) -> Told:
    """What the only call of a fresh router comes to, whose models are preferred as they are listed."""
    models = tuple(dict.fromkeys(endpoint.model for endpoint in endpoints))

    async def main() -> Told:
        async with routed(endpoints, policies, [Route(name="chat", models=models)], budget=budget) as router:
            return await told(ask, router, request)

    return run(main)


def two(best: Scripted, fast: Scripted) -> list[Endpoint]:
    return [endpoint("a", best, model="best"), endpoint("b", fast, model="fast")]


@pytest.mark.parametrize("script", [DOWN, fails(0.5, in_a_second)], ids=["down", "retry_after"])
def test_a_retry_that_cannot_be_paid_is_not_waited_for(ask: Ask, script: Script) -> None:
    a = Scripted(script)
    end = paid_from(nothing(), ask, [endpoint("a", a)], [Retry()])
    assert isinstance(end.error, AttemptFailed)
    assert (end.at_s, a.calls, end.error.retryable) == (0.5, 1, False)
    assert "gives up: the budget" in end.error.decisions[-1].reason


def test_a_try_elsewhere_after_no_connection_is_free(ask: Ask) -> None:
    models = [endpoint("a", Scripted(fails(0.5, ConnectFailed))), endpoint("b", Scripted(answers(0.25)))]
    end = paid_from(nothing(), ask, models, [Retry(), RoundRobin()])
    assert end.answer.endpoint == "b"


def test_a_try_at_the_same_endpoint_after_no_connection_is_not(ask: Ask) -> None:
    alone = Scripted(fails(0.5, ConnectFailed), answers(0.25))
    end = paid_from(nothing(), ask, [endpoint("a", alone)], [Retry()])
    assert isinstance(end.error, ConnectFailed)
    assert (alone.calls, end.error.retryable) == (1, False)


def test_what_no_retry_can_be_paid_for_no_other_model_is_asked_for_either(ask: Ask) -> None:
    best, fast = Scripted(DOWN), Scripted()
    end = paid_from(nothing(), ask, two(best, fast), [Fallback(), Retry()], hello())
    assert isinstance(end.error, ProviderError)
    assert (end.at_s, best.calls, fast.calls) == (0.5, 1, 0)


def test_another_model_that_cannot_be_paid_is_not_asked(ask: Ask) -> None:
    best, fast = Scripted(DOWN), Scripted()
    end = paid_from(nothing(), ask, two(best, fast), [Fallback()], hello())
    assert isinstance(end.error, ProviderError)
    assert (end.at_s, fast.calls, end.error.retryable) == (0.5, 0, False)
    assert "gives up: the budget" in end.error.decisions[-1].reason


def test_a_model_that_was_sent_nothing_is_passed_over_for_free(ask: Ask) -> None:
    best, fast = Scripted(), Scripted(answers(0.25, "fast"))
    models = [endpoint("a", best, model="best", region="us"), endpoint("b", fast, model="fast", region="eu")]
    end = paid_from(nothing(), ask, models, [Fallback(), Regions()], hello(residency={"eu"}))
    assert (end.answer.text, best.calls) == ("fast", 0)


def test_a_late_model_that_cannot_be_left_may_be_late(ask: Ask) -> None:
    best, fast = Scripted(answers(5.0, "late")), Scripted()
    end = paid_from(nothing(), ask, two(best, fast), [Fallback()], hello())
    assert (end.answer.text, end.at_s, end.answer.fell_back) == ("late", 5.0, False)
    assert "stays with best, though it is late" in end.answer.story()


def test_of_many_late_calls_as_many_leave_as_can_be_paid_and_the_others_are_answered_late(ask: Ask) -> None:
    best, fast = Scripted(answers(5.0, "late")), Scripted(answers(0.5, "fast"))

    async def main() -> list[str]:
        async with routed(two(best, fast), [Fallback()], [CHAT], budget=Budget(reserve=2)) as router:
            ends = await asyncio.gather(*(told(ask, router, hello()) for _ in range(5)))
        return sorted(end.answer.text for end in ends)

    assert run(main) == ["fast", "fast", "late", "late", "late"]


def test_a_late_model_that_is_kept_is_still_held_to_its_own_limits(ask: Ask) -> None:
    best, fast = Scripted(SILENT), Scripted()
    limits = Limits(first_token_s=4.0, total_s=6.0)
    models = [endpoint("a", best, model="best", limits=limits), endpoint("b", fast, model="fast")]
    end = paid_from(nothing(), ask, models, [Fallback()], hello(stream=ask is not whole))
    assert isinstance(end.error, AttemptTimeout)
    assert (end.error.limit, end.at_s) == (("total", 6.0) if ask is whole else ("first_token", 4.0))


class Impatient:
    """A policy with a limit of its own."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(start_by_s=call.clock() + 1.0), emit)


def test_another_policys_limit_is_its_own_and_holds(ask: Ask) -> None:
    best, fast = Scripted(SILENT), Scripted()
    end = paid_from(nothing(), ask, two(best, fast), [Fallback(), Impatient()], hello())
    assert isinstance(end.error, AttemptTimeout)
    assert (end.error.limit, end.at_s) == ("start", 1.0)


def test_an_extra_attempt_counts_as_long_as_it_lasts_and_no_longer(ask: Ask) -> None:
    counted = list[tuple[float, int]]()

    async def innermost(call: Call, emit: Emit, next: Handler) -> None:
        counted.append((call.clock(), call.budget.in_flight))
        await next(call, emit)

    best = Scripted(DOWN)
    fast = Scripted(DOWN, DOWN, answers(0.5, "fast"))
    models = [endpoint("a", best, model="best"), *(endpoint(name, fast, model="fast") for name in "bcd")]
    policies: list[Policy] = [Fallback(), Retry(), innermost]

    async def main() -> int:
        async with routed(models, policies, [CHAT]) as router:
            await told(ask, router, hello(budget_s=60.0))
            return router.budget.in_flight

    assert run(main) == 0
    assert [extra for _, extra in counted] == [0, *[1] * (len(counted) - 1)], "one at a time, so never two"


async def contended(call: Call, emit: Emit, next: Handler) -> None:
    """Somebody else has the last slot when a second try comes for it."""
    with call.target.slots.acquire_over_limit() if call.ledger.attempts else nullcontext():
        await next(call, emit)


def test_a_permit_for_an_attempt_that_was_not_made_is_given_back(ask: Ask) -> None:
    provider, budget = Scripted(DOWN), Budget(reserve=1)
    endpoints = [endpoint(name, provider, slots=1, queue=0) for name in "ab"]
    end = paid_from(budget, ask, endpoints, [Retry(), contended, Slots(max_wait_s=0.0)])
    assert isinstance(end.error, Overloaded)
    assert (provider.calls, budget.can(Extra.RETRY, end.at_s)) == (1, True)


def test_routers_that_share_a_budget_spend_it_together(ask: Ask) -> None:
    a, b = Scripted(DOWN), Scripted(DOWN)

    async def main() -> None:
        budget = Budget(reserve=2)
        async with (
            routed([endpoint("a", a)], [Retry()], budget=budget) as one,
            routed([endpoint("b", b)], [Retry()], budget=budget) as other,
        ):
            await told(ask, one, M)
            await told(ask, other, M)

    run(main)
    assert (a.calls, b.calls) == (3, 1)


class Doubled:
    """Two attempts at once, as a hedge makes them, if the second can be paid."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        permit = call.permit_for(Extra.HEDGE)
        second = None if permit is None else asyncio.create_task(self._second(call.with_(permit=permit), permit, next))
        try:
            await next(call, emit)
        finally:
            if second is not None:
                second.cancel()
                await asyncio.wait([second])

    async def _second(self, call: Call, permit: Permit, next: Handler) -> None:
        async def nowhere(chunk: object) -> None:
            pass

        with permit, suppress(AttemptFailed):
            await next(call, nowhere)


@pytest.mark.parametrize(("reserve", "attempts"), [(0, 1), (4, 2)])
def test_a_second_attempt_at_once_is_never_the_free_one(reserve: int, attempts: int) -> None:
    a = Scripted(answers(0.5))
    budget = Budget(reserve=reserve)
    end = paid_from(budget, whole, [endpoint("a", a)], [Doubled()])
    assert len(end.answer.attempts) == attempts
    assert budget.in_flight == 0


def test_two_attempts_that_are_late_at_once_pay_for_one_other_model(ask: Ask) -> None:
    best, fast, budget = Scripted(SILENT), Scripted(answers(0.5, "fast")), Budget(reserve=4)
    end = paid_from(budget, ask, two(best, fast), [Fallback(), Doubled()], hello())
    assert (end.answer.text, end.at_s) == ("fast", 2.5)
    attempts = [attempt.endpoint.model for attempt in end.answer.attempts]
    assert attempts == ["best", "best", "fast", "fast"]
    assert budget.left(Extra.FALLBACK, end.at_s) == 4 - 2 - 1, "two hedges and one fallback"


def test_a_permit_for_a_model_that_there_is_no_time_left_for_is_given_back(ask: Ask) -> None:
    best, fast, budget = Scripted((Resist(0.75), *SILENT)), Scripted(), Budget(reserve=1)
    end = paid_from(budget, ask, two(best, fast), [Fallback()], hello(budget_s=2.5))
    assert isinstance(end.error, AttemptTimeout)
    assert (end.at_s, fast.calls) == (2.75, 0)
    assert (budget.in_flight, budget.left(Extra.FALLBACK, end.at_s)) == (0, 1)


def test_whatever_the_failure_another_model_that_cannot_be_paid_is_not_asked(ask: Ask) -> None:
    async def gone(call: Call, emit: Emit, next: Handler) -> None:
        with suppress(AttemptFailed):
            await next(call, emit)
        raise NoEndpoint("they have all gone")

    best, fast = Scripted(DOWN), Scripted()
    end = paid_from(nothing(), ask, two(best, fast), [Fallback(), gone], hello())
    assert isinstance(end.error, NoEndpoint)
    assert (end.at_s, fast.calls) == (0.5, 0)


@pytest.mark.parametrize("way", [whole, pushed], ids=["whole", "pushed"])
def test_wherever_a_call_is_cancelled_nothing_stays_counted(way: Ask) -> None:
    """The call fails, backs off, fails, falls back and is answered."""
    budgets = list[Budget]()

    async def scenario() -> None:
        best, fast = Scripted(DOWN, SILENT), Scripted(answers(0.5, "one", "two", gap_s=0.5))
        budgets.append(Budget(reserve=100, min_concurrent=0, in_flight_share=1))
        async with routed(two(best, fast), [Fallback(), Retry(), Slots()], [CHAT], budget=budgets[-1]) as router:
            await way(router, hello())
            assert (best.calls, fast.calls) == (2, 1)

    def nothing_is_counted(point: int) -> None:
        assert budgets[-1].in_flight == 0, point
        assert not budgets[-1].can(Extra.RETRY, virtual_clock()), f"{point}: a call is still counted as in flight"

    assert cancel_everywhere(scenario, nothing_is_counted) >= 4


MODELS = ("best", "fast", "spare")


def fleet_of_three(provider: Scripted) -> list[Endpoint]:
    return [endpoint(f"{model}-{number}", provider, model=model) for model in MODELS for number in range(3)]


def test_ten_thousand_calls_that_all_fail_bring_no_more_than_the_reserve() -> None:
    """Three tries at each of three models would be nine attempts a call."""
    down = Simulated(behaviour=Behaviour(error_rate=1.0, error_after_s=0.125))
    endpoints = [Endpoint(name=f"{model}-{n}", provider=down, model=model) for model in MODELS for n in range(3)]
    policies: list[Policy] = [Fallback(), Retry(), RoundRobin()]
    attempts = itertools.count()

    def count(event: Event) -> None:
        if isinstance(event, AttemptEnded):
            next(attempts)

    async def main() -> float:
        async with Router(
            endpoints, [Route(name="chat", models=MODELS)], policies, clock=virtual_clock, listeners=[count]
        ) as router:

            async def one() -> None:
                with suppress(CallError):
                    await router.complete(hello())
                    raise AssertionError("a call was answered")

            async with anyio.create_task_group() as calls:
                for _ in range(10_000):
                    calls.start_soon(one)
                    await anyio.sleep(1 / 512)
        return virtual_clock()

    windows = run(main) // 10 + 1
    assert 10_000 < next(attempts) <= 10_000 + 10 * windows


@settings(max_examples=15)
@given(
    failing=st.lists(st.sampled_from([ProviderError, RateLimited, None, None]), min_size=1, max_size=12),
    ratio=st.sampled_from([0.1, 0.3, 1.5]),
    reserve=st.integers(0, 5),
    tries=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_whatever_fails_the_attempts_stay_within_the_budget(
    failing: list[type[AttemptFailed] | None], ratio: float, reserve: int, tries: int, seed: int
) -> None:
    provider = Scripted(*[answers(0.25) if kind is None else fails(0.125, kind) for kind in failing * 200])
    policies: list[Policy] = [Fallback(), Retry(stop=stop_after_attempt(tries)), Regions(), LatencyBudget(), Slots()]
    budget = Budget(ratio=ratio, reserve=reserve, min_concurrent=1000)

    async def main() -> tuple[int, int, float]:
        async with routed(
            fleet_of_three(provider), policies, [Route(name="chat", models=MODELS)], budget=budget
        ) as router:
            arrivals = poisson(10.0, 12.0, random.Random(seed), lambda _: hello())
            results = await play(router, arrivals)
        return len(results), sum(result.answer is not None for result in results), virtual_clock()

    calls, answered, lasted_s = run(main)
    assert provider.calls <= calls + Fraction(str(ratio)) * answered + reserve * (lasted_s // 10 + 1)
    assert budget.in_flight == 0


def test_every_router_has_a_budget_of_its_own_unless_it_is_given_one() -> None:
    given = plenty()
    one, other = (Router([endpoint("a", Scripted())]) for _ in range(2))

    assert one.budget is not other.budget
    assert Router([endpoint("a", Scripted())], budget=given).budget is given
    with pytest.raises(ConfigurationError, match="Router: budget must be a Budget, not float"):
        Router([endpoint("a", Scripted())], budget=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "models", [("best", "spare"), ("best", "spare", "last")], ids=["to the last", "to one between"]
)
def test_a_permit_for_a_model_that_was_sent_nothing_is_given_back(ask: Ask, models: tuple[str, ...]) -> None:
    """The first model is left, and paid for; the others have no slot free."""
    budget = Budget(reserve=1)
    endpoints = [
        endpoint("best", Scripted(DOWN), model="best"),
        *(endpoint(model, Scripted(answers(0.25)), model=model, slots=1, queue=0) for model in models[1:]),
    ]

    async def main() -> tuple[Told, int, bool]:
        route = Route(name="chat", models=models)
        async with routed(endpoints, [Fallback(), Slots(max_wait_s=0.0)], [route], budget=budget) as router:
            for model in models[1:]:
                router.fleet[model].slots.acquire_over_limit()
            end = await told(ask, router, hello())
            return end, budget.in_flight, budget.can(Extra.FALLBACK, end.at_s)

    end, in_flight, can = run(main)
    assert len(end.error.attempts) == 1
    assert (in_flight, can) == (0, True)
