"""What second legs are paid with, and what their failures mean (I10, I18)."""

from __future__ import annotations

import asyncio

import pytest

from paceline.policies import Fallback, Hedge, LatencyBudget, Otherwise, Regions, Retry, Slots
from paceline.router import (
    Answer,
    Budget,
    Call,
    Emit,
    Extra,
    Handler,
    Outcome,
    Policy,
    Route,
)
from paceline.router.errors import ProviderError
from paceline.router.testing import (
    SILENT,
    Scripted,
    answers,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from .asking import routed
from .racing import QUICK, USUAL_S, answered, ask, hedged, late_and, make_known, quick


def test_with_the_budget_spent_there_is_no_second_leg() -> None:
    answer = answered(late_and(quick()), budget=Budget(reserve=0))

    assert (answer.endpoint, len(answer.attempts)) == ("late", 1)
    assert "the budget for second legs is spent" in answer.story()


@pytest.mark.parametrize(
    "budget", [Budget(caps={Extra.HEDGE: 0}), Budget(reserve=0, caps={})], ids=["its own cap", "the common budget"]
)
def test_what_cannot_be_paid_from_both_takes_nothing_from_either(budget: Budget) -> None:
    before = [budget.can(kind, 0.0) for kind in Extra]
    answered(late_and(quick()), budget=budget)

    assert [budget.can(kind, 0.0) for kind in Extra] == before
    assert budget.in_flight == 0


def test_a_second_leg_that_cannot_be_paid_yet_is_sent_a_little_later() -> None:
    """The one that is allowed in two seconds was sent half a second ago."""

    async def main() -> list[Answer]:
        budget = Budget(ttl_s=2.0, reserve=1, caps={})
        async with routed(late_and(quick()), [Hedge()], budget=budget) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            first = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(0.5)
            return [await first, await router.complete(ask())]

    first, then = run(main)
    assert first.attempts[1].sent_s == pytest.approx(USUAL_S, abs=0.01)
    assert 2.0 < then.attempts[1].sent_s < 3.0
    assert ["budget" in decision.reason for decision in then.decisions] == [True, False], "each reason is told once"


def test_a_second_leg_that_finds_no_slot_free_is_sent_when_it_finds_one() -> None:
    async def main() -> Answer:
        async with routed(late_and(quick(slots=1)), [Hedge()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            lease = router.fleet["quick"].slots.acquire_over_limit()
            asyncio.get_running_loop().call_later(1.0, lease.release)
            return await router.complete(ask())

    assert run(main).attempts[1].sent_s == pytest.approx(1.0, abs=0.26 * USUAL_S)


def test_it_looks_again_after_a_quarter_of_what_made_the_first_one_late() -> None:
    async def main() -> Answer:
        async with routed(late_and(quick(slots=1)), [Hedge()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            lease = router.fleet["quick"].slots.acquire_over_limit()
            asyncio.get_running_loop().call_later(1.02 * USUAL_S, lease.release)
            return await router.complete(ask())

    assert run(main).attempts[1].sent_s == pytest.approx(1.25 * USUAL_S, abs=0.02 * USUAL_S)


def test_second_legs_that_were_sent_are_paid_and_counted() -> None:
    async def main() -> tuple[int, int]:
        budget = Budget(reserve=6)
        async with routed(late_and(quick(), late=answers(3.0)), [Hedge()], budget=budget) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            tasks = [asyncio.create_task(router.complete(ask())) for _ in range(5)]
            done = await asyncio.gather(*tasks)
            report = router.report()
        return sum(len(hedged(answer)) for answer in done), report.by_route["m"].hedges

    assert run(main) == (3, 3)


def test_a_second_leg_that_was_not_sent_is_not_paid_nor_counted() -> None:
    """The budget has one; a policy inside refuses the second leg, twice."""

    async def refuses(call: Call, emit: Emit, next: Handler, /) -> None:
        if call.lease is not None:
            raise ProviderError("not this one")
        await next(call, emit)

    async def main() -> tuple[list[str], bool]:
        budget = Budget(reserve=2)
        async with routed(late_and(quick(), late=answers(2.0)), [Hedge(), refuses], budget=budget) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            await router.complete(ask())
            answer = await router.complete(ask())
            return [decision.reason for decision in answer.decisions], budget.can(Extra.HEDGE, virtual_clock())

    reasons, can = run(main)
    assert len(reasons) == 1
    assert reasons[0].endswith("asks quick as well")
    assert can


def test_a_first_leg_that_fails_before_it_is_late_is_retrys_business() -> None:
    answer = answered(late_and(quick(), late=fails(0.25, ProviderError)), [Retry(), Hedge()])

    assert (answer.endpoint, answer.retries, hedged(answer)) == ("quick", ("provider_error",), [])


def test_a_second_leg_that_fails_decides_nothing() -> None:
    failing = endpoint("b", Scripted(fails(0.125, ProviderError)))
    answer = answered(late_and(failing, late=answers(2.0, "late")), [Retry(), Hedge()])

    assert (answer.text, answer.total_s, answer.retries) == ("late", 2.0, ())


def test_when_both_fail_the_call_is_retried_elsewhere() -> None:
    failing = endpoint("b", Scripted(fails(0.125, ProviderError)))
    endpoints = late_and(failing, quick("c"), late=fails(1.0, ProviderError))
    answer = answered(endpoints, [Retry(), Hedge()], known={"late": 0.5, "b": 0.5})

    assert (answer.endpoint, answer.retries, hedged(answer)) == ("c", ("provider_error",), ["b"])


def test_each_try_may_be_hedged() -> None:
    endpoints = [
        endpoint("a", Scripted(fails(0.125, ProviderError))),
        *late_and(quick()),
    ]
    answer = answered(endpoints, [Retry(), Hedge()], known={"late": 0.5, "quick": 0.5})

    assert [(attempt.endpoint.name, attempt.hedge) for attempt in answer.attempts] == [
        ("a", False), ("late", False), ("quick", True),
    ]  # fmt: skip


def test_a_model_that_is_late_with_both_legs_is_left_for_the_next() -> None:
    best = [endpoint(name, Scripted(SILENT), model="best") for name in "ab"]
    fast = endpoint("c", Scripted(QUICK), model="fast")
    chat = Route(name="chat", models=("best", "fast"))

    async def main() -> Answer:
        async with routed([*best, fast], [Fallback(), Hedge()], [chat]) as router:
            make_known(router, a=0.5, b=0.5, c=0.5)
            return await router.complete(ask(model=None))

    answer = run(main)
    assert (answer.model, answer.total_s) == ("fast", 2.25)
    assert [attempt.outcome for attempt in answer.attempts] == [Outcome.TIMED_OUT, Outcome.TIMED_OUT, Outcome.OK]


def test_a_second_leg_that_the_latency_budget_refuses_decides_nothing() -> None:
    """The other endpoint would make it more often than not, and that is not often enough."""
    policies: list[Policy] = [Hedge(), Regions(), LatencyBudget(otherwise=Otherwise.REFUSE), Slots()]

    async def main() -> Answer:
        async with routed(late_and(quick(), late=answers(0.75)), policies) as router:
            make_known(router, late=USUAL_S, quick=0.25)
            make_known(router, 25, quick=2.0)
            return await router.complete(ask(budget_s=1.25))

    answer = run(main)
    assert (answer.endpoint, len(answer.attempts)) == ("late", 1)
    assert "asks quick as well" in answer.story()
