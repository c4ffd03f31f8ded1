"""`Watches` as a listener, and what it is made of."""

import math
import random
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.policies import Retry, RoundRobin
from paceline.router import (
    CallEnded,
    CallOutcome,
    Chunk,
    Endpoint,
    Event,
    Priority,
    Profile,
    Request,
    Route,
    Router,
    Usage,
)
from paceline.router.errors import CallError, ConfigurationError, ProviderError
from paceline.router.kpi.row import CallRow
from paceline.router.kpi.watch import Thresholds, Watches
from paceline.router.kpi.watch_chance import surprise
from paceline.router.kpi.watch_events import RetriesRising, TailRising
from paceline.router.kpi.watch_glimpse import glimpse
from paceline.router.kpi.watch_latch import CALM_S, Latch
from paceline.router.kpi.watch_minutes import ENOUGH, Minutes, above, grade_of, quantile, seconds_of
from paceline.router.kpi.watch_prompt import DAYS, HOUR_S, PromptWatch
from paceline.router.simulation.behaviour import Behaviour, Incident
from paceline.router.simulation.simulated import Simulated
from paceline.router.testing import Say, Script, Scripted, answers, endpoint, fails, run, virtual_clock

from .listening import heard, row_of

CHAT = Route(name="chat", models="m")


def question(dice: random.Random) -> Request:
    del dice
    return Request(messages="hello", route="chat", max_tokens=1)


def answered(ended_s: float, ttft_s: float | None = 0.3, total_s: float = 3.0, tokens: int = 100) -> CallRow:
    return CallRow(
        ended_s=ended_s, outcome=CallOutcome.ANSWERED, ttft_s=ttft_s, total_s=total_s, input_tokens=tokens
    )  # fmt: skip


def slow_at_the_end(route: Route, *, ttft_s: float | None, total_s: float) -> list[Event]:
    """An hour of calls like one another, and ten minutes in which every fourth is as given."""
    told: list[Event] = []
    watches = Watches([told.append])
    for number in range(4_200):
        slow = number >= 3_600 and number % 4 == 0
        row = answered(float(number), ttft_s, total_s) if slow else answered(float(number))
        watches.see(route, row)
    return told


# -- a listener


@pytest.mark.parametrize("row_by", ["its own glimpse", "a row of somebody else"])
def test_it_hears_of_a_sick_endpoint_through_the_router(row_by: str) -> None:
    sick = Behaviour(tail=0.0, tokens_per_chunk=1_000, incidents=(Incident(from_s=1_800.0, to_s=2_400.0, slower=8.0),))
    provider = Simulated(behaviour=Behaviour(tail=0.0), by_endpoint={"e0": sick})
    endpoints = [Endpoint(name=f"e{n}", provider=provider, model="m", profile=Profile(ttft_s=0.3)) for n in range(5)]
    told: list[Event] = []
    watches = Watches([told.append]) if row_by == "its own glimpse" else Watches([told.append], row=row_of)

    heard(endpoints, CHAT, [RoundRobin()], watches, seed=1, request=question, phases=[(1.0, 2_400.0)])

    (alarm,) = told
    assert isinstance(alarm, TailRising)
    assert alarm.route == "chat"
    assert 1_800.0 < alarm.at_s < 2_200.0


def test_it_hears_of_retries_through_the_router() -> None:
    sick = Behaviour(tail=0.0, incidents=(Incident(from_s=1_800.0, to_s=2_400.0, error_rate=0.5),))
    provider = Simulated(behaviour=Behaviour(tail=0.0), by_endpoint={"e0": sick})
    endpoints = [Endpoint(name=f"e{n}", provider=provider, model="m", profile=Profile(ttft_s=0.3)) for n in range(3)]
    told: list[Event] = []

    heard(endpoints, CHAT, [Retry(), RoundRobin()], Watches([told.append]), seed=1, request=question,
          phases=[(1.0, 2_400.0)])  # fmt: skip

    alarm = told[0]
    assert isinstance(alarm, RetriesRising)
    assert alarm.reason == "provider_error"
    assert 1_800.0 < alarm.at_s < 2_100.0


def test_a_call_that_never_found_an_endpoint_is_heard_of() -> None:
    told: list[Event] = []
    provider = Simulated(behaviour=Behaviour(error_rate=1.0))

    heard([Endpoint(name="e", provider=provider, model="m")], CHAT, [], Watches([told.append]), seed=1,
          request=question, phases=[(1.0, 60.0)])  # fmt: skip

    assert told == []


