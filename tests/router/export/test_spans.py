"""Spans: one for a call, below its caller's; one inside it for each attempt; at the times at which things happened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, use_span
from tenacity import stop_after_attempt

from paceline.policies import Fallback, Retry, Slots
from paceline.router import Limits, Request, Route, Router, Usage
from paceline.router.errors import CallError, Overloaded, ProviderError, RateLimited, StreamInterrupted
from paceline.router.export import names
from paceline.router.testing import SILENT, Cut, Script, answers, endpoint, fails, run

from ..stack import Ear
from .told import UNIX_NS, Exported, Vendor, hello, labels, speaks


def unix_ns(at_s: float) -> int:
    return UNIX_NS + round(at_s * 1e9)


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    assert span.attributes is not None
    return dict(span.attributes)


def times_s(span: ReadableSpan) -> tuple[float, float]:
    """When it began and ended, in the router's seconds."""
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.start_time - UNIX_NS) / 1e9, (span.end_time - UNIX_NS) / 1e9


def test_an_answered_call_is_a_span_with_a_client_span_inside() -> None:
    async def main() -> None:
        usage = Usage(input_tokens=100, output_tokens=3, cached_tokens=64, reasoning_tokens=1)
        vendor = Vendor(speaks(0.25, "a", "b", gap_s=0.5, usage=usage), served_model="m-2024-08-06")
        a = endpoint("a", vendor, url="https://east.example.com:8443/v1", slots=1)
        chat = Route(name="chat", models="m", max_tokens=64)
        exported = Exported(a, routes=[chat], policies=[Slots()])
        async with exported.router as router:
            await asyncio.sleep(1.0)
            params = {"temperature": 0.5, "top_p": 0.9, "n": 1, "seed": 7, "stop": ["jane"]}
            await router.complete(Request(messages="hello", params=params, budget_s=20.0))

        attempt, call = exported.spans()
        assert (call.name, call.kind, call.parent) == ("route chat", SpanKind.INTERNAL, None)
        assert (attempt.name, attempt.kind) == ("chat m", SpanKind.CLIENT)
        assert attempt.parent == call.context
        assert (call.start_time, call.end_time) == (unix_ns(1.0), unix_ns(1.75))
        assert (attempt.start_time, attempt.end_time) == (unix_ns(1.0), unix_ns(1.75))
        assert call.status.status_code is attempt.status.status_code is StatusCode.UNSET
        assert attributes(call) == {
            "paceline.route": "chat",
            "paceline.outcome": "answered",
            "paceline.endpoint": "a",
            "paceline.budget": 20.0,
            "paceline.ttft": 0.25,
            "paceline.attempts": 1,
            "paceline.retries": 0,
            "paceline.fallbacks": 0,
        }
        assert attributes(attempt) == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "azure.ai.openai",
            "gen_ai.request.model": "m",
            "gen_ai.response.model": "m-2024-08-06",
            "server.address": "east.example.com",
            "server.port": 8443,
            "cloud.region": "here",
            "gen_ai.request.stream": True,
            "gen_ai.request.max_tokens": 64,
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.top_p": 0.9,
            "gen_ai.request.choice.count": 1,
            "gen_ai.request.seed": 7,
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.response.time_to_first_chunk": 0.125,
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 3,
            "gen_ai.usage.cache_read.input_tokens": 64,
            "gen_ai.usage.reasoning.output_tokens": 1,
            "paceline.endpoint": "a",
            "paceline.attempt.number": 1,
            "paceline.outcome": "ok",
            "paceline.slot.wait": 0.0,
            "paceline.ttft": 0.25,
        }

    run(main)


@pytest.mark.parametrize("odd", [True, "0.5", None, [0.5], {"jane": 1}], ids=repr)
def test_a_parameter_that_is_no_number_stays_here(odd: object) -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor()))
        async with exported.router as router:
            await router.complete(hello(params={"temperature": odd, "seed": odd}))

        assert not {"gen_ai.request.temperature", "gen_ai.request.seed"} & attributes(exported.spans()[0]).keys()

    run(main)


