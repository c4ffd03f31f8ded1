"""From which figure on a route is great, fine, slow or sluggish: all such thresholds, in one place.

For a person who waits for an answer, these are sensible to start from:

                                                        great     fine     slow     sluggish
    first token, 95th percentile                        0.6 s     1 s      1.5 s    above
    short answers (below 200 tokens) whole, the same    1.8 s     3 s      4.5 s    above

A person's attention wanders after about a second; up to one tenth seems instant (Nielsen, "Response times: the three
important limits", 1993). A promise of one's own, `Objective`, takes the place of what is fine here, and great and slow
keep their distance: 0.6 and 1.5 times as much. Below the share of successes that is promised a route is failing,
however fast it fails.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from .. import check
from ..errors import ConfigurationError
from ..request import Priority

if TYPE_CHECKING:
    from ..route import Objective

GREAT, SLOW = 0.6, 1.5
"""What is great, and what is just slow, as parts of what is fine."""

FINE_TTFT_S = 1.0
FINE_TOTAL_S = 3.0
SHORT_TOKENS = 200


class Grade(enum.StrEnum):
    """How a route fares, in a word. From the best to the worst."""

    GREAT = "great"
    FINE = "fine"
    SLOW = "slow"
    SLUGGISH = "sluggish"
    FAILING = "failing"


@attrs.frozen
class Steps:
    """Up to where a 95th percentile is great, fine and slow; above it is sluggish.

    great_s, fine_s, slow_s: seconds, above 0 and rising.
    """

    great_s: float = attrs.field(validator=check.positive)
    fine_s: float = attrs.field(validator=check.positive)
    slow_s: float = attrs.field(validator=check.positive)

    def __attrs_post_init__(self) -> None:
        if not self.great_s <= self.fine_s <= self.slow_s:
            raise ConfigurationError(
                "Steps: great_s, fine_s and slow_s must rise, "
                f"not be {self.great_s:g}, {self.fine_s:g}, {self.slow_s:g}"
            )

    @classmethod
    def around(cls, fine_s: float) -> Steps:
        """With great and slow at their usual distance from what is fine."""
        return cls(GREAT * fine_s, fine_s, SLOW * fine_s)

    def grade(self, seconds: float) -> Grade:
        """The grade of a 95th percentile."""
        if seconds <= self.great_s:
            return Grade.GREAT
        if seconds <= self.fine_s:
            return Grade.FINE
        return Grade.SLOW if seconds <= self.slow_s else Grade.SLUGGISH


@attrs.frozen(kw_only=True)
class Grades:
    """What a route is graded by.

    ttft: steps of the time to first token; None: not graded by it. Default: those for a person who waits.
    total: the same of the time to the last token. Default: likewise.
    short_tokens: answers of fewer tokens than this are those whose total counts; at least 1; None: all answers.
        Default 200.
    """

    ttft: Steps | None = attrs.field(default=Steps.around(FINE_TTFT_S), validator=check.if_given(check.one_of(Steps)))
    total: Steps | None = attrs.field(default=Steps.around(FINE_TOTAL_S), validator=check.if_given(check.one_of(Steps)))
    short_tokens: int | None = attrs.field(default=SHORT_TOKENS, validator=check.if_given(check.count(1)))

    @classmethod
    def promised(cls, objective: Objective, priority: Priority) -> Grades:
        """Those of a route that names none: what it promises, and for the rest what a person who waits would like.

        Nobody watches a route whose priority is not TTFT, so that is graded by its promises alone.
        """
        watched = cls() if priority is Priority.TTFT else cls(ttft=None, total=None)
        ttft = watched.ttft if objective.ttft_s is None else Steps.around(objective.ttft_s)
        if objective.total_s is None:
            return attrs.evolve(watched, ttft=ttft)
        return cls(ttft=ttft, total=Steps.around(objective.total_s), short_tokens=None)
