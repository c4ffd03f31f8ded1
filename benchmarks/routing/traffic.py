"""The calls of a run, planned before the first is made: a part of the real trace, or one shaped after it.

Compressed in time, the same arrivals come faster: the gaps keep their proportions. A flash crowd is a time in which
what would have come later comes at once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import attrs

from paceline.gateway.demo.published import ANSWER_TOKENS, PROMPT_TOKENS
from paceline.gateway.demo.trace import Row, read
from paceline.gateway.demo.traffic import arrivals
from paceline.router import Request
from paceline.router.simulation import OUTPUT_TOKENS, Arrival

NATIVE_PER_S = 5.53
"""Calls a second in the trace."""

CALL = "call"
"""Key of a request's metadata: the `Planned` call."""


@attrs.frozen
class Planned:
    """One call: its number in the run, when it comes, and its tokens in and out."""

    number: int
    at_s: float
    prompt_tokens: int
    answer_tokens: int


@attrs.frozen(kw_only=True)
class Crowd:
    """A time in which calls come *times* as fast."""

    from_s: float
    to_s: float
    times: float

    def when(self, unhurried_s: float) -> float:
        """When a call comes that would have come at *unhurried_s*."""
        hurried_s = (self.to_s - self.from_s) * self.times
        if unhurried_s <= self.from_s:
            return unhurried_s
        if unhurried_s <= self.from_s + hurried_s:
            return self.from_s + (unhurried_s - self.from_s) / self.times
        return unhurried_s - hurried_s + self.to_s - self.from_s

    def more_s(self) -> float:
        """Seconds of calls that are used up beyond those of the run."""
        return (self.to_s - self.from_s) * (self.times - 1.0)


@cache
def rows_of(trace: Path) -> tuple[Row, ...]:
    """All of a trace."""
    return tuple(read(trace))


def planned(
    trace: Path | None, *, seconds: float, speed: float, seed: int, crowd: Crowd | None = None
) -> list[Planned]:
    """The calls of *seconds* seconds, *speed* times as fast as they came.

    trace: the file; None: as generated. seed: which part of it.
    """
    unhurried_s = seconds + (crowd.more_s() if crowd else 0.0)
    dice = random.Random(f"{seed}/traffic")
    rows = _generated(unhurried_s, speed, dice) if trace is None else _part(rows_of(trace), unhurried_s, speed, dice)
    when = crowd.when if crowd else float
    return [
        Planned(number, when(row.at_s), row.prompt_tokens, row.answer_tokens)
        for number, row in enumerate(rows, start=1)
    ]


def _part(rows: Sequence[Row], seconds: float, speed: float, dice: random.Random) -> list[Row]:
    """A part of a trace that begins at random, from its own beginning on; what is too short goes round."""
    length_s = rows[-1].at_s - rows[0].at_s
    begin_s = dice.uniform(0.0, length_s)
    turned = ((row.at_s - rows[0].at_s - begin_s) % length_s / speed for row in rows)
    part = [attrs.evolve(row, at_s=at_s) for row, at_s in zip(rows, turned, strict=True) if at_s < seconds]
    return sorted(part, key=lambda row: row.at_s)


def _generated(seconds: float, speed: float, dice: random.Random) -> list[Row]:
    return [
        Row(at_s, round(PROMPT_TOKENS.at(dice.random())), round(ANSWER_TOKENS.at(dice.random())))
        for at_s in arrivals(seconds, NATIVE_PER_S * speed, dice)
    ]


def as_arrival(call: Planned, model: str) -> Arrival:
    """A call as the router is asked it. It is told how long the prompt is, not how long the answer."""
    return Arrival(
        call.at_s,
        Request(
            messages="as in the trace",
            model=model,
            prompt_tokens=call.prompt_tokens,
            metadata={CALL: call, OUTPUT_TOKENS: call.answer_tokens},
        ),
    )
