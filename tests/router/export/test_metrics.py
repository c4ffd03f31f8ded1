"""What calls are counted as. Each test scripts a vendor, and compares with what both exporters tell."""

from __future__ import annotations

import asyncio

import pytest
from tenacity import stop_after_attempt

from paceline.policies import Fallback, Retry, Slots
from paceline.router import Chunk, Limits, Objective, Request, Route, Usage
from paceline.router.errors import BadRequest, CallError, Overloaded, ProviderError, RateLimited
from paceline.router.export import names, recorder
from paceline.router.testing import SILENT, Cut, Say, Script, answers, endpoint, fails, run

from ..stack import Ear
from .told import Exported, Labels, Spread, Told, Vendor, hello, labels, speaks

USAGE = Usage(input_tokens=100, output_tokens=3, cached_tokens=64, reasoning_tokens=0)
OK = labels(provider="azure", model="m", region="here", outcome="ok")


def client(**given: object) -> Labels:
    """The conventions' labels of an attempt at ``m`` of azure, without a url."""
    who: dict[str, object] = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "azure.ai.openai",
        "gen_ai_request_model": "m",
        "cloud_region": "here",
    }
    return labels(**{**who, **given})


def told_after(*scripts: Script, calls: int = 1, limits: Limits | None = None, **fields: object) -> Told:
    """What is told once a router of one endpoint has had *calls*, whatever became of them."""
    found: list[Told] = []

    async def main() -> None:
        a = endpoint("a", Vendor(*scripts), limits=limits or Limits())
        exported = Exported(a)
        async with exported.router as router:
            for _ in range(calls):
                try:
                    await router.complete(hello(**fields))
                except CallError:
                    continue
        found.append(exported.told())

    run(main)
    return found[0]


def test_an_answer_is_in_every_metric_with_its_value() -> None:
    async def main() -> None:
        vendor = Vendor(
            speaks(0.25, "a", "b", "c", gap_s=0.5, usage=USAGE),
            served_model="m-2024-08-06",
            connect_s=0.0625,
            keepalives=2,
            request_id="req-1",
        )
        a = endpoint("a", vendor, url="https://east.example.com/v1", slots=4)
        chat = Route(name="chat", models="m", objective=Objective(ttft_s=0.3, total_s=1.25))
        exported = Exported(a, routes=[chat], policies=[Slots()])
        async with exported.router as router:
            await router.complete(Request(messages="hello"))
        told = exported.told()

        attempt = client(gen_ai_response_model="m-2024-08-06", server_address="east.example.com", server_port="443")
        answered = labels(route="chat", model="m", outcome="answered")
        assert told[names.CLIENT_DURATION][attempt] == _spread(names.CLIENT_DURATION, 1.25)
        assert told[names.CLIENT_FIRST_CHUNK][attempt] == _spread(names.CLIENT_FIRST_CHUNK, 0.125)
        assert told[names.CLIENT_TOKENS] == {
            attempt | labels(gen_ai_token_type="input"): _spread(names.CLIENT_TOKENS, 100),
            attempt | labels(gen_ai_token_type="output"): _spread(names.CLIENT_TOKENS, 3),
        }
        assert told[names.ATTEMPT_SERVICE] == {OK: _spread(names.ATTEMPT_SERVICE, 1.25)}
        assert told[names.ATTEMPT_TTFT] == {OK: _spread(names.ATTEMPT_TTFT, 0.25)}
        assert told[names.ATTEMPT_TPOT] == {OK: _spread(names.ATTEMPT_TPOT, 0.5)}
        assert told[names.ATTEMPT_GAP] == {OK: _spread(names.ATTEMPT_GAP, 0.5)}
        assert told[names.ATTEMPT_CONNECT] == {OK: _spread(names.ATTEMPT_CONNECT, 0.0625)}
        assert told[names.KEEPALIVES] == {labels(provider="azure", model="m", region="here"): 2}
        assert told[names.SLOT_WAIT] == {labels(endpoint="a"): _spread(names.SLOT_WAIT, 0.0)}
        assert told[names.ROUTE_DURATION] == {answered: _spread(names.ROUTE_DURATION, 1.25, 1.25)}
        assert told[names.ROUTE_TTFT] == {answered: _spread(names.ROUTE_TTFT, 0.25, 0.3)}
        assert told[names.CALLS] == {labels(route="chat", outcome="answered"): 1}
        assert told[names.CALLS_IN_TIME] == {labels(route="chat"): 1}
        assert told[names.ATTEMPTS] == {labels(route="chat", outcome="ok"): 1}
        rare = {names.ATTEMPT_TIMEOUTS, names.RETRIES, names.FALLBACKS, names.REFUSALS, names.DISCARDED}
        assert not rare & told.keys()

    run(main)


