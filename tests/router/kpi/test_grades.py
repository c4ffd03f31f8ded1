"""From when on a route is great, fine, slow or sluggish, and who says so."""

import pytest

from paceline.router import Grade, Grades, Objective, Priority, Route, Steps
from paceline.router.errors import ConfigurationError

WAITS = Grades()


@pytest.mark.parametrize(
    ("p95_s", "grade"),
    [
        (0.6, Grade.GREAT), (0.61, Grade.FINE), (1.0, Grade.FINE), (1.01, Grade.SLOW), (1.5, Grade.SLOW),
        (1.51, Grade.SLUGGISH),
    ],
)  # fmt: skip
def test_a_first_token_is_graded_as_a_person_who_waits_would(p95_s: float, grade: Grade) -> None:
    assert WAITS.ttft is not None
    assert WAITS.ttft.grade(p95_s) is grade


def test_short_answers_are_fine_within_three_seconds() -> None:
    assert WAITS.total is not None
    assert (WAITS.total.fine_s, WAITS.short_tokens) == (3.0, 200)
    assert WAITS.total.grade(3.01) is Grade.SLOW


def test_a_promise_takes_the_place_of_what_is_fine() -> None:
    grades = Grades.promised(Objective(ttft_s=0.5), Priority.TTFT)

    assert grades.ttft == Steps(great_s=0.3, fine_s=0.5, slow_s=0.75)
    assert (grades.total, grades.short_tokens) == (WAITS.total, 200)


def test_a_promised_total_is_one_of_all_answers() -> None:
    grades = Grades.promised(Objective(total_s=10.0), Priority.TTFT)

    assert grades.total == Steps(great_s=6.0, fine_s=10.0, slow_s=15.0)
    assert (grades.ttft, grades.short_tokens) == (WAITS.ttft, None)


@pytest.mark.parametrize("priority", [Priority.TOTAL, Priority.THROUGHPUT])
def test_a_route_that_nobody_watches_is_graded_by_its_promises_alone(priority: Priority) -> None:
    assert Grades.promised(Objective(), priority) == Grades(ttft=None, total=None)
    assert Grades.promised(Objective(total_s=60.0), priority).ttft is None


def test_a_route_may_name_its_own() -> None:
    own = Grades(ttft=Steps(great_s=0.1, fine_s=0.2, slow_s=0.3), total=None)

    assert Route(name="chat", models="m", grades=own).grades is own
    with pytest.raises(ConfigurationError, match="Route 'chat': grades must be Grades, not str"):
        Route(name="chat", models="m", grades="strict")  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [(1.0, 0.5, 2.0), (0.5, 2.0, 1.0)])
def test_steps_that_do_not_rise_are_refused(steps: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigurationError, match="must rise"):
        Steps(*steps)


@pytest.mark.parametrize("fine_s", [0.0, -1.0, float("nan")])
def test_steps_of_no_time_are_refused(fine_s: float) -> None:
    with pytest.raises(ConfigurationError, match="must be a number above 0"):
        Steps.around(fine_s)
