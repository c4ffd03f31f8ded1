"""The calls of a run, planned before it begins: when each arrives, what it asks for, how long its answer will be.

Planned in advance, the load is an open one: a caller does not wait for the answers of others, so a slow router cannot
make its own work lighter by holding callers up. Shaped after the Azure conversation trace of 2023: arrivals a little
more bursty than Poisson's, at a rate that drifts slowly; lengths of prompt and answer, independent of each other.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import attrs

from .published import ANSWER_TOKENS, DRIFT_S, DRIFT_SPREAD, GAP_SPREAD, PROMPT_TOKENS
from .scene import CHAT, CHAT_SHARE, REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen(kw_only=True)
class PlannedCall:
    """One call: its number, when it arrives (seconds of the run), its route, and the tokens in and out."""

    number: int
    at_s: float
    route: str
    prompt_tokens: int
    answer_tokens: int


@attrs.frozen(kw_only=True)
class Traffic:
    """Calls in order of arrival, and a sentence on where they come from."""

    calls: tuple[PlannedCall, ...]
    told: str


def plan(*, seconds: float, rate: float, seed: int) -> Traffic:
    """Calls for *seconds* seconds, *rate* a second on the whole. The same seed plans the same calls."""
    dice = random.Random(f"{seed}/traffic")
    calls = tuple(
        PlannedCall(
            number=number,
            at_s=at_s,
            route=which_route(dice),
            prompt_tokens=round(PROMPT_TOKENS.at(dice.random())),
            answer_tokens=round(ANSWER_TOKENS.at(dice.random())),
        )
        for number, at_s in enumerate(arrivals(seconds, rate, random.Random(f"{seed}/arrivals")), start=1)
    )
    return Traffic(calls=calls, told=f"{len(calls)} calls shaped after the Azure conversation trace of 2023")


def arrivals(seconds: float, rate: float, dice: random.Random) -> Iterator[float]:
    """Instants within *seconds*, from gaps of a gamma distribution around a rate that drifts.

    gap   ~ Gamma(mean 1 / (rate * e^drift), cv 1.08)
    drift ~ Ornstein-Uhlenbeck(sd 0.22, relaxation 300 s), from 0
    """
    shape = 1.0 / GAP_SPREAD**2
    at_s = drift = 0.0
    while True:
        gap_s = dice.gammavariate(shape, 1.0 / (shape * rate * math.exp(drift)))
        at_s += gap_s
        if at_s >= seconds:
            return
        kept = math.exp(-gap_s / DRIFT_S)
        drift = drift * kept + dice.gauss(0.0, DRIFT_SPREAD * math.sqrt(1.0 - kept * kept))
        yield at_s


def which_route(dice: random.Random) -> str:
    """The trace does not tell chats from reports, so this is drawn beside it."""
    return CHAT.name if dice.random() < CHAT_SHARE else REPORT.name