def _spread(metric: names.Metric, value: float, *further: float) -> Spread:
    """One value, in the metric's buckets and *further* ones."""
    bounds = sorted({*metric.boundaries, *further})
    return Spread(1, value, tuple((bound, int(value <= bound)) for bound in bounds))


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (None, set[str]()),
        (Usage(), set[str]()),
        (Usage(output_tokens=3), {"output"}),
        (Usage(input_tokens=100), {"input"}),
        (Usage(input_tokens=0, output_tokens=0), {"input", "output"}),
    ],
)
def test_tokens_are_told_as_billed_and_never_guessed(usage: Usage | None, told: set[str]) -> None:
    page = told_after(speaks(0.25, "a", usage=usage)).get(names.CLIENT_TOKENS, {})

    assert {value for found in page for key, value in found if key == "gen_ai_token_type"} == told


def test_an_answer_asked_for_in_one_piece_has_no_first_token() -> None:
    told = told_after(answers(0.25, "a", "b"), stream=False)

    assert told[names.ATTEMPT_SERVICE] == {OK: _spread(names.ATTEMPT_SERVICE, 0.25)}
    first = {names.CLIENT_FIRST_CHUNK, names.ATTEMPT_TTFT, names.ATTEMPT_TPOT, names.ATTEMPT_GAP, names.ROUTE_TTFT}
    assert not first & told.keys()


@pytest.mark.parametrize(
    ("script", "outcome", "kind", "reason"),
    [
        (fails(0.25, RateLimited), "failed", "RateLimited", "rate_limited"),
        (fails(0.25, BadRequest), "failed", "BadRequest", "bad_request"),
        (fails(0.25, LookupError), "failed", "ProviderError", "provider_error"),
        ((Say(0.125, Chunk("a")), Cut(0.25)), "failed", "TruncatedAnswer", "truncated"),
    ],
)
def test_a_failure_is_told_by_its_class_and_its_reason_and_is_no_latency_of_an_answer(
    script: Script, outcome: str, kind: str, reason: str
) -> None:
    told = told_after(script)

    who = labels(provider="azure", model="m", region="here", outcome=outcome)
    assert told[names.CLIENT_DURATION] == {client(error_type=kind): _spread(names.CLIENT_DURATION, 0.25)}
    assert told[names.ATTEMPT_SERVICE] == {who: _spread(names.ATTEMPT_SERVICE, 0.25)}
    assert told[names.ATTEMPTS] == {labels(route="m", outcome=outcome, reason=reason): 1}
    assert told[names.CALLS] == {labels(route="m", outcome="failed", reason=reason): 1}
    assert OK not in told.get(names.ATTEMPT_TTFT, {})
    assert names.CALLS_IN_TIME not in told
    assert names.REFUSALS not in told


@pytest.mark.parametrize(
    ("limit", "limits", "script", "kind", "took_s"),
    [
        ("first_token", Limits(first_token_s=1.0), SILENT, "AttemptTimeout", 1.0),
        ("gap", Limits(gap_s=1.0), (*speaks(0.5, "a")[:2], *SILENT), "AttemptTimeout", 1.5),
        ("total", Limits(total_s=2.0), SILENT, "AttemptTimeout", 2.0),
        ("deadline", Limits(), SILENT, "DeadlineExceeded", 3.0),
    ],
)
def test_an_attempt_cut_off_says_by_which_limit(
    limit: str, limits: Limits, script: Script, kind: str, took_s: float
) -> None:
    told = told_after(script, limits=limits, budget_s=3.0)

    reason = "deadline" if limit == "deadline" else "timeout"
    assert told[names.ATTEMPT_TIMEOUTS] == {labels(provider="azure", model="m", region="here", reason=limit): 1}
    assert told[names.CLIENT_DURATION] == {client(error_type=kind): _spread(names.CLIENT_DURATION, took_s)}
    assert told[names.ATTEMPTS] == {labels(route="m", outcome="timed_out", reason=reason): 1}


def test_who_leaves_is_neither_answered_nor_failed() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(SILENT)))
        async with exported.router as router:
            caller = asyncio.create_task(router.complete(hello()))
            await asyncio.sleep(0.5)
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
        told = exported.told()

        assert told[names.CALLS] == {labels(route="m", outcome="cancelled"): 1}
        assert told[names.ATTEMPTS] == {labels(route="m", outcome="cancelled"): 1}
        assert list(told[names.CLIENT_DURATION]) == [client(error_type="CancelledError")]
        assert list(told[names.ROUTE_DURATION]) == [labels(route="m", model="m", outcome="cancelled")]
        assert names.CALLS_IN_TIME not in told

    run(main)


