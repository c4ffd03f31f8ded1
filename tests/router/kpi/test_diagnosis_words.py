"""What a diagnosis says to a person, and to a machine."""

import json
from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace

from paceline.router import CallOutcome
from paceline.router.kpi.diagnosis import FEWEST, diagnose
from paceline.router.kpi.diagnosis_result import Cause, Diagnosis, Headline, Verdict
from paceline.router.kpi.row import CallRow

from .days import REGIONS, Day

CALLS = 2_000


def ttft(now: Day, before: Day | None = None) -> Diagnosis:
    return diagnose((before or Day()).calls("before", CALLS), now.calls("now", CALLS), of=Headline.TTFT)


def total(now: Day, before: Day | None = None) -> Diagnosis:
    return diagnose((before or Day()).calls("before", CALLS), now.calls("now", CALLS))


@pytest.mark.parametrize(
    ("diagnosis", "because"),
    [
        (ttft(Day(queue_s={"east-1": 3.0})), "because east-1 queues calls before it begins, as its keep-alives tell"),
        (
            ttft(Day(queue_s={"east-1": 3.0, "east-2": 3.0}, tells=False), Day(tells=False)),
            "all of east begins later and other regions do not: the region, or the way there",
        ),
        (
            ttft(Day(queue_s=dict.fromkeys(REGIONS, 3.0), tells=False), Day(tells=False)),
            "every endpoint begins later: its queue, its load, or the way there",
        ),
        (ttft(Day(way_s={"west-1": 2.0})), "the way to west-1 takes longer: the network or the region"),
        (ttft(Day(prompts=4.0)), "prompts grew: see what was added to them"),
        (ttft(Day(prompts=5.0), Day(prompts=5.0, cached=0.8)), "less of the prompts came from the vendor's cache"),
        (ttft(Day(waits_s=2.0)), "calls wait here for a slot of every endpoint"),
        (ttft(Day(retried=0.2)), "other attempts came first, mostly after rate_limited"),
        (ttft(Day(mix={"west-2": 1.0}), Day(mix={"east-1": 1.0})), "calls go elsewhere: "),
        (total(Day(answers=1.6)), "answers grew longer: see what asks for more, or cap them"),
        (total(Day(slower={"west-2": 2.0})), "tokens come slower from west-2: the model is busy, or has changed"),
        (total(Day(held_s=5.0)), "callers are slow to take over what they are given"),
        (
            total(Day(tells=False, slower=dict.fromkeys(REGIONS, 2.0)), Day(tells=False)),
            "answers take longer to write, by their length or by the vendor's speed",
        ),
    ],
)
def test_the_conclusion_says_what_to_look_at_first(diagnosis: Diagnosis, because: str) -> None:
    assert because in diagnosis.conclusion


def test_a_person_reads_a_sum() -> None:
    lines = str(ttft(Day(queue_s={"east-1": 3.0}))).splitlines()

    assert lines[0].startswith("The p95 of the time to the first token rose by ")
    assert lines[1] == "  p95 1.158 s -> 5.540 s, of 2,000 and 2,000 calls; those around it:"
    figures = [float(line.split(" s ")[0]) for line in lines[2:]]
    assert "keep-alives a call, nearly all at east-1" in lines[3]
    assert figures[0] + sum(figures[1:-1]) == pytest.approx(figures[-1], abs=0.01)


def test_a_machine_reads_the_same() -> None:
    diagnosis = ttft(Day(retried=0.2))

    said = json.loads(msgspec.json.encode(diagnosis))

    assert said["verdict"] == "rose"
    assert said["contributions"][0]["cause"] == "retries"
    assert sum(part["seconds"] for part in said["contributions"]) == pytest.approx(said["change_s"])
    assert msgspec.json.decode(msgspec.json.encode(diagnosis), type=Diagnosis) == diagnosis


def test_several_causes_are_told_as_several() -> None:
    diagnosis = ttft(Day(waits_s=0.6, retried=0.1, retry_s=1.2, way_s=dict.fromkeys(REGIONS, 0.8), prompts=2.0))

    assert "for several reasons; the first of them" in diagnosis.conclusion


def test_a_fall_is_told_with_its_figures() -> None:
    diagnosis = ttft(Day(), Day(waits_s=2.0))

    assert diagnosis.conclusion.startswith("The p95 of the time to the first token fell by ")
    assert "chiefly by own queueing: " in diagnosis.conclusion


