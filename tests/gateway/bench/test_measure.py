"""The run itself: it finds what is there, sends each call once and where it is meant to, and keeps what had ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from paceline.gateway.bench.aim import AIM
from paceline.gateway.bench.measure import Bench
from paceline.gateway.bench.plan import Plan
from paceline.gateway.report import figures as saved
from paceline.router.errors import AuthenticationFailed, ProviderError, RateLimited
from paceline.router.statistics import hlog
from paceline.router.testing import Behaviour, Scripted, answers, endpoint, fails, run, virtual_clock

from .run import benched, came_of, simulated

NOON_S = 1_764_000_000.0


def test_it_finds_how_fast_endpoints_are() -> None:
    endpoints = simulated(
        fast=Behaviour(ttft_s=0.2, tokens_per_s=100, sigma=0.1, tail=0.0),
        slow=Behaviour(ttft_s=0.8, tokens_per_s=25, sigma=0.1, tail=0.0),
    )

    fast, slow = came_of(benched(endpoints, Plan(calls=400, rate=1.0, max_tokens=50))).endpoints

    assert fast.ttft_s.p50 == pytest.approx(0.2, rel=0.05)
    assert fast.ttft_s.p95 == pytest.approx(0.2 * 1.179, rel=0.05)
    assert fast.tokens_per_s.p50 == pytest.approx(100, rel=0.01)
    assert slow.ttft_s.p50 == pytest.approx(0.8, rel=0.05)
    assert slow.total_s.p50 == pytest.approx(0.8 + 49 / 25, rel=0.05)
    assert (slow.sent, slow.answered, slow.success, slow.late) == (400, 400, 1.0, 0)
    assert (slow.input_tokens, slow.output_tokens) == (400 * 500, 400 * 50)


def test_every_call_is_made_once_and_where_it_is_meant_to() -> None:
    good, bad = Scripted(answers(0.1)), Scripted(fails(0.1, ProviderError))

    bench = benched([endpoint("good", good), endpoint("bad", bad)], Plan(calls=20))

    assert (good.calls, bad.calls) == (20, 20)
    assert {call.request.metadata[AIM] for call in bad.seen} == {"bad"}
    assert bench.lanes["bad"].failed == 20


def test_what_is_asked_is_what_the_plan_says() -> None:
    good = Scripted(answers(0.1))

    benched([endpoint("good", good)], Plan(calls=1, prompt_tokens=900, max_tokens=33, timeout_s=7.0))

    (call,) = good.seen
    assert (call.prompt_tokens, call.max_tokens, call.request.budget_s, call.request.stream) == (900, 33, 7.0, True)


def test_failures_are_told_by_reason_in_their_own_words() -> None:
    flaky = Scripted(*[fails(0.1, ProviderError)] * 2, fails(0.1, AuthenticationFailed), answers(0.3))

    (measured,) = came_of(benched([endpoint("flaky", flaky)], Plan(calls=10))).endpoints

    assert measured.failures == {"provider_error": 2, "authentication": 1}
    assert measured.told == {"provider_error": "as scripted", "authentication": "as scripted"}
    assert (measured.sent, measured.answered, measured.success) == (10, 7, 0.7)
    assert measured.ttft_s.samples == 7


def test_a_pause_that_a_vendor_asks_for_is_kept() -> None:
    def limited() -> RateLimited:
        return RateLimited("slow down", retry_after_s=5.0)

    busy = Scripted(fails(0.0, limited), answers(0.1))

    (measured,) = came_of(benched([endpoint("busy", busy)], Plan(calls=10))).endpoints

    assert busy.calls == 6
    assert measured.failures == {"gated": 4, "rate_limited": 1}


def test_a_call_that_takes_too_long_is_given_up() -> None:
    (measured,) = came_of(
        benched([endpoint("slow", Scripted(answers(9.0)))], Plan(calls=3, rate=0.1, timeout_s=5.0))
    ).endpoints

    assert measured.failures == {"deadline": 3}


def test_at_most_so_many_are_in_flight_and_the_others_wait_here() -> None:
    slow = Scripted(answers(4.0))

    (measured,) = came_of(benched([endpoint("slow", slow)], Plan(calls=6, rate=1.0, at_once=2))).endpoints

    assert slow.most_live == 2
    assert measured.ttft_s.p99 == pytest.approx(4.0)  # the wait is in none of the times
    assert measured.late == 4
    assert measured.late_s.p99 == pytest.approx(4.0)  # the last was due after 5 s, and went out after 9


def test_a_slow_endpoint_is_not_asked_less() -> None:
    slow, fast = Scripted(answers(30.0)), Scripted(answers(0.1))
    sent: list[float] = []

    async def main() -> None:
        bench = Bench(
            [endpoint("slow", slow), endpoint("fast", fast)], Plan(calls=10, at_once=99, timeout_s=99), virtual_clock
        )
        await bench.run()
        sent.extend(call.ledger.began_s for call in slow.seen)

    run(main)
    assert sent[-1] - sent[0] < 10.0


def test_ended_before_its_time_it_leaves_what_had_ended() -> None:
    slow = Scripted(answers(3.0))

    async def main() -> Bench:
        bench = Bench([endpoint("slow", slow)], Plan(calls=10), virtual_clock)
        running = asyncio.create_task(bench.run())
        await asyncio.sleep(5.5)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        return bench

    bench = run(main)
    outcome = came_of(bench, interrupted=True)
    assert (outcome.interrupted, outcome.endpoints[0].sent) == (True, 3)
    assert slow.live == 0
    assert bench.lanes["slow"].in_flight == 0


def test_what_is_saved_is_what_was_measured(tmp_path: Path) -> None:
    """Of the first call, too: the windows outlast the run."""
    path = tmp_path / "bench.hlog"

    async def main() -> Bench:
        endpoints = simulated(a=Behaviour(ttft_s=0.3), b=Behaviour(ttft_s=0.9))
        bench = Bench(endpoints, Plan(calls=300, rate=0.1), virtual_clock)
        await bench.run()
        hlog.save(path, bench.router.snapshot(), now_epoch_s=NOON_S)
        return bench

    bench = run(main)
    outcome = came_of(bench)
    rows = {(row.endpoint, row.metric): row for row in saved.read([path]).rows}
    for measured in outcome.endpoints:
        row = rows[measured.endpoint, "ttft"]
        assert row.count == measured.sent == 300
        assert row.p50_s == pytest.approx(measured.ttft_s.p50, rel=0.02)