def test_retries_are_counted_by_what_had_failed_and_their_tokens_are_discarded() -> None:
    async def main() -> None:
        cut: Script = (*speaks(0.25, "a", usage=USAGE)[:2], Say(0.25, Chunk(usage=USAGE)), Cut(0.5))
        vendor = Vendor(fails(0.25, RateLimited), cut, speaks(0.25, "a", usage=USAGE))
        exported = Exported(endpoint("a", vendor), policies=[Retry(stop=stop_after_attempt(3))])
        async with exported.router as router:
            await router.complete(hello())
        told = exported.told()

        assert told[names.RETRIES] == {
            labels(route="m", reason="rate_limited"): 1,
            labels(route="m", reason="truncated"): 1,
        }
        assert told[names.ATTEMPTS] == {
            labels(route="m", outcome="failed", reason="rate_limited"): 1,
            labels(route="m", outcome="failed", reason="truncated"): 1,
            labels(route="m", outcome="ok"): 1,
        }
        assert told[names.DISCARDED] == {labels(route="m", reason="failed"): 103}
        assert told[names.CALLS] == {labels(route="m", outcome="answered"): 1}

    run(main)


def test_fallbacks_are_counted_by_whether_the_model_was_slow_or_failed() -> None:
    async def main() -> None:
        chat = Route(name="chat", models=("best", "good", "fast"))
        endpoints = [
            endpoint("a", Vendor(SILENT), model="best"),
            endpoint("b", Vendor(fails(0.25, ProviderError)), model="good"),
            endpoint("c", Vendor(speaks(0.5, "a")), model="fast"),
        ]
        exported = Exported(*endpoints, routes=[chat], policies=[Fallback(start_within_s=2.0)])
        async with exported.router as router:
            await router.complete(Request(messages="hello"))
        told = exported.told()

        assert told[names.FALLBACKS] == {
            labels(route="chat", reason="timeout"): 1,
            labels(route="chat", reason="failure"): 1,
        }
        answered = labels(route="chat", model="fast", outcome="answered")
        assert told[names.ROUTE_TTFT] == {answered: _spread(names.ROUTE_TTFT, 2.75)}
        assert told[names.ATTEMPT_TIMEOUTS] == {
            labels(provider="azure", model="best", region="here", reason="start"): 1
        }

    run(main)


def test_a_call_refused_before_anything_was_sent_is_a_refusal_of_no_model() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(SILENT), slots=1), policies=[Slots(max_wait_s=0.5)])
        async with exported.router as router:
            first = asyncio.create_task(router.complete(hello()))
            await asyncio.sleep(0.25)
            with pytest.raises(Overloaded):
                await router.complete(hello())
            told = exported.told()
            first.cancel()

        assert told[names.REFUSALS] == {labels(route="m", reason="overloaded"): 1}
        assert told[names.CALLS] == {labels(route="m", outcome="failed", reason="overloaded"): 1}
        assert told[names.ROUTE_DURATION] == {labels(route="m", outcome="failed"): _spread(names.ROUTE_DURATION, 0.5)}
        assert names.ATTEMPTS not in told

    run(main)


def test_what_an_attempt_waited_for_its_slot_is_told_by_endpoint() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(1.0)), slots=1), policies=[Slots()])
        async with exported.router as router:
            await asyncio.gather(router.complete(hello()), router.complete(hello()))
        told = exported.told()

        (waited,) = told[names.SLOT_WAIT].values()
        assert isinstance(waited, Spread)
        assert (waited.count, waited.total) == (2, 1.0)

    run(main)


@pytest.mark.parametrize(("ttft_s", "in_time"), [(0.8, 1), (0.8125, 0)], ids=["just in time", "too late"])
def test_attainment_is_counted_and_can_be_read_from_the_boundary_too(ttft_s: float, in_time: int) -> None:
    async def main() -> None:
        chat = Route(name="chat", models="m", objective=Objective(ttft_s=0.8))
        exported = Exported(endpoint("a", Vendor(answers(ttft_s))), routes=[chat])
        async with exported.router as router:
            await router.complete(Request(messages="hello"))
        told = exported.told()

        (spread,) = told[names.ROUTE_TTFT].values()
        assert isinstance(spread, Spread)
        assert dict(spread.buckets)[0.8] == in_time
        assert told.get(names.CALLS_IN_TIME, {}) == ({labels(route="chat"): 1} if in_time else {})
        assert told[names.CALLS] == {labels(route="chat", outcome="answered"): 1}

    run(main)