def test_an_answer_in_one_piece_has_no_first_token() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25))))
        async with exported.router as router:
            await router.complete(hello(stream=False))

        told = attributes(exported.spans()[0])
        assert told["gen_ai.request.stream"] is False
        assert not {"paceline.ttft", "gen_ai.response.time_to_first_chunk"} & told.keys()

    run(main)


async def _complete(router: Router) -> None:
    await router.complete(hello())


async def _send(router: Router) -> None:
    await router.send(hello(), Ear())


async def _stream(router: Router) -> None:
    async with router.stream(hello()) as chunks:
        async for _ in chunks:
            pass


@pytest.mark.parametrize("ask", [_complete, _send, _stream])
def test_the_parent_of_a_call_is_its_callers_span_however_it_asks(ask: Callable[[Router], Awaitable[None]]) -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25))))
        tracer = exported.tracers.get_tracer("test")
        async with exported.router as router:

            async def caller(name: str) -> SpanContext:
                with tracer.start_as_current_span(name) as span:
                    await ask(router)
                return span.get_span_context()

            contexts = await asyncio.gather(caller("one"), caller("other"))

        calls = [span for span in exported.spans() if span.name == "route m"]
        assert {call.parent.span_id for call in calls if call.parent} == {context.span_id for context in contexts}
        for span in exported.spans():
            assert span.context is not None
            assert span.context.trace_id in {context.trace_id for context in contexts}

    run(main)


def test_retries_are_spans_of_their_own_and_failures_are_errors_without_a_message() -> None:
    async def main() -> None:
        vendor = Vendor(fails(0.25, lambda: RateLimited("jane has no quota")), answers(0.5))
        exported = Exported(endpoint("a", vendor), policies=[Retry(stop=stop_after_attempt(2))])
        async with exported.router as router:
            await router.complete(hello())

        first, second, call = exported.spans()
        assert times_s(first) == (0.0, 0.25)
        assert times_s(second)[1] == times_s(call)[1]
        assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, "rate_limited")
        assert second.status.status_code is call.status.status_code is StatusCode.UNSET
        assert attributes(first)["error.type"] == "RateLimited"
        assert attributes(first)["paceline.reason"] == "rate_limited"
        assert "error.type" not in attributes(second)
        assert [attributes(span)["paceline.attempt.number"] for span in (first, second)] == [1, 2]
        assert (attributes(call)["paceline.attempts"], attributes(call)["paceline.retries"]) == (2, 1)

    run(main)


def test_a_fallback_shows_the_model_that_was_left_and_the_one_that_answered() -> None:
    async def main() -> None:
        chat = Route(name="chat", models=("best", "fast"))
        endpoints = [
            endpoint("a", Vendor(SILENT), model="best"),
            endpoint("b", Vendor(answers(0.5), name="bedrock"), model="fast", region="east"),
        ]
        exported = Exported(*endpoints, routes=[chat], policies=[Fallback(start_within_s=2.0)])
        async with exported.router as router:
            await router.complete(Request(messages="hello"))

        left, answered, call = exported.spans()
        assert [times_s(span) for span in (left, answered, call)] == [(0.0, 2.0), (2.0, 2.5), (0.0, 2.5)]
        assert [span.name for span in (left, answered)] == ["chat best", "chat fast"]
        assert attributes(left)["error.type"] == "AttemptTimeout"
        assert attributes(left)["paceline.outcome"] == "timed_out"
        assert left.status.status_code is StatusCode.ERROR
        assert attributes(answered)["gen_ai.provider.name"] == "aws.bedrock"
        assert attributes(answered)["cloud.region"] == "east"
        assert attributes(call)["paceline.fallbacks"] == 1
        assert attributes(call)["paceline.endpoint"] == "b"

    run(main)


