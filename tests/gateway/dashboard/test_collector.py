"""What the listener counts of calls and attempts, as a router tells them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from paceline.gateway.dashboard import Collector, Feed, memory
from paceline.gateway.dashboard.bins import EndpointBin, GroupBin, RouteBin
from paceline.gateway.dashboard.collector import MOST_ENDPOINTS
from paceline.gateway.dashboard.histogram import quantiles
from paceline.policies import Breaker, Fallback, Hedge, LatencyBudget, Retry, Slots
from paceline.router import (
    AllClear,
    ConnectionsWarmed,
    KeySetAside,
    Objective,
    RateLimits,
    Request,
    Route,
    Router,
    TailRising,
    Usage,
)
from paceline.router.errors import ProviderError, RateLimited
from paceline.router.kpi.watch_events import Concern
from paceline.router.rate_limits import Rate
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, virtual_clock

from .rates import RatedScripted
from .told import ask, watched

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CHAT = Route(name="chat", models="m", objective=Objective(ttft_s=1.0, total_s=5.0, success=0.9))


def counted(collector: Collector, route: str = "chat") -> RouteBin:
    """The one bin of a route that there is."""
    (found,) = [bin_.routes[route] for bin_ in collector.bins.late() if route in bin_.routes]
    return found


def at(collector: Collector, name: str) -> EndpointBin:
    (found,) = [bin_.endpoints[name] for bin_ in collector.bins.late() if name in bin_.endpoints]
    return found


def group(collector: Collector, key: str = "m\nhere") -> GroupBin:
    (found,) = [bin_.groups[key] for bin_ in collector.bins.late() if key in bin_.groups]
    return found


def test_an_answer_is_counted_with_its_times_and_sizes() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router, prompt_tokens=100)
        return collector

    said = answers(0.2, "one", "two", "three", gap_s=0.1, usage=Usage(input_tokens=100, output_tokens=3))
    collector = watched([endpoint("a", Scripted(said))], play, routes=[CHAT])

    route, attempts = counted(collector), group(collector)
    assert (route.calls, route.answered, route.in_time, route.attempts) == (1, 1, 1, 1)
    assert (route.tokens_in, route.tokens_out) == (100, 3)
    for counts, seconds in ((route.ttft, 0.2), (route.total, 0.4), (attempts.ttft, 0.2), (attempts.tpot, 0.1)):
        (told,) = quantiles(counts, 0.5)
        assert told is not None
        assert abs(told / seconds - 1.0) < 0.015
    assert at(collector, "a").answered == 1


def test_an_answer_beyond_its_objective_is_an_answer_but_not_in_time() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router)
        return collector

    collector = watched([endpoint("a", Scripted(answers(2.0)))], play, routes=[CHAT])

    assert (counted(collector).answered, counted(collector).in_time) == (1, 0)


def test_a_call_that_a_retry_has_saved_says_so_and_why_it_was_needed() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router)
        return collector

    fleet = [endpoint("a", Scripted(fails(0.1, ProviderError))), endpoint("b", Scripted(answers(0.1)))]
    collector = watched(fleet, play, routes=[CHAT], policies=[Retry()])

    route = counted(collector)
    assert (route.in_time, route.by_retry, route.retries) == (1, 1, {"provider_error": 1})
    assert at(collector, "a").failures == {"provider_error": 1}
    assert collector.last_words["a"].failure == "provider_error"


def test_a_call_that_a_fallback_has_saved_says_so_and_why_it_was_needed() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router, route="chat")
        return collector

    fleet = [endpoint("a", Scripted(SILENT)), endpoint("b", Scripted(answers(0.1)), model="n")]
    route = Route(name="chat", models=("m", "n"), objective=Objective(ttft_s=9.0))
    collector = watched(fleet, play, routes=[route], policies=[Fallback(start_within_s=2.0)])

    assert (counted(collector).by_fallback, counted(collector).fallbacks) == (1, {"timeout": 1})


def test_a_call_that_a_hedge_has_saved_says_so() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        for _ in range(50):  # what both are known by
            for name in ("late", "quick"):
                router.fleet[name].learned.ttft.record(0.2, 0, virtual_clock())
        await ask(router)
        return collector

    fleet = [endpoint("late", Scripted(answers(3.0))), endpoint("quick", Scripted(answers(0.1)))]
    collector = watched(fleet, play, routes=[CHAT], policies=[Hedge()])

    route = counted(collector)
    assert (route.calls, route.attempts, route.in_time) == (1, 2, 1)
    assert (route.hedges, route.hedges_won, route.by_hedge) == (1, 1, 1)
    assert at(collector, "late").cancelled == 1


def test_a_failure_is_counted_by_its_word() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router)
        return collector

    collector = watched([endpoint("a", Scripted(fails(0.1, RateLimited)))], play, routes=[CHAT])

    route = counted(collector)
    assert (route.calls, route.answered, route.failures, route.refused) == (1, 0, {"rate_limited": 1}, 0)


def test_a_call_that_is_cut_off_by_its_deadline_is_a_failure_of_both() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router, budget_s=1.0)
        return collector

    collector = watched([endpoint("a", Scripted(SILENT))], play, routes=[CHAT])

    assert counted(collector).failures == {"deadline": 1}
    assert sum(at(collector, "a").failures.values()) == 1


def test_a_call_that_is_refused_before_anything_was_sent_is_told_apart() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router, min_quality=9)
        return collector

    collector = watched([endpoint("a", Scripted())], play, routes=[CHAT], policies=[LatencyBudget()])

    assert (counted(collector).refused, counted(collector).failures) == (1, {"no_endpoint": 1})


def test_a_caller_who_leaves_is_neither_an_answer_nor_a_failure() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        call = asyncio.create_task(ask(router))
        await asyncio.sleep(0.5)
        call.cancel()
        await asyncio.wait([call])
        return collector

    collector = watched([endpoint("a", Scripted(answers(3.0)))], play, routes=[CHAT])

    route = counted(collector)
    assert (route.calls, route.cancelled, route.answered, route.failures) == (1, 1, 0, {})
    assert (at(collector, "a").cancelled, at(collector, "a").failures) == (1, {})


def test_what_routing_takes_is_told_of_calls_that_went_straight_and_waited_for_nothing() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        async with asyncio.TaskGroup() as calls:
            calls.create_task(ask(router))
            calls.create_task(ask(router))  # waits half a second for the one slot
        return collector

    collector = watched([endpoint("a", Scripted(answers(0.5)), slots=1)], play, routes=[CHAT], policies=[Slots()])

    (router,) = [bin_.router for bin_ in collector.bins.late() if bin_.router]
    assert router == {0: 1}


def test_an_endpoint_that_goes_out_and_comes_back_is_told_once_each() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        for _ in range(6):
            await ask(router)
        await asyncio.sleep(30.0)
        await ask(router)
        return collector

    broken = Scripted(*[fails(0.1, ProviderError)] * 5, answers(0.1))
    fleet = [endpoint("a", broken), endpoint("b", Scripted(answers(0.1)))]
    collector = watched(fleet, play, routes=[CHAT], policies=[Retry(), Breaker()])

    assert [(one.kind, one.about, one.bad) for one in collector.incidents] == [("out", "a", True), ("back", "a", False)]
    assert collector.last_words["a"].trouble == "5 failures in a row, the last: provider_error"


def test_what_a_vendor_last_said_of_its_rates_is_kept() -> None:
    limits = RateLimits(requests=Rate(limit=100, remaining=7, resets_in_s=20.0))

    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await ask(router)
        return collector

    collector = watched([endpoint("a", RatedScripted(limits))], play, routes=[CHAT])

    assert collector.last_words["a"].rates == limits


def test_a_key_that_is_set_aside_is_told_without_the_key() -> None:
    collector = Collector()

    collector(KeySetAside(at_s=3.0, endpoint=endpoint("a", Scripted()), key=2, of=3, until_s=9.0, reason="quota"))

    (told,) = collector.incidents
    assert (told.kind, told.about, told.words, told.bad) == ("key", "a", "key 2 of 3 set aside: quota", True)


def test_an_alarm_of_a_watch_is_told_and_so_is_its_end() -> None:
    collector = Collector()
    of = {"p50_s": 0.5, "p95_s": 3.0, "usual_p50_s": 0.5, "usual_p95_s": 1.0}

    collector._told(TailRising(at_s=1.0, route="chat", calls=100, **of))
    collector._told(AllClear(at_s=901.0, route="chat", concern=Concern.TAIL, raised_at_s=1.0))

    assert [(told.about, told.bad) for told in collector.incidents] == [("chat", True), ("chat", False)]
    assert "the tail is rising: p95 3.00 s, usually 1.00 s" in collector.incidents[0].words


def test_last_words_of_more_endpoints_than_there_are_begin_anew() -> None:
    collector = Collector()
    for number in range(MOST_ENDPOINTS + 1):
        collector._words_of(f"endpoint-{number}")

    assert len(collector.last_words) == 1


def test_an_event_that_is_none_of_its_business_changes_nothing() -> None:
    collector = Collector()

    collector(ConnectionsWarmed(at_s=1.0, endpoint=endpoint("a", Scripted()), opened=1, wanted=1))

    assert (list(collector.bins.late()), list(collector.incidents)) == ([], [])


def test_an_answer_in_one_piece_has_no_first_token_and_is_held_against_its_objective_as_a_whole() -> None:
    async def play(router: Router, collector: Collector, _feed: Feed) -> Collector:
        await router.complete(Request(messages="hello", stream=False))
        return collector

    collector = watched([endpoint("a", Scripted(answers(0.5)))], play, routes=[CHAT])

    route = counted(collector)
    assert (route.ttft, sum(route.total.values()), route.in_time) == ({}, 1, 1)
    assert group(collector).ttft == {}


def test_memory_is_unknown_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (memory.resident_bytes() or 0) > 1_000_000

    monkeypatch.setattr(memory, "STATM", tmp_path / "none")

    assert memory.resident_bytes() is None
