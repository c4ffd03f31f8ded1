"""A finished call made into its row: where its time went, and that nothing of it is lost."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import AttemptEnded, AttemptRow, CallOutcome, CallRow, Objective, Outcome, Usage
from paceline.router.errors import AttemptTimeout, ProviderError, RateLimited
from paceline.router.kpi.account import UNTOLD, cost, of_attempt, of_call
from paceline.router.testing import Scripted, endpoint

from .telling import ENDED, HERE, attempt, ended

THERE = endpoint("there", Scripted(), region="far")
SMALL = endpoint("small", Scripted(), model="small")
PRICED = endpoint("priced", Scripted(), region="near", price_in_per_m=2.0, price_out_per_m=10.0)
USED = Usage(input_tokens=1000, output_tokens=100, cached_tokens=500)

seconds = st.floats(min_value=0.0, max_value=1000.0, allow_nan=False)


def parts(row: CallRow) -> list[float]:
    return [row.elsewhere_s, row.slot_wait_s, row.connect_s, row.first_token_s, row.generation_s]


def test_the_time_of_an_answer_is_cut_at_its_marks() -> None:
    row = of_call(
        ended(
            attempt(sent_s=11.0, slot_wait_s=0.5, connect_s=0.125, first_s=11.375, finished_s=13.0),
            began_s=10.0,
            at_s=13.0,
        )
    )

    assert (row.elsewhere_s, row.slot_wait_s, row.connect_s) == (0.5, 0.5, 0.125)
    assert (row.first_token_s, row.generation_s) == (0.25, 1.625)
    assert (row.ttft_s, row.total_s, row.ended_s) == (1.375, 3.0, 13.0)


@given(
    began_s=st.floats(min_value=0.0, max_value=1e6),
    after_s=seconds, slot_wait_s=seconds, connect_s=st.none() | seconds, speaks_s=st.none() | seconds,
    lasts_s=st.none() | seconds, ends_s=seconds, held_s=seconds,
    streamed=st.booleans(), outcome=st.sampled_from(CallOutcome),
)  # fmt: skip
def test_the_parts_add_up_to_the_total_in_any_order_whatever_the_marks(
    *, began_s: float, after_s: float, slot_wait_s: float, connect_s: float | None, speaks_s: float | None,
    lasts_s: float | None, ends_s: float, held_s: float, streamed: bool, outcome: CallOutcome,
) -> None:  # fmt: skip
    sent_s = began_s + after_s
    tried = attempt(
        sent_s=sent_s,
        slot_wait_s=slot_wait_s,
        connect_s=connect_s,
        first_s=None if speaks_s is None else sent_s + speaks_s,
        finished_s=None if lasts_s is None else sent_s + lasts_s,
        held_s=held_s,
        streamed=streamed,
        outcome=ENDED[outcome],
    )

    row = of_call(ended(tried, began_s=began_s, at_s=began_s + ends_s, outcome=outcome))

    assert {sum(order) for order in itertools.permutations(parts(row))} == {row.total_s}
    assert math.fsum(parts(row)) == row.total_s == pytest.approx(ends_s, abs=1e-9 * max(1.0, began_s))
    assert min(parts(row)) >= 0.0
    assert 0.0 <= row.held_s <= row.generation_s
    if row.ttft_s is not None:
        assert row.ttft_s == row.elsewhere_s + row.slot_wait_s + row.connect_s + row.first_token_s


def test_every_field_of_a_call_is_where_it_belongs() -> None:
    lost = attempt(THERE, sent_s=10.25, outcome=Outcome.TIMED_OUT, error=AttemptTimeout("gap", 0.25))
    won = attempt(
        PRICED, sent_s=11.0, slot_wait_s=0.25, connect_s=0.125, first_s=11.5, last_s=12.5, finished_s=13.0,
        held_s=0.0625, usage=USED,
    )  # fmt: skip
    won.keepalives = 7
    told = ended(
        lost, won, began_s=10.0, at_s=13.0, retries=("timeout",), left=("best", "next"), hedges=3, max_tokens=64,
        objective=Objective(ttft_s=1.5, total_s=3.0),
    )  # fmt: skip

    assert of_call(told) == CallRow(
        ended_s=13.0,
        outcome=CallOutcome.ANSWERED,
        reason=None,
        endpoint="priced",
        model="m",
        region="near",
        size=4,
        cap=64,
        ttft_s=1.5,
        total_s=3.0,
        elsewhere_s=0.75,
        slot_wait_s=0.25,
        connect_s=0.125,
        first_token_s=0.375,
        generation_s=1.5,
        tpot_s=1.0 / 99,
        input_tokens=1000,
        cached_tokens=500,
        output_tokens=100,
        keepalives=7,
        held_s=0.0625,
        attempts=2,
        retries=("timeout",),
        retried_from=("there",),
        fallbacks=2,
        hedges=3,
        timeouts=1,
        in_time=True,
        cost=0.003,
    )


def test_every_field_of_an_attempt_is_where_it_belongs() -> None:
    tried = attempt(
        PRICED, sent_s=1.0, slot_wait_s=0.25, first_s=1.5, last_s=2.5, finished_s=3.0, held_s=0.125, usage=USED,
        outcome=Outcome.FAILED, error=RateLimited("no"),
    )  # fmt: skip
    tried.size = 10

    assert of_attempt(AttemptEnded(at_s=3.0, call=ended(at_s=3.0).call, attempt=tried)) == AttemptRow(
        ended_s=3.0,
        endpoint="priced",
        outcome=Outcome.FAILED,
        reason="rate_limited",
        size=5,
        slot_wait_s=0.25,
        ttft_s=0.5,
        total_s=2.0,
        held_s=0.125,
        tpot_s=1.0 / 99,
        input_tokens=1000,
        output_tokens=100,
        cost=0.003,
    )


def test_what_went_before_the_attempt_that_answered_was_elsewhere() -> None:
    first = attempt(sent_s=0.0, finished_s=1.0, outcome=Outcome.FAILED, error=ProviderError("no"))
    second = attempt(THERE, sent_s=1.5, first_s=2.0, finished_s=4.0)

    row = of_call(ended(first, second, at_s=4.0, retries=("provider_error",)))

    assert parts(row) == [1.5, 0.0, 0.0, 0.5, 2.0]
    assert (row.endpoint, row.region, row.attempts) == ("there", "far", 2)
    assert (row.retries, row.retried_from) == (("provider_error",), ("here",))


def test_legs_of_a_hedge_overlap_and_only_the_winner_is_cut() -> None:
    primary = attempt(sent_s=0.0, outcome=Outcome.RUNNING)
    hedge = attempt(THERE, sent_s=0.5, first_s=0.75, finished_s=2.0)

    late = of_call(ended(primary, hedge, at_s=2.0, hedges=1))
    loser = attempt(THERE, sent_s=0.5, outcome=Outcome.CANCELLED)
    won = of_call(ended(attempt(sent_s=0.0, first_s=0.625, finished_s=2.0), loser, at_s=2.0))

    assert parts(late) == [0.5, 0.0, 0.0, 0.25, 1.25]
    assert (late.hedges, late.attempts, late.ttft_s) == (1, 2, 0.75)
    assert parts(won) == [0.0, 0.0, 0.0, 0.625, 1.375]


def test_a_loser_that_outlives_its_call_does_not_reach_into_it() -> None:
    resisting = attempt(THERE, sent_s=0.5, first_s=5.0, finished_s=9.0, outcome=Outcome.CANCELLED)

    row = of_call(ended(resisting, at_s=2.0, outcome=CallOutcome.CANCELLED))

    assert parts(row) == [0.5, 0.0, 0.0, 1.5, 0.0]


def test_of_a_call_without_an_answer_all_but_the_last_attempt_was_elsewhere() -> None:
    last = attempt(sent_s=1.0, connect_s=0.25, finished_s=2.0, outcome=Outcome.FAILED, error=RateLimited("no"))

    row = of_call(ended(last, at_s=3.5, outcome=CallOutcome.FAILED, reason="rate_limited"))

    assert parts(row) == [2.5, 0.0, 0.25, 0.75, 0.0]
    assert (row.ttft_s, row.reason, row.endpoint, row.in_time) == (None, "rate_limited", "here", False)


def test_an_answer_that_broke_off_has_generated_but_has_no_ttft() -> None:
    broken = attempt(sent_s=0.0, first_s=0.5, finished_s=2.0, outcome=Outcome.FAILED, error=ProviderError("cut"))

    row = of_call(ended(broken, at_s=2.0, outcome=CallOutcome.FAILED, reason="interrupted"))

    assert parts(row) == [0.0, 0.0, 0.0, 0.5, 1.5]
    assert row.ttft_s is None


def test_an_answer_in_one_piece_is_all_first_token_and_has_no_ttft() -> None:
    whole = attempt(sent_s=0.5, first_s=2.0, finished_s=2.0, held_s=0.125, streamed=False)

    row = of_call(ended(whole, at_s=2.0, objective=Objective(ttft_s=2.0)))

    assert parts(row) == [0.5, 0.0, 0.0, 1.5, 0.0]
    assert (row.ttft_s, row.held_s) == (None, 0.0)
    assert row.in_time


def test_an_answer_without_a_word_has_no_ttft() -> None:
    row = of_call(ended(attempt(sent_s=0.0, finished_s=1.0), at_s=1.0))

    assert (row.ttft_s, row.first_token_s) == (None, 1.0)


def test_a_call_that_nobody_was_asked_for_was_elsewhere_throughout() -> None:
    row = of_call(ended(at_s=2.0, outcome=CallOutcome.FAILED, reason="overloaded", left=("best",), max_tokens=64))

    assert parts(row) == [2.0, 0.0, 0.0, 0.0, 0.0]
    assert (row.endpoint, row.model, row.region, row.attempts) == (None, None, None, 0)
    assert (row.size, row.cap, row.input_tokens, row.fallbacks) == (4, 64, 300, 1)


def test_a_failure_without_a_reason_is_told_as_one() -> None:
    assert of_call(ended(at_s=1.0, outcome=CallOutcome.FAILED)).reason == UNTOLD
    assert of_call(ended(at_s=1.0, outcome=CallOutcome.CANCELLED)).reason is None


@pytest.mark.parametrize(("ttft_s", "total_s", "in_time"), [(0.5, 2.0, True), (0.75, 2.0, False), (0.5, 2.5, False)])
def test_in_time_is_what_the_route_promises(ttft_s: float, total_s: float, *, in_time: bool) -> None:
    objective = Objective(ttft_s=0.5, total_s=2.0)

    row = of_call(ended(attempt(first_s=ttft_s, finished_s=total_s), at_s=total_s, objective=objective))

    assert row.in_time is in_time


def test_tokens_are_the_vendors_and_else_the_requests() -> None:
    told = of_call(ended(attempt(first_s=0.5, finished_s=1.0, usage=USED), at_s=1.0))
    untold = of_call(ended(attempt(first_s=0.5, finished_s=1.0, usage=Usage()), at_s=1.0))

    assert (told.input_tokens, told.cached_tokens, told.output_tokens) == (1000, 500, 100)
    assert (untold.input_tokens, untold.cached_tokens, untold.output_tokens) == (300, None, None)


def test_time_that_the_caller_took_is_a_part_of_generation() -> None:
    row = of_call(ended(attempt(first_s=0.5, finished_s=2.0, held_s=1.0), at_s=2.0))

    assert (row.held_s, row.generation_s) == (1.0, 1.5)


def test_the_cost_is_that_of_every_attempt_whose_tokens_were_told() -> None:
    lost = attempt(PRICED, finished_s=1.0, usage=USED, outcome=Outcome.FAILED, error=ProviderError("late"))
    refused = attempt(PRICED, finished_s=1.0, outcome=Outcome.FAILED, error=RateLimited("no"))
    good = attempt(PRICED, sent_s=1.0, first_s=1.5, finished_s=2.0, usage=USED)

    assert of_call(ended(lost, refused, good, at_s=2.0)).cost == pytest.approx(0.006)
    assert of_call(ended(attempt(finished_s=1.0, usage=USED), at_s=1.0)).cost is None


@pytest.mark.parametrize("usage", [None, Usage(), Usage(input_tokens=1), Usage(output_tokens=1)])
def test_money_is_not_guessed(usage: Usage | None) -> None:
    assert cost(PRICED, usage) is None


def test_nor_without_both_prices() -> None:
    assert cost(endpoint("half", Scripted(), price_in_per_m=1.0), USED) is None


def test_each_retry_is_told_with_the_endpoint_that_made_it_necessary() -> None:
    tries = (
        attempt(HERE, outcome=Outcome.FAILED, error=RateLimited("no")),
        attempt(THERE, outcome=Outcome.TIMED_OUT, error=AttemptTimeout("gap", 1.0)),
        attempt(HERE, outcome=Outcome.FAILED, error=ProviderError("no")),
        attempt(SMALL, outcome=Outcome.FAILED, error=ProviderError("no")),
        attempt(SMALL, finished_s=1.0),
    )

    row = of_call(ended(*tries, at_s=1.0, retries=("rate_limited", "timeout", "provider_error"), left=("m",)))

    assert row.retried_from == ("here", "there", "small")
    assert (row.timeouts, row.fallbacks) == (1, 1)


def test_a_retry_after_something_else_than_an_attempt_is_nobodys() -> None:
    tries = (attempt(HERE, outcome=Outcome.FAILED, error=ProviderError("no")), attempt(THERE, finished_s=1.0))

    row = of_call(ended(*tries, at_s=1.0, retries=("overloaded", "provider_error")))

    assert row.retried_from == (None, "here")


@pytest.mark.parametrize(
    ("outcome", "error", "reason"),
    [
        (Outcome.OK, None, None),
        (Outcome.CANCELLED, None, None),
        (Outcome.FAILED, RateLimited("no"), "rate_limited"),
        (Outcome.TIMED_OUT, AttemptTimeout("gap", 1.0), "timeout"),
        (Outcome.TIMED_OUT, None, "deadline"),
        (Outcome.FAILED, None, UNTOLD),
    ],
)
def test_an_attempt_is_told_with_its_reason(
    outcome: Outcome, error: RateLimited | AttemptTimeout | None, reason: str | None
) -> None:
    tried = attempt(PRICED, sent_s=1.0, first_s=1.5, finished_s=3.0, usage=USED, outcome=outcome, error=error)

    row = of_attempt(AttemptEnded(at_s=3.0, call=ended(at_s=3.0).call, attempt=tried))

    assert (row.endpoint, row.outcome, row.reason) == ("priced", outcome, reason)
    assert (row.ttft_s, row.total_s, row.cost) == (0.5, 2.0, pytest.approx(0.003))
    assert (row.input_tokens, row.output_tokens) == (1000, 100)


def test_an_attempt_in_one_piece_has_no_ttft() -> None:
    tried = attempt(first_s=1.0, finished_s=1.0, streamed=False)

    row = of_attempt(AttemptEnded(at_s=1.0, call=ended(at_s=1.0).call, attempt=tried))

    assert (row.ttft_s, row.total_s, row.input_tokens) == (None, 1.0, None)
