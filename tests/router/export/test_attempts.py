"""What attempts are counted as. Each test scripts a vendor; what it is compared with, both exporters tell."""

from __future__ import annotations

import asyncio

import pytest

from paceline.policies import Slots
from paceline.router import Chunk, Limits, Objective, Request, Route, Usage
from paceline.router.errors import BadRequest, RateLimited
from paceline.router.export import names
from paceline.router.testing import SILENT, Cut, Say, Script, answers, endpoint, fails, run

from .told import USAGE, Exported, Spread, Vendor, client, hello, labels, one, speaks, told_after

OK = labels(provider="azure", model="m", region="here", outcome="ok")


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
        assert told[names.CLIENT_DURATION][attempt] == one(names.CLIENT_DURATION, 1.25)
        assert told[names.CLIENT_FIRST_CHUNK][attempt] == one(names.CLIENT_FIRST_CHUNK, 0.125)
        assert told[names.CLIENT_TOKENS] == {
            attempt | labels(gen_ai_token_type="input"): one(names.CLIENT_TOKENS, 100),
            attempt | labels(gen_ai_token_type="output"): one(names.CLIENT_TOKENS, 3),
        }
        assert told[names.ATTEMPT_SERVICE] == {OK: one(names.ATTEMPT_SERVICE, 1.25)}
        assert told[names.ATTEMPT_TTFT] == {OK: one(names.ATTEMPT_TTFT, 0.25)}
        assert told[names.ATTEMPT_TPOT] == {OK: one(names.ATTEMPT_TPOT, 0.5)}
        assert told[names.ATTEMPT_GAP] == {OK: one(names.ATTEMPT_GAP, 0.5)}
        assert told[names.ATTEMPT_CONNECT] == {OK: one(names.ATTEMPT_CONNECT, 0.0625)}
        assert told[names.KEEPALIVES] == {labels(provider="azure", model="m", region="here"): 2}
        assert told[names.SLOT_WAIT] == {labels(endpoint="a"): one(names.SLOT_WAIT, 0.0)}
        assert told[names.ROUTE_DURATION] == {answered: one(names.ROUTE_DURATION, 1.25, 1.25)}
        assert told[names.ROUTE_TTFT] == {answered: one(names.ROUTE_TTFT, 0.25, 0.3)}
        assert told[names.CALLS] == {labels(route="chat", outcome="answered"): 1}
        assert told[names.CALLS_IN_TIME] == {labels(route="chat"): 1}
        assert told[names.ATTEMPTS] == {labels(route="chat", outcome="ok"): 1}
        rare = {names.ATTEMPT_TIMEOUTS, names.RETRIES, names.FALLBACKS, names.REFUSALS, names.DISCARDED}
        assert not rare & told.keys()

    run(main)


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

    assert told[names.ATTEMPT_SERVICE] == {OK: one(names.ATTEMPT_SERVICE, 0.25)}
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
    assert told[names.CLIENT_DURATION] == {client(error_type=kind): one(names.CLIENT_DURATION, 0.25)}
    assert told[names.ATTEMPT_SERVICE] == {who: one(names.ATTEMPT_SERVICE, 0.25)}
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
    assert told[names.CLIENT_DURATION] == {client(error_type=kind): one(names.CLIENT_DURATION, took_s)}
    assert told[names.ATTEMPTS] == {labels(route="m", outcome="timed_out", reason=reason): 1}


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
