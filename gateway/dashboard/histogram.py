"""Latencies and sizes counted in buckets whose widths grow with the value, so that counts can be added up.

A quantile of many moments is that of their counts together, never an average of their quantiles. So counts is what is
kept, what is sent to the page, and what the page adds up for the stretch of time somebody looks at.

A bucket spans a factor of 2^(1/24), so its middle is off by 1.5 % at most. Only buckets that hold something take
memory: a dict of a few dozen numbers.

Source: Masson, Rim and Lee, "DDSketch" (VLDB 2019), which takes its buckets from a logarithm too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

LEAST = 1e-6
"""What is at most this falls into bucket 0: a microsecond, or no token at all."""

PER_OCTAVE = 24
"""Buckets from a value to its double."""

Counts: TypeAlias = dict[int, int]
"""How many there were, by bucket."""

_log2 = math.log2


def bucket_of(value: float) -> int:
    """The bucket a value belongs to."""
    return int(_log2(value / LEAST) * PER_OCTAVE) if value > LEAST else 0


def middle_of(bucket: int) -> float:
    """The value in the middle of a bucket, by its logarithm."""
    return LEAST * math.exp2((bucket + 0.5) / PER_OCTAVE)


def count(counts: Counts, value: float) -> None:
    """Count one value."""
    bucket = int(_log2(value / LEAST) * PER_OCTAVE) if value > LEAST else 0
    counts[bucket] = counts.get(bucket, 0) + 1


def pour(more: Mapping[int, int], into: Counts) -> None:
    """Add counts to others."""
    for bucket, many in more.items():
        into[bucket] = into.get(bucket, 0) + many


def quantiles(counts: Mapping[int, int], *shares: float) -> list[float | None]:
    """The values below which these shares (above 0, up to 1, rising) of all lie; None of none."""
    wanted = sum(counts.values())
    if not wanted:
        return [None for _ in shares]
    found: list[float | None] = []
    ordered, passed, bucket = iter(sorted(counts)), 0, 0
    for share in shares:
        rank = max(1, math.ceil(share * wanted - 1e-9))
        while passed < rank:
            bucket = next(ordered)
            passed += counts[bucket]
        found.append(middle_of(bucket))
    return found
