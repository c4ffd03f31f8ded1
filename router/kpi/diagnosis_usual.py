"""What a call usually takes at an endpoint: the yardstick that changes are measured with.

    seconds = start + input tokens read * seconds each + output tokens * seconds each

Start and speed of each endpoint are those of the window before; an endpoint that is new is measured by what it does
now. With them a change is told apart as in Oaxaca's and Kitagawa's decompositions of a difference of means: what calls
are (more tokens, another endpoint) at the old prices, and what the prices have become.

Sources: Oaxaca, "Male-female wage differentials in urban labor markets" (1973); Kitagawa, "Components of a difference
between two rates" (1955).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from .diagnosis_line import Line, between, price, through
from .row import CallRow

FEWEST = 10
"""Calls that make a yardstick; with fewer, the route's own stands in."""

NEARLY_ALL = 0.95
"""A vendor that tells something with this share of its answers tells it."""

Key: TypeAlias = tuple[str, bool]
"""An endpoint, and whether its answer came as a stream: one in one piece has no first token."""

Windows: TypeAlias = dict[Key, tuple[list[CallRow], list[CallRow]]]
"""The calls of both windows, by who answered them."""


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. Seconds; tells_*: whether the vendor says so, in both windows."""

    start_s: float
    per_input_s: float
    per_output_s: float
    tells_cached: bool
    tells_network: bool
    tells_tokens: bool

    def cached(self, row: CallRow) -> int:
        """Tokens of the prompt that need not be read."""
        return (row.cached_tokens or 0) if self.tells_cached else 0

    def network_s(self, row: CallRow) -> float:
        """Seconds of the first token that were the way there."""
        return (row.network_s or 0.0) if self.tells_network else 0.0

    def tokens(self, row: CallRow) -> float | None:
        """Tokens of the answer. One that was not counted is taken to have been written at the usual speed."""
        if not self.tells_tokens:
            return None
        if row.output_tokens is not None:
            return row.output_tokens
        return writing_s(row) / self.per_output_s if self.per_output_s > 0.0 else 0.0


class Yardsticks(msgspec.Struct, frozen=True):
    """Those of every endpoint, and the route's means, which an endpoint is compared with.

    guessed: prompts were of one size before and of another now, so that their price rests on the two windows alone.
    """

    by_key: dict[Key, Usual]
    per_input_s: float
    per_output_s: float
    guessed: bool


def name_of(row: CallRow) -> str:
    """Who answered."""
    return row.endpoint or "unknown"


def key_of(row: CallRow) -> Key:
    """The endpoint, and whether its answer had a first token."""
    return name_of(row), row.ttft_s is not None


def writing_s(row: CallRow) -> float:
    """Seconds in which the answer was written; of one in one piece, all since it was sent."""
    return row.generation_s - row.held_s + (row.first_token_s if row.ttft_s is None else 0.0)


def yardsticks(before: Sequence[CallRow], now: Sequence[CallRow]) -> Yardsticks:
    """Measure every endpoint of both windows, of which neither is empty."""
    windows: Windows = {}
    for number, rows in enumerate((before, now)):
        for row in rows:
            windows.setdefault(key_of(row), ([], []))[number].append(row)
    lines = {key: [line for line in map(through, pair) if line is not None] for key, pair in windows.items() if key[1]}
    known = [line for own in lines.values() for line in own]
    guessed = [] if known else _guessed(windows)
    per_input_s = price(known or guessed)
    of_route = _measured(before, now, per_input_s)
    by_key: dict[Key, Usual] = {}
    for key, (was, is_now) in windows.items():
        own = lines.get(key)
        measured = _measured(was, is_now, (price(own) if own else per_input_s) if key[1] else 0.0)
        if max(len(was), len(is_now)) < FEWEST:
            measured = replace(measured, start_s=of_route.start_s, per_output_s=of_route.per_output_s)
        by_key[key] = measured if key[1] else replace(measured, start_s=0.0)
    return Yardsticks(by_key, per_input_s, of_route.per_output_s, bool(guessed))


def _guessed(windows: Windows) -> list[Line]:
    """From one window to the other, where within each all prompts were alike."""
    lines = [between(*pair) for (_, streamed), pair in windows.items() if streamed and min(map(len, pair)) >= FEWEST]
    return [line for line in lines if line is not None]


def _measured(was: Sequence[CallRow], is_now: Sequence[CallRow], per_input_s: float) -> Usual:
    """Medians of the window before, or of this one where that had too few calls."""
    usual = Usual(
        start_s=0.0,
        per_input_s=per_input_s,
        per_output_s=0.0,
        tells_cached=_told(was, is_now, lambda row: row.cached_tokens),
        tells_network=_told(was, is_now, lambda row: row.network_s),
        tells_tokens=_told(was, is_now, lambda row: row.output_tokens),
    )
    rows = was if len(was) >= FEWEST or not is_now else is_now
    starts_s = [
        row.first_token_s - usual.network_s(row) - (row.input_tokens - usual.cached(row)) * per_input_s
        for row in rows
        if row.ttft_s is not None
    ]
    speeds_s = [writing_s(row) / row.output_tokens for row in rows if row.output_tokens]
    return replace(
        usual,
        start_s=median(starts_s) if starts_s else 0.0,
        per_output_s=median(speeds_s) if speeds_s else 0.0,
    )


def _told(was: Sequence[CallRow], is_now: Sequence[CallRow], what: Callable[[CallRow], float | None]) -> bool:
    return all(sum(what(row) is not None for row in rows) >= NEARLY_ALL * len(rows) for rows in (was, is_now))
