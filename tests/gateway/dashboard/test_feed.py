"""The feed in virtual time: one snapshot a second for all who watch, and none while nobody does."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from paceline.gateway.dashboard import Collector, Feed, Loaded, loaded
from paceline.gateway.dashboard.feed import MOST_WATCHERS
from paceline.gateway.reload import Reloaded
from paceline.policies import Breaker, Retry, Slots
from paceline.policies.stacks import interactive
from paceline.router import Objective, Profile, RateLimits, Route, Router
from paceline.router.errors import ProviderError, RateLimited
from paceline.router.rate_limits import Rate
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, run, virtual_clock

from .rates import RatedScripted
from .told import Stood, ask, read, settle, watched

if TYPE_CHECKING:
    import pytest

WRONG = ("slots must be at least 1", "queue must be at least 0")
CHAT = Route(name="chat", models="m", objective=Objective(ttft_s=1.0, total_s=5.0, success=0.9))


async def frames(feed: Feed, many: int) -> list[bytes]:
    """The next *many* frames of one watcher."""
    found: list[bytes] = []
    async with aclosing(feed.watch()) as watching:
        async for frame in watching:
            found.append(frame)
            if len(found) == many:
                break
    return found


def of(told: Any, name: str) -> Any:
    """A route or an endpoint of a snapshot."""
    return next(one for one in (*told["routes"], *told["endpoints"]) if one["name"] == name)


def test_a_watcher_gets_a_snapshot_at_once_and_then_one_a_second() -> None:
    async def play(_router: Router, _collector: Collector, feed: Feed) -> tuple[list[Any], float]:
        return [read(frame) for frame in await frames(feed, 4)], virtual_clock()

    told, took_s = watched([endpoint("a", Scripted())], play)

    assert [one["tick"] for one in told] == [1, 2, 3, 4]
    assert abs(took_s - 3.0) < 0.01


def test_a_snapshot_is_made_once_for_all_who_watch() -> None:
    async def play(_router: Router, _collector: Collector, feed: Feed) -> list[list[bytes]]:
        return await asyncio.gather(*(frames(feed, 3) for _ in range(20)))

    told = watched([endpoint("a", Scripted())], play)

    for each in zip(*told, strict=True):
        assert all(frame is each[0] for frame in each)


def test_nothing_is_made_while_nobody_watches() -> None:
    async def play(_router: Router, _collector: Collector, feed: Feed) -> tuple[int, int, set[str]]:
        (first,) = await frames(feed, 1)
        await asyncio.sleep(100.0)
        tasks = {task.get_name() for task in asyncio.all_tasks()}
        (later,) = await frames(feed, 1)
        return read(first)["tick"], read(later)["tick"], tasks

    first, later, tasks = watched([endpoint("a", Scripted())], play)

    assert (first, later) == (1, 2)
    assert "dashboard feed" not in tasks


def test_one_that_is_slow_to_take_frames_gets_the_newest_and_none_that_were_kept() -> None:
    async def play(_router: Router, _collector: Collector, feed: Feed) -> list[int]:
        ticks: list[int] = []
        async with aclosing(feed.watch()) as watching:
            async for frame in watching:
                ticks.append(read(frame)["tick"])
                if len(ticks) == 3:
                    return ticks
                await asyncio.sleep(5.4)
        return ticks

    assert watched([endpoint("a", Scripted())], play) == [1, 6, 11]


def test_watchers_are_let_go_when_the_server_shuts_down() -> None:
    async def play(_router: Router, _collector: Collector, feed: Feed) -> int:
        watching = asyncio.create_task(frames(feed, 1000))
        await asyncio.sleep(2.5)
        feed.end()
        return len(await watching)

    assert watched([endpoint("a", Scripted())], play) == 3


def test_watchers_are_counted_and_bounded() -> None:
    async def play(_router: Router, _collector: Collector, feed: Feed) -> tuple[bool, int, bool]:
        watching = [asyncio.create_task(frames(feed, 1000)) for _ in range(MOST_WATCHERS)]
        await asyncio.sleep(1.5)
        full, told = feed.is_full, read(feed.now())["own"]["watchers"]
        for one in watching:
            one.cancel()
        await asyncio.wait(watching)
        await settle()
        return full, told, feed.is_full

    assert watched([endpoint("a", Scripted())], play) == (True, MOST_WATCHERS, False)


def test_each_call_and_incident_is_told_to_watchers_once_and_to_others_always() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> tuple[list[Any], Any]:
        watching = asyncio.create_task(frames(feed, 4))
        await asyncio.sleep(0.5)
        await ask(router)
        return [read(frame) for frame in await watching], read(feed.now())

    told, once = watched([endpoint("a", Scripted(answers(0.1)))], play, routes=[CHAT])

    assert [len(one["calls"]) for one in told] == [0, 1, 0, 0]
    assert len(once["calls"]) == 1


def test_the_figures_of_a_route_are_those_of_the_last_minute() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> Any:
        await ask(router)
        await asyncio.sleep(90.0)
        for _ in range(8):
            await ask(router)
        await ask(router, budget_s=1.0)
        return of(read(feed.now()), "chat")

    script = [answers(0.2)] * 7 + [answers(2.0), answers(0.2), SILENT]
    told = watched([endpoint("a", Scripted(*script))], play, routes=[CHAT])

    assert (told["calls"], told["cancelled"]) == (9, 0)
    assert abs(told["success"] - 8 / 9) < 1e-9
    assert abs(told["in_time"] - 7 / 9) < 1e-9
    assert abs(told["burn"] - 2 / 9 / 0.1) < 1e-9
    assert abs(told["burn_of_failures"] - 1 / 9 / 0.1) < 1e-9
    assert told["ttft"]["samples"] == told["total"]["samples"] == 8
    assert abs(told["ttft"]["p50"] - 0.2) < 0.004
    assert abs(told["ttft"]["p99"] - 2.0) < 0.04
    assert told["failures"] == {"deadline": 1}


def test_of_a_route_without_calls_nothing_is_known() -> None:
    async def play(_router: Router, _collector: Collector, feed: Feed) -> Any:
        return of(read(feed.now()), "chat")

    told = watched([endpoint("a", Scripted())], play, routes=[CHAT])

    assert [told[name] for name in ("success", "in_time", "burn", "by_retry")] == [None] * 4
    assert told["ttft"] == {"samples": 0, "p50": None, "p95": None, "p99": None}


def test_where_every_call_must_be_answered_there_is_no_budget_to_burn() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> Any:
        await ask(router)
        return of(read(feed.now()), "strict")

    strict = Route(name="strict", models="m", objective=Objective(success=1.0))
    told = watched([endpoint("a", Scripted())], play, routes=[strict])

    assert (told["success"], told["in_time"], told["burn"]) == (1.0, None, None)


def test_a_model_that_is_asked_for_by_its_own_name_appears_once_it_was() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> tuple[Any, Any]:
        before = read(feed.now())
        await ask(router, model="m")
        return before, read(feed.now())

    before, after = watched([endpoint("a", Scripted())], play, routes=[CHAT])

    assert [route["name"] for route in before["routes"]] == ["chat"]
    assert [route["name"] for route in after["routes"]] == ["chat", "m"]


def test_an_endpoint_shows_its_slots_and_its_queue() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> Any:
        calls = [asyncio.create_task(ask(router)) for _ in range(3)]
        await asyncio.sleep(0.5)
        told = of(read(feed.now()), "a")
        await asyncio.wait(calls)
        return told

    told = watched([endpoint("a", Scripted(answers(1.0)), slots=2)], play, routes=[CHAT], policies=[Slots()])

    assert [told[name] for name in ("in_flight", "used", "limit", "waiting")] == [2, 2, 2, 1]


def test_an_endpoint_that_is_out_says_why_and_for_how_long_and_then_that_it_was() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> list[Any]:
        told = [of(read(feed.now()), "a")]
        for _ in range(6):
            await ask(router)
        told.append(of(read(feed.now()), "a"))
        await asyncio.sleep(30.0)
        told.append(of(read(feed.now()), "a"))
        probe = asyncio.create_task(ask(router))
        await asyncio.sleep(0.05)
        told.append(of(read(feed.now()), "a"))
        await probe
        told.append(of(read(feed.now()), "a"))
        await asyncio.sleep(60.0)
        told.append(of(read(feed.now()), "a"))
        return told

    broken = Scripted(*[fails(0.1, ProviderError)] * 5, answers(0.1))
    fleet = [endpoint("a", broken), endpoint("b", Scripted(answers(0.1)))]
    told = watched(fleet, play, routes=[CHAT], policies=[Retry(), Breaker()])

    assert [one["state"] for one in told] == ["in", "out", "due", "on trial", "easing in", "in"]
    assert told[1]["why"] == "5 failures in a row, the last: provider_error"
    assert 0.0 < told[1]["until_s"] <= 5.0
    assert told[1]["failures"] == {"provider_error": 5}
    assert told[4]["weight"] < 1.0
    assert (told[5]["why"], told[5]["last_trouble"]) == (None, "5 failures in a row, the last: provider_error")
    assert told[5]["last_trouble_age_s"] > 60.0


def test_an_endpoint_that_asks_to_be_left_alone_for_a_moment_is_paused() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> list[Any]:
        await ask(router)
        told = [of(read(feed.now()), "a")]
        await asyncio.sleep(1.0)
        told.append(of(read(feed.now()), "a"))
        return told

    full = fails(0.1, lambda: RateLimited("later", retry_after_s=0.5))
    told = watched([endpoint("a", Scripted(full))], play, routes=[CHAT], policies=[Breaker()])

    assert [one["state"] for one in told] == ["paused", "in"]


def test_one_that_is_left_alone_without_a_breaker_is_paused_too() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> Any:
        await ask(router)
        return of(read(feed.now()), "a")

    full = fails(0.1, lambda: RateLimited("later", retry_after_s=5.0))
    told = watched([endpoint("a", Scripted(full))], play, routes=[CHAT])

    assert (told["state"], told["until_s"], told["why"]) == ("paused", 5.0, "it asks to be left alone")


def test_the_headroom_of_a_rate_counts_down_and_is_whole_again_when_its_time_has_come() -> None:
    limits = RateLimits(requests=Rate(limit=100, remaining=7, resets_in_s=20.0), tokens=Rate(remaining=900))

    async def play(router: Router, _collector: Collector, feed: Feed) -> list[Any]:
        await ask(router)
        await asyncio.sleep(4.9)
        told = [of(read(feed.now()), "a")]
        await asyncio.sleep(30.0)
        told.append(of(read(feed.now()), "a"))
        return told

    now, later = watched([endpoint("a", RatedScripted(limits))], play, routes=[CHAT])

    assert now["headroom"][0] == {"kind": "requests", "limit": 100, "remaining": 7, "resets_in_s": 15.0}
    assert now["headroom"][1] == {"kind": "tokens", "limit": None, "remaining": 900, "resets_in_s": None}
    assert later["headroom"][0] == {"kind": "requests", "limit": 100, "remaining": 100, "resets_in_s": 0.0}
    assert later["headroom_age_s"] == 35.0


def test_a_decision_tells_the_chances_and_why_the_others_were_dropped() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> Any:
        await ask(router, route="eu", residency=frozenset({"eu"}))
        (call,) = read(feed.now())["calls"]
        return call

    fleet = [
        endpoint("slow", Scripted(answers(3.0)), region="eu", profile=Profile(ttft_s=3.0)),
        endpoint("fast", Scripted(answers(0.2)), region="eu", profile=Profile(ttft_s=0.2)),
        endpoint("far", Scripted(answers(0.2)), region="us", profile=Profile(ttft_s=0.1)),
        endpoint("other", Scripted(answers(0.2)), region="eu", model="n"),
    ]
    route = Route(name="eu", models=("m", "n"), objective=Objective(ttft_s=1.0))
    told = watched(fleet, play, routes=[route], policies=interactive())

    by_name = {one["name"]: one for one in told["candidates"]}
    assert by_name["fast"]["tried"]
    assert by_name["fast"]["chance"] > 0.9
    assert by_name["slow"]["chance"] < 0.1
    assert by_name["slow"]["why"] == "judged, and another was preferred"
    assert by_name["far"]["why"] == "in a region this call may not use"
    assert by_name["other"]["why"] == "its model's turn did not come"
    assert [one["endpoint"] for one in told["tries"]] == ["fast"]
    assert [by for _, by, _ in told["notes"]][:1] == ["Regions"]


def test_one_that_a_layer_keeps_out_has_what_that_layer_says() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> Any:
        for _ in range(6):
            await ask(router)
        return read(feed.now())["calls"][-1]

    fleet = [endpoint("a", Scripted(fails(0.1, ProviderError))), endpoint("b", Scripted(answers(0.1)))]
    told = watched(fleet, play, routes=[CHAT], policies=[Retry(), Breaker()])

    (why,) = [one["why"] for one in told["candidates"] if one["name"] == "a"]
    assert why == "Breaker: keeps out a (5 failures in a row, the last: provider_error)"


def test_of_an_error_only_its_word_is_told() -> None:
    async def play(router: Router, collector: Collector, feed: Feed) -> bytes:
        await ask(router, route="chat", user="secret user", metadata={"key": "secret key"})
        return feed.now() + feed.past()

    echo = fails(0.1, lambda: ProviderError("you said: secret words of the caller"))
    fleet = [endpoint("a", Scripted(echo)), endpoint("b", Scripted(answers(0.1)), model="n")]
    route = Route(name="chat", models=("m", "n"))
    told = watched(fleet, play, routes=[route], policies=interactive())

    assert b"secret" not in told
    assert b"leaves m: provider_error" in told


def test_a_busy_route_does_not_fill_the_record_of_decisions() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> list[Any]:
        for _ in range(4):
            await asyncio.gather(*(ask(router) for _ in range(200)))
            await asyncio.sleep(1.0)
        return read(feed.now())["calls"]

    told = watched([endpoint("a", Scripted(answers(0.1)))], play, routes=[CHAT])

    assert 3 <= len(told) <= 4 * 3


def test_the_past_has_every_bin_and_the_process_it_is_of() -> None:
    async def play(router: Router, _collector: Collector, feed: Feed) -> tuple[Any, Any]:
        for _ in range(20):
            await ask(router)
            await asyncio.sleep(10.0)
        return read(feed.past()), read(feed.now())

    past, now = watched([endpoint("a", Scripted(answers(0.1)))], play, routes=[CHAT])

    assert sum(bin_["routes"]["chat"]["calls"] for bin_ in past["bins"] if "routes" in bin_) == 20
    assert past["process"] == now["process"]
    assert len(past["calls"]) == 20


def test_another_router_that_takes_the_place_of_the_first_is_looked_at_from_then_on() -> None:
    async def main() -> tuple[Any, Any]:
        collector = Collector()
        first, second = endpoint("first", Scripted()), endpoint("second", Scripted())
        async with (
            Router([first], [CHAT], clock=virtual_clock, listeners=[collector]) as router,
            Router([second], [CHAT], clock=virtual_clock, listeners=[collector]) as other,
        ):
            stood = Stood(router, [first])
            feed = Feed(stood, collector, virtual_clock)
            watching = asyncio.create_task(frames(feed, 3))
            await ask(router)
            await asyncio.sleep(1.5)
            stood.router = other
            await ask(other)
            told = [read(frame) for frame in await watching]
            return told[0], told[-1]

    before, after = run(main)

    assert [one["name"] for one in before["endpoints"]] == ["first"]
    assert [one["name"] for one in after["endpoints"]] == ["second"]
    assert of(after, "chat")["calls"] == 2


def test_the_state_of_the_configuration_is_told_as_it_is_given() -> None:
    async def main() -> Any:
        collector, fleet = Collector(), [endpoint("a", Scripted())]
        async with Router(fleet, clock=virtual_clock, listeners=[collector]) as router:
            return read(Feed(Stood(router, fleet), collector, virtual_clock, lambda: told).now())["configuration"]

    last = Reloaded(at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), ok=False, wrong=WRONG)
    told = loaded("gateway.toml", last)

    assert run(main) == {
        "source": "gateway.toml",
        "at": "2026-01-02T03:04:05+00:00",
        "refused": "slots must be at least 1\nqueue must be at least 0",
        "needs_restart": [],
    }
    assert loaded("gateway.toml", None) == Loaded("gateway.toml")


def test_a_snapshot_that_cannot_be_made_is_logged_once_and_the_next_ones_come(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> int:
        collector, fleet = Collector(), [endpoint("a", Scripted())]
        async with Router(fleet, clock=virtual_clock, listeners=[collector]) as router:
            broken = True

            def told() -> Loaded:
                if broken:
                    raise OSError("the file is gone")
                return Loaded("back")

            feed = Feed(Stood(router, fleet), collector, virtual_clock, told)
            watching = asyncio.create_task(frames(feed, 1))
            await asyncio.sleep(3.5)
            broken = False
            (frame,) = await watching
            return read(frame)["tick"]

    with caplog.at_level(logging.ERROR):
        assert run(main) == 5

    assert [record.getMessage() for record in caplog.records] == [
        "the dashboard has no snapshot; calls go on without it"
    ]
