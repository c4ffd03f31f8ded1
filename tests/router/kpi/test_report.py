"""`Router.report`: the figures are those that one would count by hand."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from functools import cache

import msgspec
import pytest

from paceline.policies import Fallback, Retry, RoundRobin, Slots
from paceline.router import (
    Attempt,
    CallRow,
    HistoryShape,
    Limits,
    Objective,
    Outcome,
    Priority,
    Report,
    Request,
    Route,
    Router,
    Usage,
)
from paceline.router.budget import Budget
from paceline.router.errors import AttemptFailed, CallError, ConfigurationError, ProviderError, RateLimited
from paceline.router.kpi.report import report_on
from paceline.router.testing import (
    SILENT,
    Arrival,
    Result,
    Script,
    Scripted,
    answers,
    endpoint,
    fails,
    play,
    quantile,
    run,
    virtual_clock,
)

from .telling import answered, attempted, cancelled, failed, history, keep

CHAT = Route(name="chat", models="m", objective=Objective(ttft_s=1.0))
QUESTION = Request(messages="hello", route="chat")


def of(*rows: CallRow, now_s: float = 60.0, over_s: float | None = None, route: Route = CHAT) -> Report:
    return report_on(history(*rows), [route], [], over_s=over_s, now_s=now_s)


def fate(dice: random.Random) -> Script:
    """Three tries in ten fail, a third of these for good; answers vary in all respects."""
    drawn = dice.random()
    if drawn < 0.1:
        return fails(0.125, ProviderError)
    if drawn < 0.3:
        return fails(0.0, RateLimited)
    words = ["word"] * dice.randint(2, 9)
    usage = Usage(input_tokens=dice.randint(50, 3000), output_tokens=len(words))
    return answers(dice.uniform(0.1, 1.5), *words, gap_s=dice.uniform(0.01, 0.1), usage=usage)


def tries(result: Result) -> Sequence[Attempt]:
    if result.answer is not None:
        return result.answer.attempts
    return result.error.attempts if isinstance(result.error, CallError) else ()


def cost(usage: Usage) -> float:
    return ((usage.input_tokens or 0) + 4.0 * (usage.output_tokens or 0)) / 1e6


@cache
def a_run(shape: HistoryShape) -> tuple[Report, list[Result], list[Scripted]]:
    """A thousand calls to three endpoints of which every one fails now and then, retried twice."""
    dice = random.Random(11)
    providers = [Scripted(*(fate(dice) for _ in range(2000))) for _ in range(3)]

    async def main() -> tuple[Report, list[Result]]:
        endpoints = [
            endpoint(name, provider, price_in_per_m=1.0, price_out_per_m=4.0)
            for name, provider in zip("abc", providers, strict=True)
        ]
        policies = [Retry(), RoundRobin()]
        plenty = Budget(reserve=1000, min_concurrent=1000)
        async with Router(
            endpoints, [CHAT], policies, clock=virtual_clock, dice=dice, history=shape, budget=plenty
        ) as router:
            results = await play(router, [Arrival(number / 8.0, QUESTION) for number in range(1000)])
            return router.report(), results

    found, results = run(main)
    return found, results, providers


@pytest.mark.parametrize("rows", [1000, 20])
def test_counts_and_sums_equal_those_counted_by_the_caller(rows: int) -> None:
    found, results, providers = a_run(HistoryShape(rows=rows))

    good = [result.answer for result in results if result.answer is not None]
    bad = [result.error for result in results if isinstance(result.error, CallError)]
    chat = found.by_route["chat"]
    assert (chat.calls, chat.answered, chat.failed, chat.cancelled) == (1000, len(good), len(bad), 0)
    assert 0 < len(bad) < 100
    assert chat.failures == Counter(error.reason for error in bad)
    assert chat.retries == Counter(
        [reason for answer in good for reason in answer.retries]
        + [attempt.error.reason for error in bad for attempt in error.attempts[:-1] if attempt.error is not None]
    )
    assert sum(chat.retries.values()) > 300
    assert chat.attempts == sum(provider.calls for provider in providers)
    assert chat.output_tokens.total == sum(answer.usage.output_tokens or 0 for answer in good)
    assert chat.cost == pytest.approx(sum(cost(answer.usage) for answer in good))
    assert chat.in_time == sum(answer.ttft_s is not None and answer.ttft_s <= 1.0 for answer in good) / 1000
    assert chat.success == len(good) / 1000
    assert chat.burn == pytest.approx(len(bad) / 10.0)
    assert chat.per_minute == pytest.approx(60 * 1000 / found.until_s)


@pytest.mark.parametrize("rows", [1000, 20])
def test_endpoints_are_told_by_their_attempts(rows: int) -> None:
    found, results, providers = a_run(HistoryShape(rows=rows))

    attempts = [attempt for result in results for attempt in tries(result)]
    for name, provider in zip("abc", providers, strict=True):
        told = found.by_endpoint[name]
        here = [attempt for attempt in attempts if attempt.endpoint.name == name]
        failures = Counter(attempt.error.reason for attempt in here if attempt.error is not None)
        assert told.attempts == provider.calls == len(here)
        assert told.failures == failures
        assert told.success == (len(here) - failures.total()) / len(here)
        assert told.success == pytest.approx(0.7, abs=0.07)
        assert (told.model, told.region) == ("m", "here")
    caused = Counter[str]()
    for told in found.by_endpoint.values():
        caused.update(told.retries)
    assert caused == found.by_route["chat"].retries


def test_percentiles_are_those_of_what_callers_and_endpoints_saw() -> None:
    found, results, _ = a_run(HistoryShape())

    good = [result.answer for result in results if result.answer is not None]
    ttft_s = [answer.ttft_s for answer in good if answer.ttft_s is not None]
    service_s = [
        attempt.ttft_s
        for result in results
        for attempt in tries(result)
        if attempt.endpoint.name == "a" and attempt.ttft_s is not None
    ]
    chat, a = found.by_route["chat"], found.by_endpoint["a"]
    assert chat.ttft_s.p50 == pytest.approx(quantile(ttft_s, 0.5), abs=1e-8)
    assert chat.ttft_s.p99 == pytest.approx(quantile(ttft_s, 0.99), abs=1e-8)
    assert chat.total_s.p95 == pytest.approx(quantile([answer.total_s for answer in good], 0.95), abs=1e-8)
    assert a.ttft_s.p95 == pytest.approx(quantile(service_s, 0.95), abs=1e-8)
    assert chat.ttft_s.p99 is not None
    assert a.ttft_s.p99 is not None
    assert chat.ttft_s.p99 > a.ttft_s.p99  # a caller waits for the retries, too


def test_percentiles_of_a_sample_are_near_those_of_all() -> None:
    whole, sampled = (a_run(HistoryShape(rows=rows))[0].by_route["chat"] for rows in (1000, 40))

    assert (whole.ttft_s.samples, sampled.ttft_s.samples) == (whole.answered, pytest.approx(500, abs=60))
    assert sampled.ttft_s.p50 == pytest.approx(whole.ttft_s.p50, rel=0.1)
    assert sampled.total_s.p95 == pytest.approx(whole.total_s.p95, rel=0.15)


def test_a_caller_who_leaves_is_neither_a_success_nor_a_failure() -> None:
    async def main() -> Report:
        slow = Scripted(answers(0.25), (*answers(0.25, "half", "whole", gap_s=10.0),), SILENT)
        async with Router([endpoint("a", slow)], [CHAT], clock=virtual_clock) as router:
            await router.complete(QUESTION)
            async with router.stream(QUESTION) as chunks:
                async for _ in chunks:
                    break
            waiting = asyncio.create_task(router.complete(QUESTION))
            await asyncio.sleep(1.0)
            waiting.cancel()
            await asyncio.wait([waiting])
            return router.report()

    found = run(main)

    chat, a = found.by_route["chat"], found.by_endpoint["a"]
    assert (chat.calls, chat.answered, chat.failed, chat.cancelled) == (3, 1, 0, 2)
    assert (chat.success, chat.in_time, chat.failures, chat.burn) == (1.0, 1.0, {}, 0.0)
    assert (a.attempts, a.answered, a.failed, a.cancelled, a.success) == (3, 1, 0, 2, 1.0)
    assert (chat.total_s.samples, chat.ttft_s.samples) == (1, 1)
    assert a.ttft_s.samples == 2  # the one that was left had spoken


def test_timeouts_and_fallbacks_are_told_where_they_happened() -> None:
    async def main() -> Report:
        silent = endpoint("silent", Scripted(SILENT), model="best")
        quick = endpoint("quick", Scripted(answers(0.25)), model="next")
        route = Route(name="chat", models=("best", "next"))
        async with Router([silent, quick], [route], [Fallback(start_within_s=1.0)], clock=virtual_clock) as router:
            await router.complete(QUESTION)
            return router.report()

    found = run(main)

    chat, silent, quick = found.by_route["chat"], found.by_endpoint["silent"], found.by_endpoint["quick"]
    assert (chat.attempts, chat.timeouts, chat.fallbacks, chat.retries) == (2, 1, 1, {})
    assert (chat.ttft_s.p50, chat.success) == (1.25, 1.0)
    assert (silent.timeouts, silent.failures, silent.success) == (1, {"timeout": 1}, 0.0)
    assert (quick.timeouts, quick.success, quick.ttft_s.p50) == (0, 1.0, 0.25)


def test_a_failure_is_told_by_the_reason_its_caller_was_given() -> None:
    async def main() -> Report:
        a = endpoint("a", Scripted(SILENT), slots=1, queue=0, limits=Limits(first_token_s=2.0))
        async with Router([a], [CHAT], [Slots()], clock=virtual_clock) as router:
            both = [asyncio.create_task(router.complete(QUESTION)) for _ in range(2)]
            await asyncio.wait(both)
            assert all(isinstance(call.exception(), AttemptFailed) for call in both)
            return router.report()

    found = run(main)

    assert found.by_route["chat"].failures == {"overloaded": 1, "timeout": 1}
    assert found.by_endpoint["a"].failures == {"timeout": 1}


def test_calls_are_grouped_by_what_can_be_compared() -> None:
    short = [answered(total_s=0.5, size=4, cap=200), answered(total_s=1.0, size=4, cap=100)]
    long = [answered(total_s=30.0, size=4, cap=2000)] * 3
    endless = [answered(total_s=9.0, size=5)]

    chat = of(*short, *long, *endless).by_route["chat"]

    assert [(group.size, group.cap, group.calls) for group in chat.groups] == [(4, 5, 3), (4, 3, 2), (5, None, 1)]
    assert [group.total_s.p95 for group in chat.groups] == [30.0, 1.0, 9.0]
    assert chat.groups[0].told == "prompts of 256-1k tokens, answers capped at 1k-4k tokens"
    assert chat.groups[2].told == "prompts of 1k-4k tokens, answers without a cap"
    assert sum(group.calls for group in chat.groups) == chat.calls == 6


def test_a_window_looks_back_as_far_as_asked_and_no_farther() -> None:
    rows = [answered(10.0), answered(30.0), failed(50.0), answered(60.0)]

    half = of(*rows, over_s=30.0)

    assert (half.from_s, half.until_s, half.by_route["chat"].calls) == (30.0, 60.0, 2)
    assert half.by_route["chat"].per_minute == 4.0
    assert of(*rows).by_route["chat"].calls == 4


def test_a_window_begins_no_earlier_than_the_router_and_the_history() -> None:
    early, late = of(answered(1.0), over_s=3600.0), of(answered(1.0), answered(4000.0), now_s=4000.0, over_s=3600.0)

    assert (early.from_s, early.by_route["chat"].per_minute) == (0.0, 1.0)
    assert (late.from_s, late.by_route["chat"].per_minute) == (3400.0, 0.1)


def test_a_window_that_cuts_a_sampled_period_is_widened_and_says_so() -> None:
    crowd = [answered(51.0 + number / 16.0) for number in range(64)]
    kept = history(*crowd, shape=HistoryShape(rows=8))

    found = report_on(kept, [CHAT], [], over_s=6.0, now_s=60.0)

    assert (found.from_s, found.by_route["chat"].calls, found.by_route["chat"].total_s.samples) == (50.0, 64, 8)


def test_without_calls_nothing_is_known() -> None:
    chat = of().by_route["chat"]

    assert (chat.calls, chat.success, chat.burn, chat.grade, chat.cost) == (0, None, None, None, None)
    assert (chat.ttft_s.p50, chat.tokens_per_s, chat.in_time, chat.groups) == (None, None, None, ())
    assert chat.per_minute == 0.0


def test_a_router_that_was_never_opened_has_a_report_all_the_same() -> None:
    found = Router([endpoint("a", Scripted())], [CHAT], clock=lambda: 7.0).report()

    assert (found.from_s, found.until_s) == (7.0, 7.0)
    assert found.by_route["chat"].per_minute is None
    assert found.by_endpoint["a"].success is None


def test_a_route_that_promises_no_time_has_no_share_in_time() -> None:
    assert of(answered(), route=Route(name="chat", models="m")).by_route["chat"].in_time is None


def test_where_no_call_may_fail_there_is_no_budget_to_burn() -> None:
    perfect = Route(name="chat", models="m", objective=Objective(success=1.0))

    assert of(answered(), failed(), route=perfect).by_route["chat"].burn is None


@pytest.mark.parametrize(("failures", "burn"), [(0, 0.0), (1, 1.0), (5, 5.0)])
def test_the_burn_is_how_many_times_faster_than_promised_the_budget_goes(failures: int, burn: float) -> None:
    chat = of(*[answered()] * (100 - failures), *[failed()] * failures, cancelled()).by_route["chat"]

    assert chat.burn == pytest.approx(burn)


def test_a_model_asked_for_by_its_own_name_is_reported_under_it() -> None:
    async def main() -> Report:
        a, b = endpoint("a", Scripted()), endpoint("b", Scripted(), model="n")
        async with Router([a, b], [CHAT], clock=virtual_clock) as router:
            await router.complete(Request(messages="hello", model="n"))
            return router.report()

    assert {name: route.calls for name, route in run(main).by_route.items()} == {"chat": 0, "n": 1}


def test_a_model_that_was_asked_for_long_ago_is_not() -> None:
    kept = history(answered(1.0), route="m")

    assert list(report_on(kept, [CHAT], [], over_s=10.0, now_s=60.0).by_route) == ["chat"]


def test_a_retry_that_no_attempt_made_necessary_is_the_routes_alone() -> None:
    kept = history(msgspec.structs.replace(answered(retries=("overloaded",)), retried_from=(None,)))

    found = report_on(kept, [CHAT], [endpoint("here", Scripted())], over_s=None, now_s=60.0)

    assert (found.by_route["chat"].retries, found.by_endpoint["here"].retries) == ({"overloaded": 1}, {})


def test_an_answer_that_its_caller_held_up_says_nothing_of_the_endpoint() -> None:
    kept = history()
    for row in (attempted(total_s=1.0), attempted(total_s=1.0, held_s=0.1), attempted(total_s=50.0, held_s=49.0)):
        keep(kept, row)

    (here,) = report_on(kept, [], [endpoint("here", Scripted())], over_s=None, now_s=60.0).by_endpoint.values()

    assert (here.answered, here.total_s.samples, here.total_s.p99) == (3, 2, 1.0)


def test_attempts_that_were_cancelled_do_not_count_against_an_endpoint() -> None:
    kept = history()
    for outcome in (Outcome.OK, Outcome.CANCELLED, Outcome.CANCELLED, Outcome.OK):
        keep(kept, attempted(outcome=outcome))

    (here,) = report_on(kept, [], [endpoint("here", Scripted())], over_s=None, now_s=60.0).by_endpoint.values()

    assert (here.attempts, here.cancelled, here.success) == (4, 2, 1.0)


@pytest.mark.parametrize("over_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_window_of_no_time_is_refused(over_s: float) -> None:
    with pytest.raises(ConfigurationError, match="report: over_s must be a number above 0"):
        Router([endpoint("a", Scripted())], clock=lambda: 0.0).report(over_s)


def test_a_report_is_plain_data_and_comes_back_from_json() -> None:
    found, _, _ = a_run(HistoryShape())

    text = msgspec.json.encode(found)

    assert msgspec.json.decode(text, type=Report) == found
    plain = msgspec.json.decode(text)
    assert plain["by_route"]["chat"]["ttft_s"]["p95"] == found.by_route["chat"].ttft_s.p95
    assert plain["by_route"]["chat"]["grade"] == "failing"
    assert plain["by_route"]["chat"]["groups"][0]["told"]
    assert plain["by_endpoint"]["a"]["retries"] == found.by_endpoint["a"].retries


def test_it_is_printed_as_tables_and_verdicts() -> None:
    rows = [answered(total_s=0.5, retries=("timeout",))] * 3
    kept = history(*rows, failed(reason="rate_limited"))
    keep(kept, attempted(ttft_s=0.125))
    endpoints = [endpoint("here", Scripted()), endpoint("idle", Scripted())]

    found = report_on(
        kept, [CHAT, Route(name="nightly", models="m", priority=Priority.TOTAL)], endpoints, over_s=None, now_s=60.0
    )

    assert str(found).splitlines() == PRINTED


PRINTED = """\
route                                chat              nightly
calls                         4 (4.0/min)          0 (0.0/min)
success                             75.0%                    -
error budget burn                   25.0x                    -
in time                             75.0%                    -
TTFT p50 p95 p99, s   0.250  0.250  0.250      -      -      -
total p50 p95 p99, s  0.500  0.500  0.500      -      -      -
tokens/s                                -                    -
tokens in / out                 300 / 100                - / -
retries                                 3                    0
  timeout                               3                    0
failures                                1                    0
  rate_limited                          1                    0

endpoint tries success TTFT p50   p95 total p95 tok/s timeouts retried
here         1  100.0%    0.125 0.125     1.000     -        0       3
idle         0       -        -     -         -     -        0       0

chat is failing: 1 of 4 calls (25.0%) had no answer, all for rate_limited, where 1.0% would be within what \
is promised, as far as 4 calls can tell.
nightly had no calls.
""".splitlines()