def test_no_change_is_told_as_none() -> None:
    diagnosis = ttft(Day())

    assert diagnosis.verdict is Verdict.STEADY
    assert diagnosis.cause is None
    assert "has not changed" in diagnosis.conclusion


@pytest.mark.parametrize("before", [0, FEWEST - 1])
def test_too_few_calls_are_no_ground_for_a_guess(before: int) -> None:
    diagnosis = diagnose(Day().calls("before", before), Day(waits_s=9.0).calls("now"))

    assert diagnosis.verdict is Verdict.TOO_FEW
    assert diagnosis.contributions == ()
    assert diagnosis.change_s is None
    assert str(diagnosis) == f"Too few calls to tell: {before} before and 600 now; each side takes 100."


def test_prompts_that_grew_without_a_cost_are_noted() -> None:
    diagnosis = total(Day(prompts=1.5))

    assert diagnosis.verdict is Verdict.STEADY
    assert any(note.startswith("prompts grew from 1,") for note in diagnosis.notes)
    assert "note: prompts grew" in str(diagnosis)


def test_prompts_that_are_the_cause_need_no_note() -> None:
    assert ttft(Day(prompts=4.0)).notes == ()


def test_prompts_of_one_size_and_then_of_another_are_noted_as_ambiguous() -> None:
    def of_one_size(rows: Sequence[CallRow], tokens: int) -> list[CallRow]:
        return [replace(row, input_tokens=tokens, cached_tokens=None) for row in rows]

    before, now = Day().calls("before", CALLS), Day(queue_s=dict.fromkeys(REGIONS, 3.0)).calls("now", CALLS)

    diagnosis = diagnose(of_one_size(before, 1_000), of_one_size(now, 1_200), of=Headline.TTFT)

    assert any("were all alike before and after" in note for note in diagnosis.notes)


def test_calls_that_are_missing_are_noted() -> None:
    now = Day().calls("now", CALLS)
    failing = [replace(row, outcome=CallOutcome.FAILED) if n % 5 == 0 else row for n, row in enumerate(now)]

    diagnosis = diagnose(Day().calls("before", CALLS), failing)

    assert any(note.startswith("20% of the calls are not counted, 0% before") for note in diagnosis.notes)


def test_fallbacks_and_hedges_are_told_by_their_names() -> None:
    def elsewhere(**fields: int) -> str:
        slow = [
            replace(row, retries=(), elsewhere_s=2.0, first_token_s=row.first_token_s, **fields)
            for row in Day().calls("now", CALLS)
        ]
        return diagnose(Day().calls("before", CALLS), slow, of=Headline.TTFT).conclusion

    assert "mostly after a fallback" in elsewhere(fallbacks=1)
    assert "mostly after a hedge" in elsewhere(hedges=1)
    assert "mostly after a wait of a policy" in elsewhere()


def test_what_no_cause_explains_is_left_to_the_makeup_of_the_tail() -> None:
    """Long prompts and slow endpoints had nothing to do with one another; now the long ones go where it is slow."""
    rows = Day().calls("now", CALLS)
    long_ones = sorted(row.input_tokens for row in rows)[-CALLS // 4]

    def sent(row: CallRow) -> CallRow:
        slow = row.input_tokens >= long_ones
        to_read_s = row.input_tokens * 0.0002
        first_token_s = (1.5 if slow else 0.3) + to_read_s
        return replace(
            row, endpoint="slow" if slow else "fast", region="here", network_s=None, cached_tokens=None,
            first_token_s=first_token_s, ttft_s=first_token_s, elsewhere_s=0.0, connect_s=0.0, slot_wait_s=0.0,
        )  # fmt: skip

    def shuffled(number: int, row: CallRow) -> CallRow:
        first_token_s = (1.5 if number % 4 == 0 else 0.3) + row.input_tokens * 0.0002
        name = "slow" if number % 4 == 0 else "fast"
        return replace(sent(row), endpoint=name, first_token_s=first_token_s, ttft_s=first_token_s)

    before = [shuffled(number, row) for number, row in enumerate(Day().calls("before", CALLS))]

    diagnosis = diagnose(before, [sent(row) for row in rows], of=Headline.TTFT)

    assert diagnosis.cause is Cause.TAIL_MAKEUP
    assert "the slow calls are of another kind now" in diagnosis.conclusion
