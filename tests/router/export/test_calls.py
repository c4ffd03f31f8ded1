"""What calls are counted as, by route. Each test scripts a vendor; what it is compared with, both exporters tell."""

from __future__ import annotations

import asyncio

import pytest
from tenacity import stop_after_attempt

from paceline.policies import Fallback, Retry, Slots
from paceline.router import Chunk, Objective, Request, Route, Usage
from paceline.router.errors import CallError, Overloaded, ProviderError, RateLimited
from paceline.router.export import names
from paceline.router.testing import SILENT, Cut, Say, Script, answers, endpoint, fails, run

from ..stack import Ear
from .told import USAGE, Exported, Spread, Vendor, client, hello, labels, one, speaks, told_after


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
        assert told[names.ROUTE_TTFT] == {answered: one(names.ROUTE_TTFT, 2.75)}
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
        assert told[names.ROUTE_DURATION] == {labels(route="m", outcome="failed"): one(names.ROUTE_DURATION, 0.5)}
        assert names.ATTEMPTS not in told

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
        assert told[names.ROUTE_TTFT] == {failed: one(names.ROUTE_TTFT, 0.25)}, "complete() had shown nothing"
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
        labels(route="m", model="m", outcome="failed"): one(names.ROUTE_DURATION, 0.125),
    }


def test_tokens_that_cost_nothing_are_not_discarded() -> None:
    usage = Usage(input_tokens=0, output_tokens=0)

    told = told_after((Say(0.25, Chunk("a", usage=usage)), Cut(0.5)))

    assert names.DISCARDED not in told
