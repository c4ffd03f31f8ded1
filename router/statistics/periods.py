"""Samples of a window of one kind, kept by period so that a period can be taken out again, and counted together.

Recording is the hot path, so it only appends a bucket number to the newest period. Counting is done for many samples at
once, when somebody asks.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from .hdr import Histogram

if TYPE_CHECKING:
    from .hdr import Scale

BUCKET_NUMBER = "H"
"""Two bytes: a histogram of two digits up to an hour has some 2,000 buckets."""


class Periods:
    """Bucket numbers of samples by period, and the histogram of all of them.

    newest: the samples of the period that is under way; to be appended to.
    """

    __slots__ = ("_all", "_before", "_counted", "_place", "_samples", "newest")

    def __init__(self, scale: Scale, periods: int) -> None:
        self._all = Histogram(scale)
        self._samples: list[array[int]] = [array(BUCKET_NUMBER) for _ in range(periods)]
        self._place = 0
        self.newest = self._samples[0]
        self._counted = 0
        self._before = 0

    @property
    def appended(self) -> int:
        """Samples that were ever appended, whoever has counted them since."""
        return self._before + len(self.newest) - self._counted

    @property
    def count(self) -> int:
        """Samples that it holds."""
        return self._all.count + len(self.newest) - self._counted

    def turn_to(self, place: int) -> None:
        """Another period is the newest now."""
        self._count()
        self._place = place
        self.newest = self._samples[place]
        self._counted = len(self.newest)

    def empty(self, place: int) -> None:
        """Take a period's samples out."""
        self._count()
        samples = self._samples[place]
        if not samples:
            return
        self._all.count_each(samples, -1)
        del samples[:]
        if place == self._place:
            self._counted = 0

    def insert(self, buckets: array[int], place: int) -> None:
        """Add samples to any period."""
        self._count()
        self._samples[place].extend(buckets)
        self._all.count_each(buckets)
        if place == self._place:
            self._counted = len(self.newest)

    def all(self) -> Histogram:
        """All samples; to be read at once, and not to be kept."""
        self._count()
        return self._all

    def histogram(self, place: int) -> Histogram:
        """A period's samples."""
        found = Histogram(self._all.scale)
        found.count_each(self._samples[place])
        return found

    def _count(self) -> None:
        new = len(self.newest) - self._counted
        if new:
            self._all.count_each(self.newest[self._counted :])
            self._counted += new
            self._before += new
