"""`Hedge`: when the second leg starts, and the whole of it (I14)."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Fallback, Hedge, LatencyBudget, Regions, Retry, Slots
from paceline.router import (
    Answer,
    Call,
    Chunk,
    Emit,
    Endpoint,
    Handler,
    Limits,
    Outcome,
    Policy,
    Profile,
    Request,
    Router,
)
from paceline.router.errors import ConfigurationError, ProviderError, StreamInterrupted
from paceline.router.testing import (
    Arrival,
    Cut,
    Say,
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
from .racing import ENOUGH, USUAL_S, answered, ask, hedged, late_and, make_known, quick


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


def test_where_nothing_is_known_nobody_is_late() -> None:
    async def main() -> Answer:
        async with routed(late_and(quick(), profile=Profile(ttft_s=0.1)), [Hedge()]) as router:
            return await router.complete(ask())

    answer = run(main)

    assert (answer.endpoint, len(answer.attempts)) == ("late", 1)


def test_an_endpoint_of_which_too_little_is_known_is_late_when_half_of_the_others_would_be() -> None:
    async def main() -> Answer:
        others = [quick("swift"), quick("quick"), quick("calm"), quick("unknown")]
        async with routed(late_and(*others), [Hedge()]) as router:
            make_known(router, swift=0.1, quick=0.4, calm=5.0)
            return await router.complete(ask())

    answer = run(main)

    assert hedged(answer) == [answer.endpoint] == ["swift"]
    assert answer.attempts[1].sent_s == pytest.approx(0.4, rel=0.05)


@pytest.mark.parametrize(("samples", "attempts"), [(ENOUGH - 1, 1), (ENOUGH, 2)])
def test_as_many_first_tokens_as_it_says_make_an_endpoint_known(samples: int, attempts: int) -> None:
    async def main() -> int:
        async with routed(late_and(quick()), [Hedge()]) as router:
            make_known(router, samples, late=USUAL_S)
            make_known(router, 1, quick=USUAL_S)
            return len((await router.complete(ask())).attempts)

    assert run(main) == attempts


def test_a_quantile_beyond_all_that_was_seen_is_unknown_and_starts_nothing() -> None:
    async def main() -> int:
        async with routed(late_and(quick()), [Hedge()]) as router:
            make_known(router, late=USUAL_S)
            make_known(router, 1, quick=USUAL_S)
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


def test_a_call_that_was_answered_leaves_no_timer() -> None:
    async def main() -> None:
        async with routed(late_and(quick(), late=answers(0.25)), [Hedge()]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            await router.complete(ask(budget_s=None))
            timers: list[asyncio.TimerHandle] = getattr(asyncio.get_running_loop(), "_scheduled")  # noqa: B009
            left = [repr(timer) for timer in timers if not timer.cancelled() and timer.when() > virtual_clock() + 0.2]
            assert [timer for timer in left if "Timers._go_off" not in timer] == [], "but the router's own, for limits"

    run(main)


async def twice(call: Call, emit: Emit, next: Handler, /) -> None:
    """Once more, within the same leg, after a failure."""
    try:
        await next(call, emit)
    except ProviderError:
        await next(call, emit)


def test_an_attempt_that_follows_another_in_one_leg_is_late_from_its_own_sending() -> None:
    provider = Scripted(fails(0.375, ProviderError), answers(30.0))
    endpoints = [endpoint("late", provider, limits=Limits(first_token_s=None)), quick()]

    async def main() -> Answer:
        async with routed(endpoints, [Hedge(), twice]) as router:
            make_known(router, late=USUAL_S, quick=USUAL_S)
            return await router.complete(ask())

    (second,) = [attempt for attempt in run(main).attempts if attempt.hedge]
    assert second.sent_s == pytest.approx(0.375 + USUAL_S, abs=0.01)
