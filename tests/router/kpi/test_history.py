"""The history that every router keeps: what it takes down, for whom, and how little of it."""

import asyncio
import random

from paceline.policies import Retry
from paceline.router import (
    AttemptEnded,
    CallEnded,
    CallOutcome,
    Event,
    History,
    HistoryShape,
    Outcome,
    Request,
    Route,
    Router,
)
from paceline.router.errors import ProviderError
from paceline.router.testing import Scripted, answers, cancel_everywhere, endpoint, fails, run, virtual_clock

from .telling import HERE, attempt, ended

CHAT = Route(name="chat", models="m")
QUESTION = Request(messages="hello", route="chat")


def test_a_router_takes_down_its_calls_and_attempts_without_being_asked() -> None:
    async def main() -> None:
        flaky = Scripted(fails(0.25, ProviderError), answers(0.5, "a", "b", gap_s=0.5))
        async with Router(
            [endpoint("a", flaky), endpoint("b", flaky)], [CHAT], [Retry()], clock=virtual_clock
        ) as router:
            await router.complete(QUESTION)

            (call,) = router.history.rows("chat", 0.0, 10.0)
            assert (call.outcome, call.endpoint, call.elsewhere_s) == (CallOutcome.ANSWERED, "b", 0.25)
            assert (call.ttft_s, call.total_s, call.retried_from) == (0.75, 1.25, ("a",))
            (lost,), (won,) = (router.history.attempts(name, 0.0, 10.0) for name in "ab")
            assert (lost.outcome, lost.reason, lost.total_s) == (Outcome.FAILED, "provider_error", 0.25)
            assert (won.outcome, won.ttft_s, won.total_s) == (Outcome.OK, 0.5, 1.0)

    run(main)


def test_who_else_listens_hears_the_same() -> None:
    heard: list[Event] = []

    async def main() -> int:
        router = Router([endpoint("a", Scripted())], [CHAT], clock=virtual_clock, listeners=[heard.append])
        async with router:
            await router.complete(QUESTION)
        return len(router.history.rows("chat", -1.0, 1.0))

    assert run(main) == 1
    assert [type(event) for event in heard] == [AttemptEnded, CallEnded]


def test_two_routers_keep_a_history_each() -> None:
    async def main() -> tuple[int, int]:
        a = endpoint("a", Scripted())
        async with Router([a], [CHAT], clock=virtual_clock) as one, Router([a], [CHAT], clock=virtual_clock) as other:
            await one.complete(QUESTION)
            return one.report().by_route["chat"].calls, other.report().by_route["chat"].calls

    assert run(main) == (1, 0)


def test_an_attempt_that_outlives_its_call_is_taken_down_when_it_ends() -> None:
    kept = History(HistoryShape(), random.Random(1))
    loser = attempt(sent_s=0.5, outcome=Outcome.RUNNING)
    call = ended(attempt(first_s=0.25, finished_s=1.0), loser, at_s=1.0, hedges=1)
    kept(call)
    loser.outcome, loser.finished_s = Outcome.CANCELLED, 3.0

    kept(AttemptEnded(at_s=3.0, call=call.call, attempt=loser))

    (row,) = kept.attempts(HERE.name, 0.0, 10.0)
    assert (row.outcome, row.total_s, row.ended_s) == (Outcome.CANCELLED, 2.5, 3.0)
    assert len(kept.rows("chat", 0.0, 10.0)) == 1


def test_of_what_it_does_not_know_it_has_no_rows() -> None:
    kept = History(HistoryShape(), random.Random(1))

    kept(Event(at_s=1.0))

    assert (kept.rows("chat", 0.0, 10.0), kept.attempts("here", 0.0, 10.0)) == ((), ())


def test_the_rate_counts_from_when_the_router_was_first_opened() -> None:
    async def main() -> float | None:
        router = Router([endpoint("a", Scripted())], [CHAT], clock=virtual_clock)
        await asyncio.sleep(100.0)
        for _ in range(2):
            async with router:
                await router.complete(QUESTION)
                await asyncio.sleep(30.0)
        return router.report().by_route["chat"].per_minute

    assert run(main) == 2.0


def test_wherever_a_call_is_cancelled_it_is_taken_down_once_and_as_that() -> None:
    routers: list[Router] = []

    async def scenario() -> None:
        provider = Scripted(answers(0.25, "a", "b", gap_s=0.25))
        router = Router([endpoint("a", provider)], [CHAT], [Retry()], clock=virtual_clock)
        async with router:
            routers.append(router)
            await router.complete(QUESTION)

    def taken_down_once(point: int) -> None:
        (row,) = routers[-1].history.rows("chat", -1.0, 10.0)
        assert row.outcome is (CallOutcome.CANCELLED if point else CallOutcome.ANSWERED)
        assert routers[-1].report().by_route["chat"].success == (None if point else 1.0)

    assert cancel_everywhere(scenario, taken_down_once) >= 2
