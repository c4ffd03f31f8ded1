"""`Hedge`: when the second leg starts, where it goes, what it is paid with, and when there is none (I10, I14, I19)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Fallback, Hedge, LatencyBudget, Otherwise, Regions, Retry, RoundRobin, Slots
from paceline.router import (
    Answer,
    Budget,
    Call,
    Chunk,
    Emit,
    Endpoint,
    Extra,
    Handler,
    Limits,
    Outcome,
    Policy,
    Profile,
    Request,
    Route,
    Router,
)
from paceline.router.errors import ConfigurationError, ProviderError, RateLimited, StreamInterrupted
from paceline.router.testing import (
    SILENT,
    Arrival,
    Cut,
    Say,
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

from .asking import Ask, in_pieces, plenty, pushed, routed, whole
from .racing import ENOUGH, USUAL_S, ask, make_known

QUICK = answers(0.25, "quick")
LATE = answers(30.0, "late")


def late_and(*others: Endpoint, late: Script = LATE, **fields: object) -> list[Endpoint]:
    """The endpoint ``late``, which calls go to first, and others."""
    return [endpoint("late", Scripted(late), limits=Limits(first_token_s=None), **fields), *others]


def quick(name: str = "quick", **fields: object) -> Endpoint:
    return endpoint(name, Scripted(QUICK), **fields)


def answered(
    endpoints: Sequence[Endpoint],
    policies: Sequence[Policy] = (Hedge(),),
    *,
    way: Ask = whole,
    budget: Budget | None = None,
    routes: Sequence[Route] = (),
    known: dict[str, float] | None = None,
    request: Request | None = None,
) -> Answer:
    """What one call comes to, of a router that knows all its endpoints well unless told which it knows."""

    async def main() -> Answer:
        async with routed(endpoints, policies, routes, budget=budget) as router:
            make_known(router, **(known or dict.fromkeys((each.name for each in endpoints), USUAL_S)))
            answer = await way(router, request or ask())
            await asyncio.sleep(0.0)
            assert all(target.in_flight == 0 for target in router.fleet)
            assert router.budget.in_flight == 0
            return answer

    return run(main)


def hedged(answer: Answer) -> list[str]:
    """Where second legs were sent."""
    return [attempt.endpoint.name for attempt in answer.attempts if attempt.hedge]


# -- when


@pytest.mark.parametrize("way", [whole, in_pieces])
def test_when_the_first_is_late_a_second_is_asked_and_the_first_to_speak_answers(way: Ask) -> None:
    answer = answered(late_and(quick()), way=way)

    assert (answer.endpoint, answer.text) == ("quick", "quick")
    assert answer.ttft_s == pytest.approx(USUAL_S + 0.25, abs=0.01)
    assert [(attempt.endpoint.name, attempt.hedge, attempt.outcome) for attempt in answer.attempts] == [
        ("late", False, Outcome.CANCELLED),
        ("quick", True, Outcome.OK),
    ]
    assert "Hedge: late takes more than 0.501 s, as it seldom does; asks quick as well" in answer.story()
    assert "#2 quick (second leg) ok" in answer.story()


def test_what_speaks_in_time_is_not_hedged() -> None:
    answer = answered(late_and(quick(), late=answers(USUAL_S, "in time", "and on", gap_s=2.0)))

    assert (answer.text, len(answer.attempts)) == ("in timeand on", 1)


def test_the_first_one_may_still_win() -> None:
    answer = answered(late_and(quick(), late=answers(USUAL_S + 0.125, "late")))

    assert (answer.endpoint, hedged(answer)) == ("late", ["quick"])
    assert [attempt.outcome for attempt in answer.attempts] == [Outcome.OK, Outcome.CANCELLED]


def test_the_second_leg_starts_at_the_first_endpoints_own_quantile() -> None:
    async def main() -> float:
        async with routed(late_and(quick()), [Hedge(quantile=0.5)]) as router:
            make_known(router, 60, late=1.0, quick=0.1)
            make_known(router, 40, late=3.0)
            answer = await router.complete(ask())
            return answer.attempts[1].sent_s

    assert run(main) == pytest.approx(1.0, abs=0.1)


def test_it_waits_at_least_as_long_as_it_is_told() -> None:
    answer = answered(late_and(quick()), [Hedge(least_s=2.0)])

    assert answer.attempts[1].sent_s == 2.0


def test_a_silence_that_grows_does_not_put_off_the_second_leg() -> None:
    """Of an endpoint that has fallen silent more is expected every second; its percentile is what was measured."""

    async def main() -> list[float]:
        async with routed(late_and(quick()), [Hedge()], budget=plenty()) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            tasks: list[asyncio.Task[Answer]] = []
            for _ in range(5):
                tasks.append(asyncio.create_task(router.complete(ask())))
                await asyncio.sleep(0.125)
            answers = await asyncio.gather(*tasks)
        return [answer.attempts[1].sent_s - answer.attempts[0].sent_s for answer in answers]

    assert run(main) == pytest.approx([USUAL_S] * 5, abs=0.01)


def test_after_the_first_progress_there_is_no_second_leg() -> None:
    async def main() -> int:
        late = (Say(0.25, Chunk("half")), Cut(5.0))
        async with routed(late_and(quick(), late=late), [Retry(), Hedge()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            with pytest.raises(StreamInterrupted) as caught:
                await in_pieces(router, ask())
            return len(caught.value.attempts)

    assert run(main) == 1


async def committed(call: Call, emit: Emit, next: Handler, /) -> None:
    """As if an outer policy went on with an answer that the caller has begun to read."""
    call.ledger.committed = True
    await next(call, emit)


@pytest.mark.parametrize(
    ("policies", "question", "others"),
    [
        ([Hedge()], ask(stream=False), [quick()]),
        ([committed, Hedge()], ask(), [quick()]),
        ([Hedge()], ask(), []),
    ],
    ids=["one piece", "committed", "alone"],
)
def test_where_no_second_leg_can_help_the_call_is_only_passed_on(
    policies: list[Policy], question: Request, others: list[Endpoint]
) -> None:
    tasks: list[bool] = []

    async def innermost(call: Call, emit: Emit, next: Handler, /) -> None:
        tasks.append(asyncio.current_task() is caller[0])
        await next(call, emit)

    caller: list[asyncio.Task[object] | None] = []

    async def main() -> Answer:
        caller.append(asyncio.current_task())
        async with routed(late_and(*others), [*policies, innermost]) as router:
            make_known(router, **{target.name: USUAL_S for target in router.fleet})
            return await router.complete(question)

    assert (run(main).text, tasks) == ("late", [True])


@pytest.mark.parametrize("known", [{}, {"quick": USUAL_S}], ids=["nothing is known", "only the other is known"])
def test_an_endpoint_of_which_too_little_is_known_is_never_late(known: dict[str, float]) -> None:
    async def main() -> Answer:
        async with routed(late_and(quick(), profile=Profile(ttft_s=0.1)), [Hedge()]) as router:
            make_known(router, **known)
            return await router.complete(ask())

    answer = run(main)

    assert (answer.endpoint, len(answer.attempts)) == ("late", 1)


@pytest.mark.parametrize(("samples", "attempts"), [(ENOUGH - 1, 1), (ENOUGH, 2)])
def test_as_many_first_tokens_as_it_says_make_an_endpoint_known(samples: int, attempts: int) -> None:
    async def main() -> int:
        async with routed(late_and(quick()), [Hedge()]) as router:
            make_known(router, samples, late=USUAL_S)
            make_known(router, quick=USUAL_S)
            return len((await router.complete(ask())).attempts)

    assert run(main) == attempts


def test_a_quantile_beyond_all_that_was_seen_is_unknown_and_starts_nothing() -> None:
    async def main() -> int:
        async with routed(late_and(quick()), [Hedge()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            for _ in range(10):
                router.fleet["late"].learned.ttft.record_censored(20.0, 0, 0.0)
            return len((await router.complete(ask())).attempts)

    assert run(main) == 1


def test_what_could_not_start_in_time_is_not_begun() -> None:
    answer = answered(late_and(quick(), late=answers(0.7)), request=ask(budget_s=0.9))

    assert len(answer.attempts) == 1
    assert "no other endpoint is known, well and free" in answer.story()


def test_an_endpoint_that_is_late_only_after_the_deadline_is_not_late() -> None:
    async def main() -> int:
        async with routed(late_and(quick(), late=answers(0.25)), [Hedge()]) as router:
            make_known(router, late=5.0, quick=USUAL_S)
            return len((await router.complete(ask(budget_s=1.0))).decisions)

    assert run(main) == 0


# -- where


def region(name: str, place: str, **fields: object) -> Endpoint:
    return quick(name, region=place, **fields)


@pytest.mark.parametrize(
    ("known", "chosen"),
    [
        ({"near": 0.5, "far": 0.7}, "far"),
        ({"near": 0.5, "far": 0.8}, "near"),
        ({"near": 0.5, "beside": 0.6}, "beside"),
        ({"near": 0.5, "beside": 0.5, "far": 0.7}, "far"),
        ({"near": 0.5}, "near"),
    ],
)
def test_it_goes_elsewhere_as_far_as_what_is_there_is_nearly_as_fast(known: dict[str, float], chosen: str) -> None:
    others = {
        "near": region("near", "here"),
        "beside": region("beside", "here", domain="another vendor"),
        "far": region("far", "there"),
    }
    answer = answered(late_and(*(others[name] for name in known)), known={"late": USUAL_S, **known})

    assert hedged(answer) == [chosen]


def test_of_equals_it_goes_where_least_is_under_way() -> None:
    async def main() -> list[str]:
        async with routed(late_and(quick("b"), quick("c")), [Hedge()]) as router:
            make_known(router, late=USUAL_S, b=USUAL_S, c=USUAL_S)
            with router.fleet["b"].slots.acquire_over_limit():
                return hedged(await router.complete(ask()))

    assert run(main) == ["c"]


def test_it_goes_to_none_of_which_nothing_was_seen_nor_to_one_that_fails() -> None:
    async def main() -> Answer:
        others = [quick("new", profile=Profile(ttft_s=0.1)), quick("ill")]
        async with routed(late_and(*others, late=answers(1.0)), [Hedge()]) as router:
            make_known(router, late=USUAL_S, ill=USUAL_S)
            for _ in range(5):
                router.fleet["ill"].learned.recent.outcome(failed=True, now_s=0.0)
            return await router.complete(ask())

    answer = run(main)
    assert len(answer.attempts) == 1
    assert "no other endpoint is known, well and free" in answer.story()


def test_it_goes_to_none_that_has_asked_to_be_left_alone() -> None:
    async def main() -> Answer:
        told_off = endpoint("gated", Scripted(fails(0.0, lambda: RateLimited("slow down", retry_after_s=60.0)), QUICK))
        async with routed(late_and(told_off), [Retry(), Hedge(), RoundRobin()]) as router:
            make_known(router, late=USUAL_S, gated=USUAL_S)
            await router.complete(ask())
            return await router.complete(ask())

    assert hedged(run(main)) == []


def test_a_call_that_is_bound_to_regions_is_bound_with_every_leg() -> None:
    others = [region("near", "us"), region("far", "eu")]
    bound = Route(name="chat", models="m", residency=frozenset({"here", "eu"}))
    known = {"late": 0.5, "near": 0.1, "far": 0.9}
    answer = answered(late_and(*others), [Hedge(), Regions()], routes=[bound], known=known, request=ask(route="chat"))

    assert hedged(answer) == ["far"]
    assert {attempt.endpoint.region for attempt in answer.attempts} == {"here", "eu"}


def test_it_has_the_quality_that_was_asked_for() -> None:
    others = [quick("poor"), quick("good", quality=2)]
    known = {"late": USUAL_S, "poor": 0.1, "good": USUAL_S}
    answer = answered(late_and(*others, quality=2), known=known, request=ask(min_quality=2))

    assert hedged(answer) == ["good"]


def test_what_was_tried_before_is_not_asked_again() -> None:
    """The first try fails at ``b``, the second is late at ``late``: there is nobody left."""

    async def main() -> Answer:
        failing = endpoint("b", Scripted(fails(0.0, ProviderError)))
        async with routed([failing, *late_and()], [Retry(), Hedge()]) as router:
            make_known(router, late=USUAL_S, b=USUAL_S)
            return await router.complete(ask())

    assert hedged(run(main)) == []


def test_of_a_thousand_some_are_looked_at() -> None:
    others = [endpoint(f"b{number}", Scripted(QUICK)) for number in range(100)]

    assert len(hedged(answered(late_and(*others)))) == 1


# -- a free slot


def test_it_takes_a_slot_that_is_free_and_holds_it_once() -> None:
    most: list[int] = []

    async def main() -> None:
        async with routed(late_and(quick(slots=1)), [Hedge(), Slots()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            lease = router.fleet["quick"].slots.acquire_over_limit()
            task = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(0.25)
            lease.release()
            await asyncio.sleep(0.375)
            most.extend(target.in_flight for target in router.fleet)
            assert (await task).endpoint == "quick"
            assert [target.in_flight for target in router.fleet] == [0, 0]

    run(main)
    assert most == [1, 1]


def waits(*, hedging: object) -> tuple[list[float | None], int]:
    """Waits of calls to a fleet that is full, and how many second legs there were."""

    async def main() -> tuple[list[float | None], int]:
        slow = endpoint("a", Scripted(*(answers(0.25 + number % 5 / 2) for number in range(100))), slots=2)
        other = endpoint("b", Scripted(answers(0.5)), slots=2)
        stack: list[Policy] = [Hedge(), Slots(max_wait_s=60.0)] if hedging else [Slots(max_wait_s=60.0)]
        async with routed([slow, other], stack, budget=plenty()) as router:
            make_known(router, a=0.25, b=0.5)
            busy_ones = [router.fleet["b"].slots.acquire_over_limit() for _ in range(2)]
            arrivals = poisson(1.5, 30.0, random.Random(3), lambda _: ask())
            results = await play(router, arrivals)
            for lease in busy_ones:
                lease.release()
        waited = [result.answer.attempts[0].slot_wait_s for result in results if result.answer is not None]
        second = sum(len(hedged(result.answer)) for result in results if result.answer is not None)
        return list(waited), second

    return run(main)


def test_while_all_others_are_full_nothing_is_hedged_and_everybody_waits_as_long_as_without_hedging() -> None:
    with_hedging, second_legs = waits(hedging=True)
    without, _ = waits(hedging=False)

    assert second_legs == 0
    assert with_hedging == without
    assert max(wait or 0.0 for wait in without) > 0.0


def test_a_first_leg_that_waited_for_its_slot_is_late_from_its_sending() -> None:
    async def main() -> Answer:
        endpoints = [*late_and(slots=1), quick(slots=1, queue=0)]
        async with routed(endpoints, [Hedge(), Slots()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            for target in router.fleet:
                lease = target.slots.acquire_over_limit()
                asyncio.get_running_loop().call_later(1.0, lease.release)
            return await router.complete(ask())

    first, second = run(main).attempts
    assert (first.endpoint.name, first.sent_s) == ("late", 1.0)
    assert second.sent_s == pytest.approx(1.0 + USUAL_S, abs=0.01)


# -- what it is paid with


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


# -- failures


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


# -- as a whole


def test_it_stands_outside_what_chooses_and_inside_what_repeats() -> None:
    Router([quick()], [], [Fallback(), Retry(), Hedge(), Regions(), LatencyBudget(), Slots()])
    with pytest.raises(ConfigurationError, match="put Hedge before Slots"):
        Router([quick()], [], [Slots(), Hedge()])
    with pytest.raises(ConfigurationError, match="put Retry before Hedge"):
        Router([quick()], [], [Hedge(), Retry()])


@pytest.mark.parametrize("wrong", [{"quantile": 1.0}, {"quantile": 0.0}, {"least_s": -1.0}, {"fewest": 0}])
def test_settings_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=f"Hedge: {next(iter(wrong))} must be"):
        Hedge(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", [whole, pushed, in_pieces])
@pytest.mark.parametrize("policies", [[Hedge()], [Retry(), Hedge(), Regions(), LatencyBudget(), Slots()]])
def test_wherever_a_hedged_call_is_cancelled_nothing_is_left(policies: list[Policy], way: Ask) -> None:
    routers: list[Router] = []

    async def scenario() -> None:
        endpoints = late_and(endpoint("quick", Scripted(answers(0.25, "one", "two", gap_s=0.5)), slots=1), slots=1)
        async with routed(endpoints, policies) as router:
            routers.append(router)
            make_known(router, late=USUAL_S, quick=USUAL_S)
            await way(router, ask())

    def nothing_is_held(point: int) -> None:
        assert all(target.in_flight == 0 for target in routers[-1].fleet), point
        assert routers[-1].budget.in_flight == 0, point

    assert cancel_everywhere(scenario, nothing_is_held) >= 1


@settings(max_examples=60, deadline=None)
@given(first_s=st.floats(0.0, 4.0), second_s=st.floats(0.0, 4.0), leaves_s=st.floats(0.01, 4.0))
def test_whenever_the_caller_leaves_nothing_is_left(first_s: float, second_s: float, leaves_s: float) -> None:
    async def main() -> None:
        endpoints = late_and(endpoint("b", Scripted(answers(second_s, "b", "b", gap_s=0.5))), late=answers(first_s))
        async with routed(endpoints, [Hedge()]) as router:
            make_known(router, late=USUAL_S, b=USUAL_S)
            task = asyncio.create_task(router.complete(ask()))
            asyncio.get_running_loop().call_later(leaves_s, task.cancel)
            await asyncio.wait([task])
            await asyncio.sleep(0.0)
            assert all(target.in_flight == 0 for target in router.fleet)
            assert (router.budget.in_flight, len(asyncio.all_tasks())) == (0, 1)

    run(main)


def test_two_runs_with_one_seed_are_the_same() -> None:
    def story() -> list[str]:
        async def main() -> list[str]:
            dice = random.Random(5)
            endpoints = [
                endpoint(name, Scripted(*(answers(dice.expovariate(2.0)) for _ in range(200))), slots=4)
                for name in "abc"
            ]
            async with routed(endpoints, [Retry(), Hedge(), Regions(), LatencyBudget(), Slots()]) as router:
                make_known(router, a=USUAL_S, b=USUAL_S, c=USUAL_S)
                arrivals: list[Arrival] = poisson(8.0, 20.0, dice, lambda _: ask())
                results = await play(router, arrivals)
            stories = [result.answer.story() for result in results if result.answer is not None]
            assert sum("(second leg)" in told for told in stories) > 3
            return stories

        return run(main)

    assert story() == story()
