"""How long a token of the prompt takes to read: the slope of first-token times over prompt sizes.

It is Tukey's resistant line: the medians of the third of the calls with the longest prompts and of the third with the
shortest. Outliers do not move it. It is taken within a window, so that a queue that came between two windows does not
look like long prompts.

Source: Tukey, "Exploratory Data Analysis" (1977).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import msgspec

from .row import CallRow

FEWEST = 30
"""Calls a line is drawn through: ten a third."""

APART = 1.2
APART_TOKENS = 32
"""Short and long prompts must be apart by this factor and by these tokens, or there is no slope to see."""


class Line(msgspec.Struct, frozen=True):
    """Seconds a token, at least 0, and how much that weighs: calls times the square of what lay between them."""

    per_token_s: float
    weight: float


def through(rows: Sequence[CallRow]) -> Line | None:
    """The line of one window; None if its calls are too few, or their prompts too alike."""
    if len(rows) < FEWEST:
        return None
    by_size = sorted(rows, key=_read)
    third = len(rows) // 3
    return between(by_size[:third], by_size[-third:])


def between(some: Sequence[CallRow], others: Sequence[CallRow]) -> Line | None:
    """The line from some calls to others, neither of them none; None if their prompts are too alike."""
    shorter, longer = sorted((some, others), key=lambda rows: median(map(_read, rows)))
    few, many = median(map(_read, shorter)), median(map(_read, longer))
    if many < APART * few or many - few < APART_TOKENS:
        return None
    more_s = median(row.first_token_s for row in longer) - median(row.first_token_s for row in shorter)
    return Line(max(0.0, more_s / (many - few)), (len(shorter) + len(longer)) * (many - few) ** 2)


def price(lines: Sequence[Line]) -> float:
    """Seconds a token, by all lines together; 0.0 by none."""
    whole = math.fsum(line.weight for line in lines)
    return math.fsum(line.per_token_s * line.weight for line in lines) / whole if whole else 0.0


def _read(row: CallRow) -> int:
    """Tokens of the prompt that had to be read."""
    return row.input_tokens - (row.cached_tokens or 0)