def test_where_time_to_the_first_token_is_meant_by_fast_its_tail_is_watched() -> None:
    chat = Route(name="chat", models="m", priority=Priority.TTFT)

    assert [type(event) for event in slow_at_the_end(chat, ttft_s=2.0, total_s=3.0)] == [TailRising]
    assert slow_at_the_end(chat, ttft_s=0.3, total_s=9.0) == []


def test_where_the_end_is_meant_by_fast_its_tail_is_watched() -> None:
    report = Route(name="report", models="m", priority=Priority.TOTAL)

    assert slow_at_the_end(report, ttft_s=2.0, total_s=3.0) == []
    assert [type(event) for event in slow_at_the_end(report, ttft_s=0.3, total_s=9.0)] == [TailRising]


def test_an_answer_in_one_piece_has_its_first_token_at_its_end() -> None:
    assert [type(event) for event in slow_at_the_end(CHAT, ttft_s=None, total_s=9.0)] == [TailRising]


def test_routes_are_watched_apart() -> None:
    told: list[Event] = []
    watches = Watches([told.append])
    for number in range(4_200):
        watches.see(Route(name="fast", models="m"), answered(float(number)))
        watches.see(Route(name="slow", models="m"), answered(float(number), ttft_s=5.0))

    assert told == []


def test_until_the_usual_is_known_nothing_is_told() -> None:
    told: list[Event] = []
    watches = Watches([told.append])
    for number in range(800):
        slow = number > 400 and number % 2 == 0
        watches.see(CHAT, answered(float(number), ttft_s=9.0 if slow else 0.3))

    assert told == []


def test_cancelled_calls_are_no_retries_to_worry_about() -> None:
    told: list[Event] = []
    watches = Watches([told.append])
    for number in range(4_200):
        gone = CallRow(
            ended_s=float(number), outcome=CallOutcome.CANCELLED, total_s=1.0, input_tokens=1, retries=("overloaded",)
        )  # fmt: skip
        watches.see(CHAT, gone if number > 3_600 and number % 2 else answered(float(number)))

    assert told == []


@pytest.mark.parametrize("name", ["tail", "prompt"])
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, math.nan])
def test_a_rise_must_be_one(name: str, factor: float) -> None:
    with pytest.raises(ConfigurationError, match=rf"Thresholds: {name} "):
        Thresholds(**{name: factor})


def test_a_share_of_retries_must_be_a_share() -> None:
    with pytest.raises(ConfigurationError, match="Thresholds: retries must be a share"):
        Thresholds(retries=5.0)


def test_what_is_worth_an_alarm_can_be_said() -> None:
    def told_with(thresholds: Thresholds) -> list[Event]:
        told: list[Event] = []
        watches = Watches([told.append], thresholds=thresholds)
        for number in range(4_200):
            slow = number >= 3_600 and number % 4 == 0
            watches.see(CHAT, answered(float(number), ttft_s=0.8 if slow else 0.3))
        return told

    assert told_with(Thresholds(tail=3.0)) == []
    assert [type(event) for event in told_with(Thresholds(tail=2.0))] == [TailRising]


def test_what_is_kept_is_bounded() -> None:
    dice = random.Random(1)
    watch = PromptWatch(1.3, 0.0)
    minutes = Minutes(0.0)
    for hour in range(24 * 30):
        watch.turn(hour * HOUR_S)
        for _ in range(3):
            minutes.now.grades[grade_of(dice.lognormvariate(0.0, 3.0))] = 1
            minutes.turn(hour * HOUR_S + 60.0)

    assert len(watch._hours) == 24 * DAYS + 1
    assert len(minutes._past) <= 16


def test_looking_at_a_call_takes_microseconds() -> None:
    rows = [answered(number * 0.01, ttft_s=0.2 + number % 97 * 0.01) for number in range(20_000)]
    times: list[float] = []
    for _ in range(3):
        watches = Watches([])
        began_s = time.perf_counter()
        for row in rows:
            watches.see(CHAT, row)
        times.append((time.perf_counter() - began_s) / len(rows))

    assert min(times) < 20e-6, "2 us are meant; the rest is for a busy machine"