def test_a_stream_that_breaks_off_has_the_first_token_its_caller_saw() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor((*speaks(0.25, "a")[:2], Cut(0.5)))))
        async with exported.router as router:
            with pytest.raises(CallError):
                await router.send(hello(), Ear())
            with pytest.raises(CallError):
                await router.complete(hello())
        told = exported.told()

        failed = labels(route="m", model="m", outcome="failed")
        assert told[names.ROUTE_TTFT] == {failed: _spread(names.ROUTE_TTFT, 0.25)}, "complete() had shown nothing"
        assert told[names.CALLS] == {
            labels(route="m", outcome="failed", reason="interrupted"): 1,
            labels(route="m", outcome="failed", reason="truncated"): 1,
        }

    run(main)


def test_calls_add_up() -> None:
    told = told_after(answers(0.25), answers(0.5), fails(0.125, RateLimited), answers(1.0), calls=6)

    took_s = (0.25, 0.5, 1.0, 1.0, 1.0)
    bounds = names.ROUTE_DURATION.boundaries
    assert told[names.ROUTE_DURATION] == {
        labels(route="m", model="m", outcome="answered"): Spread(
            5, sum(took_s), tuple((bound, sum(value <= bound for value in took_s)) for bound in bounds)
        ),
        labels(route="m", model="m", outcome="failed"): _spread(names.ROUTE_DURATION, 0.125),
    }


def test_label_sets_beyond_the_cap_are_told_as_other_and_sums_stay_right() -> None:
    async def main() -> None:
        endpoints = [endpoint(f"e{n}", Vendor(answers(0.25)), model=f"m{n}") for n in range(5)]
        exported = Exported(*endpoints, most_series=2)
        async with exported.router as router:
            for number in range(5):
                await router.complete(Request(messages="hello", model=f"m{number}"))
        told = exported.told()

        other = labels(provider="other", model="other", region="other", outcome="other")
        page = told[names.ATTEMPT_SERVICE]
        assert len(page) == 3
        assert isinstance(page[other], Spread)
        assert sum(spread.count for spread in page.values() if isinstance(spread, Spread)) == 5
        assert all(len(page) <= 3 for metric, page in told.items() if metric.kind is not names.Kind.GAUGE)
        assert len(told[names.SLOT_INFLIGHT]) == 2

    run(main)


def test_endpoints_of_one_name_are_told_apart_when_a_router_follows_another() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25)), region="east"))
        after = Exported(endpoint("a", Vendor(answers(0.25)), region="west"))
        for router in (exported.router, after.router):
            async with router:
                await router.complete(hello())
        for event in after.events:
            exported.prometheus(event)

        text = exported.prometheus.text()
        assert (
            'paceline_attempt_service_seconds_count{model="m",outcome="ok",provider="azure",region="east"} 1.0' in text
        )
        assert (
            'paceline_attempt_service_seconds_count{model="m",outcome="ok",provider="azure",region="west"} 1.0' in text
        )

    run(main)


def test_accounts_that_are_given_up_lose_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_KEPT", 1)

    async def main() -> None:
        exported = Exported(*[endpoint(f"e{n}", Vendor(answers(0.25)), model=f"m{n}") for n in range(3)])
        async with exported.router as router:
            for number in (0, 1, 2, 0, 1, 2):
                await router.complete(Request(messages="hello", model=f"m{number}"))
        told = exported.told()

        assert told[names.CALLS] == {labels(route=f"m{n}", outcome="answered"): 2 for n in range(3)}
        assert told[names.ATTEMPTS] == {labels(route=f"m{n}", outcome="ok"): 2 for n in range(3)}

    run(main)


def test_tokens_that_cost_nothing_are_not_discarded() -> None:
    usage = Usage(input_tokens=0, output_tokens=0)

    told = told_after((Say(0.25, Chunk("a", usage=usage)), Cut(0.5)))

    assert names.DISCARDED not in told


def test_two_routers_never_meet() -> None:
    async def main() -> None:
        one, other = Exported(endpoint("a", Vendor(answers(0.25)))), Exported(endpoint("a", Vendor(answers(0.25))))
        async with one.router as router, other.router:
            await router.complete(hello())

        assert names.CALLS in one.told()
        assert names.CALLS not in other.told()

    run(main)


def test_where_nothing_happened_only_gauges_are_told() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor()))
        async with exported.router:
            told = exported.told()

        assert {metric.kind for metric in told} == {names.Kind.GAUGE}

    run(main)