@pytest.mark.parametrize(
    ("script", "reason", "kind"),
    [
        (fails(0.25, ProviderError), "provider_error", "ProviderError"),
        ((*speaks(0.125, "a")[:2], Cut(0.25)), "interrupted", "TruncatedAnswer"),
        (SILENT, "deadline", "DeadlineExceeded"),
    ],
    ids=["fails", "cut", "deadline"],
)
def test_a_call_that_failed_is_an_error_by_its_reason(script: Script, reason: str, kind: str) -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(script)))
        async with exported.router as router:
            with pytest.raises(CallError):
                await router.send(hello(budget_s=2.0), Ear())

        attempt, call = exported.spans()
        assert (call.status.status_code, call.status.description) == (StatusCode.ERROR, reason)
        assert attributes(call)["error.type"] == attributes(call)["paceline.reason"] == reason
        assert attributes(attempt)["error.type"] == kind
        assert attempt.status.status_code is StatusCode.ERROR
        assert "paceline.endpoint" not in attributes(call)
        assert attempt.events == call.events == ()

    run(main)


def test_a_reason_that_is_no_word_is_other() -> None:
    class Odd(ProviderError):
        reason = "jane has no quota"

    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(fails(0.25, Odd))))
        async with exported.router as router:
            with pytest.raises(Odd):
                await router.complete(hello())

        for span in exported.spans():
            assert attributes(span)["paceline.reason"] == span.status.description == "other"
        assert exported.told()[names.CALLS] == {labels(route="m", outcome="failed", reason="other"): 1}
        assert exported.told()[names.ATTEMPTS] == {labels(route="m", outcome="failed", reason="other"): 1}

    run(main)


def test_a_call_its_caller_left_is_no_error() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(SILENT)))
        async with exported.router as router:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(router.complete(hello()), 0.5)

        attempt, call = exported.spans()
        assert attributes(call)["paceline.outcome"] == attributes(attempt)["paceline.outcome"] == "cancelled"
        assert attributes(attempt)["error.type"] == "CancelledError"
        assert call.status.status_code is attempt.status.status_code is StatusCode.UNSET
        assert times_s(call) == times_s(attempt) == (0.0, 0.5)

    run(main)


def test_a_call_that_was_refused_is_one_span() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(SILENT), slots=1), policies=[Slots(max_wait_s=0.5)])
        async with exported.router as router:
            first = asyncio.create_task(router.complete(hello()))
            await asyncio.sleep(0.25)
            with pytest.raises(Overloaded):
                await router.complete(hello())
            first.cancel()

            (call,) = exported.spans()
        assert times_s(call) == (0.25, 0.75)
        assert attributes(call)["paceline.reason"] == "overloaded"
        assert attributes(call)["paceline.attempts"] == 0

    run(main)


def test_a_stream_that_breaks_off_ends_when_it_broke_off() -> None:
    async def main() -> None:
        a = endpoint("a", Vendor((*speaks(0.25, "a")[:2], *SILENT)), limits=Limits(gap_s=1.0))
        exported = Exported(a)
        async with exported.router as router:
            with pytest.raises(StreamInterrupted):
                await router.send(hello(), Ear())

        attempt, call = exported.spans()
        assert times_s(attempt) == times_s(call) == (0.0, 1.25)
        assert attributes(attempt)["paceline.ttft"] == 0.25

    run(main)


def test_a_call_that_is_not_sampled_leaves_nothing() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor()), tracers=TracerProvider(sampler=ALWAYS_OFF))
        async with exported.router as router:
            await router.complete(hello())

        assert exported.spans() == ()

    run(main)


@pytest.mark.parametrize("sampled", [0, 2], ids=["the caller is not sampled", "the caller is sampled"])
def test_a_call_is_sampled_as_its_caller_is(sampled: int) -> None:
    async def main() -> None:
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        elsewhere = SpanContext(trace_id=1, span_id=1, is_remote=True, trace_flags=flags)
        exported = Exported(endpoint("a", Vendor()), tracers=TracerProvider(sampler=ParentBased(ALWAYS_OFF)))
        async with exported.router as router:
            with use_span(NonRecordingSpan(elsewhere)):
                await router.complete(hello())

        assert len(exported.spans()) == sampled

    run(main)
