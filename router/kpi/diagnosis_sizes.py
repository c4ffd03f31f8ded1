"""How much longer the prompts and answers of some calls are because all of them have become longer.

The calls around a p95 are not the same ones in two windows. Where others wait longer, they take the place of calls with
long answers, and the tail's answers are shorter though answers are as long as ever. So a size is compared with the one
that has the same rank among all calls of the other window: an answer longer than 96 % of all before is set against one
that is longer than 96 % of all now.

Source: the rank-preserving counterfactual of Juhn, Murphy and Pierce, "Wage inequality and the rise in returns to
skill" (1993).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


class Growth:
    """From the sizes of all calls before to those of all calls now, rank by rank. Neither may be empty."""

    __slots__ = ("_before", "_now")

    def __init__(self, before: Sequence[float], now: Sequence[float]) -> None:
        self._before = sorted(before)
        self._now = sorted(now)

    def of_one_before(self, size: float) -> float:
        """How much longer than *size* the one of its rank is now."""
        return _of_its_rank(size, self._before, self._now) - size

    def of_one_now(self, size: float) -> float:
        """How much longer *size* is than the one of its rank was before."""
        return size - _of_its_rank(size, self._now, self._before)


def _of_its_rank(size: float, among: Sequence[float], others: Sequence[float]) -> float:
    """The one of *others* that has the rank *size* has *among* its own, between two of them if need be."""
    rank = 0.5 * (bisect_left(among, size) + bisect_right(among, size)) / len(among)
    place = min(max(rank * len(others) - 0.5, 0.0), len(others) - 1.0)
    lower = int(place)
    upper = min(lower + 1, len(others) - 1)
    return others[lower] + (place - lower) * (others[upper] - others[lower])
