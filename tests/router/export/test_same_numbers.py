"""Whatever traffic there is: both exporters tell the same, and what they tell adds up with what happened."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from tenacity import stop_after_attempt

from paceline.policies import Fallback, Retry, Slots
from paceline.router import AttemptEnded, CallEnded, Limits, Objective, Outcome, Request, Route, Usage
from paceline.router.errors import BadRequest, CallError, ProviderError, RateLimited
from paceline.router.export import names
from paceline.router.testing import SILENT, Cut, Script, endpoint, fails, run

from .told import Exported, Labels, Spread, Told, Value, Vendor, speaks


def answer(ttft_s: float, gap_s: float, words: int, usage: Usage | None) -> Script:
    return speaks(ttft_s, *["w"] * words, gap_s=gap_s, usage=usage)


def cut(whole: Script) -> Script:
    """The same answer, without its end."""
    return (*whole[:-1], Cut(10.0))


@attrs.frozen
class Asked:
    budget_s: float
    stream: bool
    max_tokens: int | None


TIMES_S = st.integers(0, 48).map(lambda sixteenths: sixteenths / 16)
USAGES = st.none() | st.builds(
    Usage,
    input_tokens=st.none() | st.integers(0, 10**7),
    output_tokens=st.none() | st.integers(0, 10**4),
    reasoning_tokens=st.none() | st.integers(0, 10),
)
ANSWERS = st.builds(answer, TIMES_S, TIMES_S, st.integers(1, 4), USAGES)
CUTS = ANSWERS.map(cut)
FAILURES = st.builds(fails, TIMES_S, st.sampled_from([RateLimited, ProviderError, BadRequest]))
SCRIPTS: st.SearchStrategy[Script] = st.one_of(ANSWERS, ANSWERS, CUTS, FAILURES, st.just(SILENT))
CALLS = st.builds(Asked, st.sampled_from([1.0, 5.0, 60.0]), st.booleans(), st.none() | st.just(64))


def sum_over(page: dict[Labels, Value], **wanted: str) -> float:
    """Counts of a page's series that have these labels."""
    chosen = [value for labels, value in page.items() if set(wanted.items()) <= labels]
    return sum(value.count if isinstance(value, Spread) else value for value in chosen)


def exported_by(best: Sequence[Script], fast: Sequence[Script]) -> Exported:
    limits = Limits(first_token_s=4.0, gap_s=2.0)
    endpoints = [
        endpoint("a", Vendor(*best), model="best", region="east", slots=2, limits=limits),
        endpoint("b", Vendor(*fast, name="groq"), model="fast", region="west", limits=limits, url="http://b.example"),
    ]
    chat = Route(name="chat", models=("best", "fast"), objective=Objective(ttft_s=0.7, total_s=3.0))
    stack = [Fallback(start_within_s=1.0), Retry(stop=stop_after_attempt(2)), Slots(max_wait_s=0.5)]
    return Exported(*endpoints, routes=[chat], policies=stack)


@settings(max_examples=40, deadline=None)
@given(
    best=st.lists(SCRIPTS, min_size=1, max_size=4),
    fast=st.lists(SCRIPTS, min_size=1, max_size=4),
    calls=st.lists(CALLS, min_size=1, max_size=6),
    patience_s=st.sampled_from([0.5, 100.0]),
)
def test_both_tell_the_same_and_it_adds_up(
    best: list[Script], fast: list[Script], calls: list[Asked], patience_s: float
) -> None:
    async def main() -> None:
        exported = exported_by(best, fast)

        async def one(asked: Asked) -> None:
            request = Request(
                messages="hello", budget_s=asked.budget_s, stream=asked.stream, max_tokens=asked.max_tokens
            )
            try:
                async with asyncio.timeout(patience_s):
                    await exported.router.complete(request)
            except (CallError, TimeoutError):
                pass

        async with exported.router:
            await asyncio.gather(*map(one, calls))
        told = exported.told()  # which compares the two

        _adds_up(told, [event for event in exported.events if isinstance(event, CallEnded)])
        _attempts_add_up(told, [event for event in exported.events if isinstance(event, AttemptEnded)])

    run(main)


def _adds_up(told: Told, ended: list[CallEnded]) -> None:
    outcomes = Counter(event.outcome.value for event in ended)
    for outcome, count in outcomes.items():
        assert sum_over(told[names.CALLS], outcome=outcome) == count
        assert sum_over(told[names.ROUTE_DURATION], outcome=outcome) == count
    ledgers = [event.call.ledger for event in ended]
    assert sum_over(told[names.CALLS]) == sum_over(told[names.ROUTE_DURATION]) == len(ended)
    assert sum_over(told.get(names.RETRIES, {})) == sum(len(ledger.retries) for ledger in ledgers)
    assert sum_over(told.get(names.FALLBACKS, {})) == sum(len(ledger.models_left) for ledger in ledgers)
    assert sum_over(told.get(names.CALLS_IN_TIME, {})) <= outcomes["answered"]
    refused = sum(1 for event in ended if event.reason is not None and not event.call.ledger.attempts)
    assert sum_over(told.get(names.REFUSALS, {})) == refused


def _attempts_add_up(told: Told, ended: list[AttemptEnded]) -> None:
    attempts = [event.attempt for event in ended]
    for outcome, count in Counter(attempt.outcome for attempt in attempts).items():
        assert sum_over(told[names.ATTEMPTS], outcome=outcome.value) == count
        assert sum_over(told[names.ATTEMPT_SERVICE], outcome=outcome.value) == count
    for page in (told.get(names.ATTEMPTS, {}), told.get(names.CLIENT_DURATION, {}), told.get(names.SLOT_WAIT, {})):
        assert sum_over(page) == len(attempts)
    streamed = [attempt for attempt in attempts if attempt.streamed]
    spoke = [attempt for attempt in streamed if attempt.first_progress_s is not None]
    timed_out = [attempt for attempt in attempts if attempt.outcome is Outcome.TIMED_OUT]
    assert sum_over(told.get(names.ATTEMPT_TTFT, {})) == len(spoke)
    assert sum_over(told.get(names.ATTEMPT_TPOT, {})) == sum(attempt.tpot_s is not None for attempt in streamed)
    assert sum_over(told.get(names.ATTEMPT_TIMEOUTS, {})) == len(timed_out)
    billed = [attempt.usage for attempt in attempts if attempt.usage is not None]
    told_tokens = told.get(names.CLIENT_TOKENS, {})
    for kind, tokens in (
        ("input", [usage.input_tokens for usage in billed]),
        ("output", [usage.output_tokens for usage in billed]),
    ):
        known = [count for count in tokens if count is not None]
        assert sum_over(told_tokens, gen_ai_token_type=kind) == len(known)
        spreads = [value for labels, value in told_tokens.items() if ("gen_ai_token_type", kind) in labels]
        assert sum(value.total for value in spreads if isinstance(value, Spread)) == sum(known)
