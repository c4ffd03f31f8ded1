"""`Attempt` and `Ledger`: what is told of a try, and what it is told from."""

import pytest

from paceline.router import Attempt, Ledger, Outcome, Usage
from paceline.router.errors import ProviderError
from paceline.router.testing import Scripted, endpoint

HERE, THERE = endpoint("here", Scripted()), endpoint("there", Scripted())


def attempt(
    first_s: float | None = None, last_s: float | None = None, ended_s: float | None = None, tokens: int | None = None
) -> Attempt:
    return Attempt(
        endpoint=HERE,
        number=1,
        sent_s=1.0,
        first_progress_s=first_s,
        last_progress_s=last_s,
        finished_s=ended_s,
        usage=Usage(output_tokens=tokens),
    )


def test_times_count_from_the_sending() -> None:
    done = attempt(1.5, 3.5, 4.0)

    assert (done.ttft_s, done.total_s) == (0.5, 3.0)
    assert (attempt().ttft_s, attempt().total_s) == (None, None)


def test_the_time_per_token_is_of_the_tokens_after_the_first() -> None:
    assert attempt(1.5, 3.5, 4.0, tokens=5).tpot_s == 0.5


@pytest.mark.parametrize(
    "unclear",
    [
        attempt(1.5, 3.5, 4.0, tokens=None),
        attempt(1.5, 3.5, 4.0, tokens=1),
        attempt(None, None, 4.0, tokens=9),
        attempt(1.5, 1.5, 4.0, tokens=9),
        Attempt(endpoint=HERE, number=1, sent_s=1.0, first_progress_s=1.5, last_progress_s=3.5),
    ],
    ids=["tokens unknown", "one token", "no progress", "one piece", "no usage"],
)
def test_the_time_per_token_is_unknown_where_it_cannot_be_told(unclear: Attempt) -> None:
    assert unclear.tpot_s is None


def test_an_attempt_reads_as_a_line() -> None:
    done, failed = attempt(1.5, 3.5, 4.0), attempt(ended_s=2.0)
    done.outcome = Outcome.OK
    failed.outcome, failed.error = Outcome.FAILED, ProviderError("down", endpoint="here")

    assert str(done) == "#1 here ok (3.000 s, first token 0.500 s)"
    assert str(failed) == "#1 here failed (1.000 s): here: down"
    assert str(attempt()) == "#1 here running (running)"


def test_attempts_are_numbered_in_order_and_known_by_their_endpoint() -> None:
    ledger = Ledger(0.0, streamed=False)

    first, second = ledger.begin(HERE, 0.0, streamed=True), ledger.begin(HERE, 1.0, streamed=True)

    assert (first.number, second.number) == (1, 2)
    assert ledger.tried(HERE)
    assert not ledger.tried(THERE)


def test_the_answer_is_of_the_attempt_that_ended_well() -> None:
    ledger = Ledger(0.0, streamed=False)
    assert ledger.answered_by is None
    failed, good, late = (ledger.begin(HERE, 0.0, streamed=True) for _ in range(3))

    failed.outcome, good.outcome, late.outcome = Outcome.FAILED, Outcome.OK, Outcome.CANCELLED

    assert ledger.answered_by is good


def test_a_decision_is_put_into_words_when_it_is_read() -> None:
    class Telltale:
        told = 0

        def __str__(self) -> str:
            Telltale.told += 1
            return "fact"

    ledger = Ledger(0.0, streamed=False)

    ledger.note(1.0, "Me", "because of %s", Telltale())

    assert Telltale.told == 0
    assert ledger.decisions[0].reason == "because of fact"


def test_words_without_facts_may_hold_a_percent_sign() -> None:
    ledger = Ledger(0.0, streamed=False)

    ledger.note(0.0, "Mine", "keeps the best 90%%")

    assert ledger.decisions[0].reason == "keeps the best 90%"


def test_several_answers_are_written_side_by_side() -> None:
    three = attempt(1.5, 3.5, 4.0, tokens=15)
    three.choices = 3

    assert three.tpot_s == attempt(1.5, 3.5, 4.0, tokens=5).tpot_s
