"""How a route fares, in a word and in a sentence that names the figure that is worst."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .grades import Grade

if TYPE_CHECKING:
    from ..route import Objective
    from .figures import CallFigures
    from .grades import Grades, Steps
    from .percentiles import Percentiles

FEW = 20
"""Of fewer values the 95th percentile is no more than the greatest of them."""

ORDER = list(Grade)


@attrs.frozen
class _Timing:
    """One 95th percentile, in seconds, with what it is of and what it is graded by."""

    p95_s: float
    samples: int
    of: str
    steps: Steps

    @property
    def grade(self) -> Grade:
        return self.steps.grade(self.p95_s)

    @property
    def badness(self) -> tuple[int, float]:
        """The greater the worse: by grade, then by how many times it is what would be fine."""
        return ORDER.index(self.grade), self.p95_s / self.steps.fine_s


def judge(
    name: str, figures: CallFigures, graded_total_s: Percentiles, objective: Objective, grades: Grades
) -> tuple[Grade | None, str]:
    """The grade of the route *name*, None without a call to judge by, and the sentence.

    graded_total_s: time to the last token of the answers whose total counts.
    """
    ended = figures.answered + figures.failed
    if figures.success is None:
        cancelled = f" but {figures.cancelled} that their callers cancelled" if figures.cancelled else ""
        return None, f"{name} had no calls{cancelled}."
    if figures.success < objective.success:
        return Grade.FAILING, f"{name} is failing: {_failures(figures, objective)}."
    timings = _timings(figures, graded_total_s, grades)
    if not timings:
        return Grade.FINE, f"{name} is fine: {figures.answered} of {ended} calls were answered."
    worst = max(timings, key=lambda timing: timing.badness)
    return worst.grade, f"{name} is {worst.grade}: {_told(worst)}{_doubt(worst.samples)}."


def _timings(figures: CallFigures, graded_total_s: Percentiles, grades: Grades) -> list[_Timing]:
    of_total = "the whole answer"
    if grades.short_tokens is not None:
        of_total = f"the whole of an answer below {grades.short_tokens} tokens"
    known = (
        (figures.ttft_s, "the first token", grades.ttft),
        (graded_total_s, of_total, grades.total),
    )
    return [
        _Timing(measured.p95, measured.samples, of, steps)
        for measured, of, steps in known
        if measured.p95 is not None and steps is not None
    ]


def _told(timing: _Timing) -> str:
    if timing.grade in (Grade.GREAT, Grade.FINE):
        return f"95% of its callers have {timing.of} within {timing.p95_s:.2f} s"
    return (
        f"one caller in twenty waits more than {timing.p95_s:.2f} s for {timing.of}, where {timing.steps.fine_s:g} s "
        "would be fine"
    )


def _doubt(samples: int) -> str:
    if samples >= FEW:
        return ""
    return f", as far as {samples} answers can tell" if samples > 1 else ", as far as one answer can tell"


def _failures(figures: CallFigures, objective: Objective) -> str:
    ended = figures.answered + figures.failed
    reason, count = next(iter(figures.failures.items()))
    share_failed = figures.failed / ended
    why = f"all for {reason}" if count == figures.failed else f"most often for {reason}"
    return (
        f"{figures.failed} of {ended} calls ({share_failed:.1%}) had no answer, {why}, where "
        f"{1.0 - objective.success:.1%} would be within what is promised"
    )
