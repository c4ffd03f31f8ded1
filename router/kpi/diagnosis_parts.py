"""One call's seconds, taken apart with the yardstick of its endpoint.

    first token    the way  +  usual start  +  prompt * usual seconds each  +  what it took besides
    writing        tokens * usual seconds each  +  what it took besides  +  what the caller took

Each line is an identity, whatever the yardstick says; the yardstick decides only how fair the shares are. So the parts
of a call add up to its seconds, and so do their averages over any calls.
"""

from __future__ import annotations

import enum

import msgspec

from .diagnosis_result import Headline
from .diagnosis_usual import Yardsticks, key_of, writing_s
from .row import CallRow


class Part(enum.Enum):
    """What a call's time was spent on.

    The endpoint's own pace is the only one that is nobody's doing: that calls are of slower endpoints.
    """

    PROMPT = "prompt"
    """To read it, at the route's usual pace, as if nothing of it were cached."""
    CACHED = "cached"
    """Saved by the cache: negative."""
    ANSWER = "answer"
    """To write it, at the route's usual pace."""
    PACE = "pace"
    """By how much the endpoint's usual start and paces differ from the route's."""
    QUEUE = "queue"
    """To the first token, besides."""
    DECODE = "decode"
    """To the last token, besides."""
    WRITING = "writing"
    """From the first token to the last, where tokens are not counted."""
    WAY = "way"
    SLOT = "slot"
    ELSEWHERE = "elsewhere"
    HELD = "held"


class Taken(msgspec.Struct, frozen=True):
    """A call taken apart: its headline, and the parts that add up to it."""

    row: CallRow
    seconds: float
    parts: dict[Part, float]


def headline_s(row: CallRow, headline: Headline) -> float | None:
    """The seconds asked about; None for a call that has no such figure."""
    if row.ttft_s is None and headline is Headline.TTFT:
        return None
    until_spoken_s = row.elsewhere_s + row.slot_wait_s + row.connect_s + row.first_token_s
    return until_spoken_s + row.generation_s if headline is Headline.TOTAL else until_spoken_s


def parts_of(row: CallRow, headline: Headline, yardsticks: Yardsticks) -> dict[Part, float]:
    """Seconds by part; those left out are none. They add up to `headline_s`."""
    usual = yardsticks.by_key[key_of(row)]
    parts = {Part.ELSEWHERE: row.elsewhere_s, Part.SLOT: row.slot_wait_s, Part.WAY: row.connect_s, Part.PACE: 0.0}
    if row.ttft_s is not None:
        network_s, cached = usual.network_s(row), usual.cached(row)
        to_read = row.input_tokens - cached
        parts[Part.WAY] += network_s
        parts[Part.PROMPT] = row.input_tokens * yardsticks.per_input_s
        parts[Part.CACHED] = -cached * yardsticks.per_input_s
        parts[Part.PACE] += usual.start_s + to_read * (usual.per_input_s - yardsticks.per_input_s)
        parts[Part.QUEUE] = row.first_token_s - network_s - usual.start_s - to_read * usual.per_input_s
    if headline is Headline.TTFT:
        return parts
    parts[Part.HELD] = row.held_s
    tokens = usual.tokens(row)
    if tokens is None:
        parts[Part.WRITING] = writing_s(row)
    else:
        parts[Part.ANSWER] = tokens * yardsticks.per_output_s
        parts[Part.PACE] += tokens * (usual.per_output_s - yardsticks.per_output_s)
        parts[Part.DECODE] = writing_s(row) - tokens * usual.per_output_s
    return parts
