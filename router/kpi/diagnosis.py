"""Why is the p95 up? Two windows of one route compared, and the change told by cause, in seconds that add up.

    before = history.rows("chat", now_s - 7200, now_s - 3600)
    now = history.rows("chat", now_s - 3600, now_s)
    print(diagnose(before, now))

    The p95 of the time to the first token rose by 4.650 s, because east-1 queues calls before it begins, as its ...
      p95 1.158 s -> 5.657 s, of 2,000 and 2,000 calls; those around it:
          1.189 s  before
         +4.964 s  provider queueing   0.077 -> 5.041 s to the first token beyond what is usual there, 0.0 -> 4.5 ...
         +0.174 s  prompt size         1,405 -> 1,905 input tokens over all calls
         +0.115 s  mix of endpoints    26% -> 25% of all calls at east-2, 23% -> 25% of all calls at east-1
         -0.601 s  other calls         around the p95 3,521 + 168 -> 2,226 + 165 tokens in + out
         -0.002 s  all else
          5.839 s  now

How it is done. The calls around the p95 are averaged in either window, so that their parts add up (`diagnosis_tail`).
Both are brought to one mix of endpoints; what that takes is the mix's share (`diagnosis_mix`). Each call is taken apart
with the yardstick of its endpoint (`diagnosis_usual`, `diagnosis_parts`): more tokens at the old price are told from a
new price, and what all calls have grown by from what only those around the p95 have (`diagnosis_sizes`). A rank test
says whether there is anything to explain at all.

What it cannot do. It looks at calls that were answered. It describes what those around the p95 are made of; that one
thing caused another is for a person to judge. *Other calls* is what is left where a cause brings new calls into the
tail in place of others: calls that wait are not those with the longest prompts.

A pure function of rows that never change: some ten milliseconds for a thousand calls; for many, ask in a thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from ..events import CallOutcome
from . import diagnosis_words as words
from .diagnosis_books import Books
from .diagnosis_evidence import Evidence, all_of
from .diagnosis_parts import Taken, headline_s, parts_of
from .diagnosis_result import Cause, Contribution, Diagnosis, Headline, Side, Verdict
from .diagnosis_tail import CERTAIN, P95, band, quantile, slowest
from .diagnosis_usual import Yardsticks, yardsticks
from .row import CallRow

FEWEST = 100
"""Calls each window must have, so that five are around its p95."""

MATTERS = 0.05
"""A change of less than this share of what was before is not worth an explanation, however certain."""

NOTABLE = 0.25
"""A share of the change from which on a cause is named first, though the remainder be larger."""


def diagnose(before: Sequence[CallRow], now: Sequence[CallRow], *, of: Headline = Headline.TOTAL) -> Diagnosis:
    """Compare two windows of one route.

    of: the figure whose p95 is asked about. Default, the total time.

    With fewer than `FEWEST` calls to count in either window there are no contributions, and the verdict says why.
    """
    first, second = _Window(before, of), _Window(now, of)
    if min(len(first.rows), len(second.rows)) < FEWEST:
        sides = first.side(), second.side()
        conclusion = words.too_few(*sides, FEWEST)
        return Diagnosis(headline=of, verdict=Verdict.TOO_FEW, before=sides[0], now=sides[1], conclusion=conclusion)
    yards = yardsticks(first.rows, second.rows)
    taken_before, taken_now = first.taken_apart(yards), second.taken_apart(yards)
    books = Books(taken_before, taken_now, of)
    evidence = Evidence(
        tail_before=books.before, tail_now=books.now, all_before=all_of(taken_before), all_now=all_of(taken_now)
    )
    slow_before, slow_now, errors = slowest(first.seconds, second.seconds)
    sides = first.side(slow_before), second.side(slow_now)
    change_s = second.tail_s - first.tail_s
    verdict = _verdict(change_s, first.tail_s, errors)
    contributions = _ranked(
        [
            words.contribution(cause, books.where(cause), books.seconds(cause), change_s, evidence)
            for cause in books.causes()
        ],
        verdict,
        change_s,
    )
    top = None if verdict is Verdict.STEADY else contributions[0]
    return Diagnosis(
        headline=of,
        verdict=verdict,
        before=sides[0],
        now=sides[1],
        change_s=change_s,
        contributions=contributions,
        notes=words.notes(*sides, None if top is None else top.cause, guessed=yards.guessed),
        conclusion=words.steady(of) if top is None else words.conclusion(of, change_s, top, evidence),
    )


class _Window:
    """The calls of one window that count, their seconds, and the mean of those around the p95."""

    __slots__ = ("_calls", "_of", "rows", "seconds", "tail_s")

    def __init__(self, rows: Sequence[CallRow], of: Headline) -> None:
        self._calls = len(rows)
        self._of = of
        self.rows: list[CallRow] = []
        self.seconds: list[float] = []
        for row in rows:
            seconds = headline_s(row, of)
            if row.outcome is CallOutcome.ANSWERED and seconds is not None:
                self.rows.append(row)
                self.seconds.append(seconds)
        around = band(self.seconds, [1.0] * len(self.seconds)) if self.rows else []
        self.tail_s = math.fsum(self.seconds[position] * weight for position, weight in around)

    def taken_apart(self, yards: Yardsticks) -> list[Taken]:
        """The calls with their parts."""
        return [
            Taken(row, seconds, parts_of(row, self._of, yards))
            for row, seconds in zip(self.rows, self.seconds, strict=True)
        ]

    def side(self, slow: float | None = None) -> Side:
        """For the result."""
        if not self.rows:
            return Side(calls=self._calls, counted=0)
        tokens = [row.output_tokens for row in self.rows if row.output_tokens is not None]
        return Side(
            calls=self._calls,
            counted=len(self.rows),
            p50_s=quantile(self.seconds, 0.5),
            p95_s=quantile(self.seconds, P95),
            tail_s=self.tail_s,
            slow=slow,
            input_tokens=fmean(row.input_tokens for row in self.rows),
            output_tokens=fmean(tokens) if tokens else None,
        )


def _verdict(change_s: float, before_s: float, errors: float) -> Verdict:
    if errors > CERTAIN and change_s > MATTERS * before_s:
        return Verdict.ROSE
    return Verdict.FELL if errors < -CERTAIN and change_s < -MATTERS * before_s else Verdict.STEADY


def _ranked(parts: list[Contribution], verdict: Verdict, change_s: float) -> tuple[Contribution, ...]:
    """What speaks most for the verdict first; for none, the largest. The remainder last, unless little else does."""
    *named, remainder = sorted(parts, key=lambda part: part.cause is Cause.TAIL_MAKEUP)
    if verdict is Verdict.STEADY:
        return (*sorted(named, key=lambda part: -abs(part.seconds)), remainder)
    named.sort(key=lambda part: -part.seconds / change_s)
    most = max(named[0], remainder, key=lambda part: part.seconds / change_s)
    if most is remainder and named[0].seconds / change_s < NOTABLE:
        return (remainder, *named)
    return (*named, remainder)
