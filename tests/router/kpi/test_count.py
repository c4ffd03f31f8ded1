"""What is counted in the middle of a call is what its row would have been counted as, whatever became of the call."""

from __future__ import annotations

import pytest

from paceline.router import AttemptEnded, CallEnded, CallOutcome, Objective, Outcome, Usage
from paceline.router.errors import RateLimited
from paceline.router.kpi.account import of_attempt, of_call
from paceline.router.kpi.count import count_attempt, count_call
from paceline.router.kpi.tally import AttemptTally, GroupTallies, Tally

from .telling import attempt, ended

SOON = Objective(ttft_s=1.0, total_s=5.0)
USAGE = Usage(input_tokens=40, output_tokens=12)


def good(first_s: float = 0.5, finished_s: float = 2.0, *, usage: Usage | None = USAGE) -> CallEnded:
    return ended(attempt(first_s=first_s, finished_s=finished_s, usage=usage), at_s=finished_s, objective=SOON)


def refused() -> CallEnded:
    late = RateLimited("slow down", endpoint="here")
    failed = attempt(finished_s=1.0, outcome=Outcome.FAILED, error=late)
    return ended(failed, at_s=1.0, outcome=CallOutcome.FAILED, reason="rate_limited")


def spliced() -> CallEnded:
    """The first leg spoke in time, the second long after."""
    first = attempt(first_s=0.5, finished_s=1.5, outcome=Outcome.TIMED_OUT)
    second = attempt(sent_s=1.5, first_s=2.5, finished_s=3.0, usage=USAGE)
    event = ended(first, second, at_s=3.0, objective=SOON)
    event.call.ledger.spliced.append(first)
    return event


CALLS = {
    "answered": good(),
    "answered, without a word of usage": good(usage=None),
    "answered late": good(first_s=1.5),
    "answered too slowly": good(finished_s=6.0),
    "answered in one piece": ended(attempt(finished_s=2.0, streamed=False), at_s=2.0, objective=SOON),
    "of a capped route": ended(attempt(first_s=0.5, finished_s=2.0), at_s=2.0, max_tokens=300),
    "by the second leg alone": ended(attempt(first_s=0.5, finished_s=2.0), at_s=2.0, hedges=1),
    "after a model that was passed over": ended(attempt(first_s=0.5, finished_s=2.0), at_s=2.0, left=("best",)),
    "spliced": spliced(),
    "refused": refused(),
    "left": ended(attempt(finished_s=1.0, outcome=Outcome.CANCELLED), at_s=1.0, outcome=CallOutcome.CANCELLED),
    "never sent": ended(at_s=1.0, outcome=CallOutcome.FAILED, reason="overloaded"),
}


def counted(tally: Tally) -> dict[str, object]:
    slots = [name for kind in type(tally).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: getattr(tally, name) for name in slots}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_counted_as_its_row_is(name: str) -> None:
    here, by_row = GroupTallies(), GroupTallies()

    count_call(here, CALLS[name])
    by_row.count(of_call(CALLS[name]))

    assert here.by_group.keys() == by_row.by_group.keys()
    assert counted(here.all) == counted(by_row.all)
    assert here.all.ended == 1


@pytest.mark.parametrize("name", [name for name, event in CALLS.items() if event.call.ledger.attempts])
def test_an_attempt_is_counted_as_its_row_is(name: str) -> None:
    call = CALLS[name].call
    event = AttemptEnded(at_s=3.0, call=call, attempt=call.ledger.attempts[-1])
    here, by_row = AttemptTally(), AttemptTally()

    count_attempt(here, event)
    by_row.count(of_attempt(event))

    assert counted(here) == counted(by_row)
    assert here.ended == 1


def test_a_spliced_answer_is_in_time_by_what_its_caller_heard() -> None:
    here = GroupTallies()

    count_call(here, CALLS["spliced"])

    assert here.all.in_time == 1
