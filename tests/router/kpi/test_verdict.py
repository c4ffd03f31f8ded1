"""The sentence about a route: it names the worst figure, and a person would have written it so."""

import attrs
import pytest

from paceline.router import CallRow, Grade, Grades, Objective, Priority, Route, RouteReport, Steps
from paceline.router.kpi.report import report_on

from .telling import answered, cancelled, failed, history

CHAT = Route(name="chat", models="m")


def judged(*rows: CallRow, route: Route = CHAT) -> RouteReport:
    return report_on(history(*rows), [route], [], over_s=None, now_s=60.0).by_route["chat"]


@pytest.mark.parametrize(
    ("ttft_s", "grade", "told"),
    [
        (0.25, Grade.GREAT, "chat is great: 95% of first tokens come within 0.25 s."),
        (0.75, Grade.FINE, "chat is fine: 95% of first tokens come within 0.75 s."),
        (1.25, Grade.SLOW, "chat is slow: one first token in twenty takes more than 1.25 s, where 1 s would be fine."),
        (
            4.0,
            Grade.SLUGGISH,
            "chat is sluggish: one first token in twenty takes more than 4.00 s, where 1 s would be fine.",
        ),
    ],
)
def test_the_first_token_decides_where_it_is_the_worst(ttft_s: float, grade: Grade, told: str) -> None:
    found = judged(*[answered(ttft_s=ttft_s, total_s=0.5)] * 20)

    assert (found.grade, found.verdict) == (grade, told)


def test_the_whole_answer_decides_where_that_is_the_worst() -> None:
    found = judged(*[answered(ttft_s=0.5, total_s=4.0)] * 20)

    assert found.grade is Grade.SLOW
    assert found.verdict == (
        "chat is slow: one answer in twenty below 200 tokens takes more than 4.00 s, where 3 s would be fine."
    )


def test_long_answers_may_take_their_time() -> None:
    long = [answered(ttft_s=0.5, total_s=40.0, output_tokens=tokens) for tokens in (200, 2000, None)]

    assert judged(*[answered(ttft_s=0.5, total_s=1.0)] * 20, *long).grade is Grade.GREAT


def test_a_promise_is_what_the_route_is_held_to() -> None:
    promised = attrs.evolve(CHAT, objective=Objective(total_s=60.0), priority=Priority.TOTAL)

    found = judged(*[answered(ttft_s=10.0, total_s=50.0, output_tokens=2000)] * 20, route=promised)

    assert found.verdict == "chat is fine: 95% of answers are complete within 50.00 s."


def test_a_route_that_names_its_own_grades_is_held_to_those() -> None:
    strict = attrs.evolve(CHAT, grades=Grades(ttft=Steps(0.1, 0.125, 0.2), total=None))

    assert judged(*[answered(ttft_s=0.25)] * 20, route=strict).grade is Grade.SLUGGISH


def test_too_many_failures_are_worse_than_any_wait() -> None:
    rows = [*[answered(ttft_s=9.0)] * 47, *[failed(reason="timeout")] * 2, failed(reason="rate_limited")]

    found = judged(*rows)

    assert found.grade is Grade.FAILING
    assert found.verdict == (
        "chat is failing: 3 of 50 calls (6.0%) had no answer, most often for timeout, "
        "where 1.0% would be within what is promised."
    )


def test_failures_of_one_kind_are_all_for_it() -> None:
    assert (
        "1 of 2 calls (50.0%) had no answer, all for deadline" in judged(answered(), failed(reason="deadline")).verdict
    )


def test_as_many_failures_as_promised_are_no_reason_to_complain() -> None:
    assert judged(*[answered()] * 99, failed()).grade is Grade.GREAT


@pytest.mark.parametrize(("count", "doubt"), [(1, "one answer"), (19, "19 answers")])
def test_of_few_answers_it_says_so(count: int, doubt: str) -> None:
    assert judged(*[answered(total_s=0.5)] * count).verdict.endswith(f"within 0.25 s, as far as {doubt} can tell.")


def test_without_a_time_to_grade_the_answers_are_counted() -> None:
    nightly = attrs.evolve(CHAT, priority=Priority.TOTAL)

    assert judged(*[answered()] * 3, route=nightly).verdict == "chat is fine: 3 of 3 calls were answered."


def test_without_a_call_there_is_no_grade() -> None:
    nobody, impatient = judged(), judged(cancelled(), cancelled())

    assert (nobody.grade, nobody.verdict) == (None, "chat had no calls.")
    assert (impatient.grade, impatient.verdict) == (None, "chat had no calls but 2 that their callers cancelled.")
