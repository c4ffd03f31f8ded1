"""Samples of a window of one kind: counted together, and kept by period so that a period can be taken out again."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

from .hdr import Histogram

if TYPE_CHECKING:
    from .hdr import Filled, Scale

BUCKET_NUMBER = "H"
"""Two bytes: a histogram of two digits up to an hour has some 2,000 buckets."""


NOWHERE = (1 << 16, -1)
"""The buckets between which all samples lie, where there are none; they only move apart while there are some."""


class Periods:
    """Bucket numbers of samples by period, and the histogram of all of them."""

    __slots__ = ("_all", "_highest", "_lowest", "_samples")

    def __init__(self, scale: Scale, periods: int) -> None:
        self._all = Histogram(scale)
        self._samples: list[array[int]] = [array(BUCKET_NUMBER) for _ in range(periods)]
        self._lowest, self._highest = NOWHERE

    def add(self, bucket: int, place: int, count: int = 1) -> None:
        """Add samples of one bucket to a period."""
        if count == 1:
            self._samples[place].append(bucket)
        else:
            self._samples[place].extend([bucket] * count)
        self._all.count_in(bucket, count)
        self._lowest = min(self._lowest, bucket)
        self._highest = max(self._highest, bucket)

    def empty(self, place: int) -> None:
        """Take a period's samples out."""
        samples = self._samples[place]
        if not samples:
            return
        for bucket, count in Counter(samples).items():
            self._all.count_in(bucket, -count)
        self._samples[place] = array(BUCKET_NUMBER)
        if not self._all.count:
            self._lowest, self._highest = NOWHERE

    def filled(self) -> list[Filled]:
        """All samples, by bucket."""
        return self._all.filled(self._lowest, self._highest) if self._all.count else []

    def histogram(self, place: int) -> Histogram:
        """A period's samples."""
        found = Histogram(self._all.scale)
        for bucket, count in Counter(self._samples[place]).items():
            found.count_in(bucket, count)
        return found