# -- what it is made of


@given(st.integers(1, 60), st.data(), st.floats(0.001, 0.5))
def test_surprise_bounds_the_chance(calls: int, data: st.DataObject, usual: float) -> None:
    hits = data.draw(st.integers(0, calls))
    chance = sum(math.comb(calls, n) * usual**n * (1.0 - usual) ** (calls - n) for n in range(hits, calls + 1))

    assert chance <= math.exp(-surprise(hits, calls, usual)) * (1.0 + 1e-9)


def test_every_call_is_a_surprise_where_few_are_usual() -> None:
    assert surprise(10, 10, 0.01) == pytest.approx(10 * math.log(100.0))


@given(st.floats(0.001, 1_000.0))
def test_a_grade_is_five_percent_wide(seconds: float) -> None:
    assert seconds_of(grade_of(seconds)) == pytest.approx(seconds, rel=0.03)


def test_what_took_no_time_counts_as_a_millisecond() -> None:
    assert grade_of(0.0) == grade_of(0.001)


def test_quantiles_of_grades() -> None:
    grades = {1: 94, 7: 5, 9: 1}

    assert (quantile(grades, 0.5), quantile(grades, 0.95), quantile(grades, 1.0)) == (1, 7, 9)
    assert above(grades, 1) == 6


def test_of_late_is_the_last_whole_minute_or_what_it_takes_to_have_enough() -> None:
    minutes = Minutes(0.0)
    for number in range(10):
        minutes.now.calls = 100
        assert minutes.turn((number + 1) * 60.0) == []
    minutes.now.calls = 1

    assert minutes.of_late().calls == ENOUGH + 1

    minutes.now.calls = 10_000

    assert minutes.of_late().calls == 10_100


def test_of_late_reaches_back_a_quarter_of_an_hour() -> None:
    minutes = Minutes(0.0)
    minutes.now.calls = 7

    assert minutes.turn(15 * 60.0) == []
    assert minutes.of_late().calls == 7
    assert [old.calls for old in minutes.turn(16 * 60.0)] == [7]


def test_a_latch_is_released_after_unbroken_calm_only() -> None:
    latch = Latch()
    latch.set(0.0)

    assert latch.release(100.0, calm=True) is None
    assert latch.release(100.0 + CALM_S - 1.0, calm=True) is None
    assert latch.release(100.0 + CALM_S, calm=False) is None
    assert latch.release(200.0 + CALM_S, calm=True) is None
    assert latch.is_raised
    assert latch.release(200.0 + 2 * CALM_S, calm=True) == 0.0
    assert not latch.is_raised


# -- the glimpse of a call


def glimpsed(script: Script, *, stream: bool = True) -> CallRow:
    """What is seen of the only call of a router, of 7 tokens by its own count."""
    seen: list[CallRow] = []

    def hear(event: Event) -> None:
        if isinstance(event, CallEnded):
            seen.append(glimpse(event))

    async def main() -> None:
        async with Router([endpoint("e", Scripted(script))], clock=virtual_clock, listeners=[hear]) as router:
            with suppress(CallError):
                await router.complete(Request(messages="hello", model="m", prompt_tokens=7, stream=stream))

    run(main)
    return seen[0]


def test_a_glimpse_of_a_streamed_answer() -> None:
    row = glimpsed(answers(0.5, "a", "b", gap_s=1.0, usage=Usage(input_tokens=9, output_tokens=2)))

    assert (row.ended_s, row.outcome) == (1.5, CallOutcome.ANSWERED)
    assert (row.ttft_s, row.total_s, row.input_tokens, row.retries) == (0.5, 1.5, 9, ())


def test_a_glimpse_of_an_answer_in_one_piece_has_no_first_token() -> None:
    assert glimpsed(answers(0.5), stream=False).ttft_s is None


def test_a_glimpse_of_an_answer_that_was_not_counted_has_the_tokens_of_the_request() -> None:
    uncounted = (Say(0.5, Chunk("a")), Say(0.5, Chunk(finish_reason="stop")))

    assert glimpsed(uncounted).input_tokens == 7


def test_a_glimpse_of_a_failure() -> None:
    row = glimpsed(fails(0.25, ProviderError))

    assert (row.outcome, row.ttft_s, row.total_s, row.input_tokens) == (CallOutcome.FAILED, None, 0.25, 7)
