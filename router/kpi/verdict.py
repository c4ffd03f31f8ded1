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
    """One 95th percentile, in seconds, and what it is graded by. many, rare: what it is of, and one in twenty of it."""

    p95_s: float
    samples: int
    many: str
    rare: str
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
        return Grade.FAILING, f"{name} is failing: {_failures(figures, objective)}{_doubt(ended, 'call')}."
    timings = _timings(figures, graded_total_s, grades)
    if not timings:
        return Grade.FINE, f"{name} is fine: {figures.answered} of {ended} calls were answered."
    worst = max(timings, key=lambda timing: timing.badness)
    return worst.grade, f"{name} is {worst.grade}: {_told(worst)}{_doubt(worst.samples, 'answer')}."


def _timings(figures: CallFigures, graded_total_s: Percentiles, grades: Grades) -> list[_Timing]:
    below = "" if grades.short_tokens is None else f" below {grades.short_tokens} tokens"
    known = (
        (figures.ttft_s, "first tokens come", "first token in twenty", grades.ttft),
        (graded_total_s, f"answers{below} are complete", f"answer in twenty{below}", grades.total),
    )
    return [
        _Timing(measured.p95, measured.samples, many, rare, steps)
        for measured, many, rare, steps in known
        if measured.p95 is not None and steps is not None
    ]


def _told(timing: _Timing) -> str:
    if timing.grade in (Grade.GREAT, Grade.FINE):
        return f"95% of {timing.many} within {timing.p95_s:.2f} s"
    return f"one {timing.rare} takes more than {timing.p95_s:.2f} s, where {timing.steps.fine_s:g} s would be fine"


def _doubt(count: int, what: str) -> str:
    if count >= FEW:
        return ""
    return f", as far as {count} {what}s can tell" if count > 1 else f", as far as one {what} can tell"


def _failures(figures: CallFigures, objective: Objective) -> str:
    ended = figures.answered + figures.failed
    reason, count = next(iter(figures.failures.items()))
    share_failed = figures.failed / ended
    why = f"all for {reason}" if count == figures.failed else f"most often for {reason}"
    return (
        f"{figures.failed} of {ended} calls ({share_failed:.1%}) had no answer, {why}, where "
        f"{1.0 - objective.success:.1%} would be within what is promised"
    )
