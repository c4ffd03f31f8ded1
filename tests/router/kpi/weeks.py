"""A made-up week of a route, call by call: day and night, working days and weekends, and what may befall it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import attrs

from paceline.router import CallOutcome, Route
from paceline.router.kpi.row import CallRow
from paceline.router.kpi.watch import Watches

CHAT = Route(name="chat", models="m")
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


@attrs.frozen(kw_only=True)
class Trouble:
    """What goes wrong, and when. In seconds from the beginning.

    slow: share of the calls that are *slower* times slower. prompts: factor on their size. retried: share of calls.
    """

    from_s: float
    to_s: float = math.inf
    slow: float = 0.0
    slower: float = 8.0
    prompts: float = 1.0
    retried: float = 0.0


NONE = Trouble(from_s=math.inf)


def daytime(at_s: float) -> float:
    """How much it is day: 0 at four in the morning, 1 at four in the afternoon."""
    return 0.5 - 0.5 * math.cos(2.0 * math.pi * (at_s / DAY_S - 4.0 / 24.0))


def calls(
    seed: int, *, from_s: float = 0.0, to_s: float, per_hour: float = 500.0, trouble: Trouble = NONE
) -> Iterator[CallRow]:
    """Calls at random times. By day there are five times as many as at night, with longer prompts, and slower.

    At weekends there are half as many, and their prompts are longer still. What a whole minute's calls have in common
    makes them 10 % faster or slower, and drifts.
    """
    dice = random.Random(f"{seed}")
    drift = 0.0
    for minute in range(int(from_s // 60.0), int(to_s // 60.0)):
        begins_s = minute * 60.0
        day, weekend = daytime(begins_s), begins_s % (7 * DAY_S) >= 5 * DAY_S
        drift = 0.8 * drift + dice.gauss(0.0, 0.06)
        on = trouble.from_s <= begins_s < trouble.to_s
        pace = (1.0 + 0.5 * day) * math.exp(drift)
        prompt = math.log(800.0 * (1.0 + day) * (1.4 if weekend else 1.0) * (trouble.prompts if on else 1.0))
        retried = trouble.retried if on and trouble.retried else 0.01 + 0.02 * day
        gap_s = HOUR_S / (per_hour * (0.33 + 1.34 * day) * (0.5 if weekend else 1.0))
        at_s = begins_s + dice.expovariate(1.0) * gap_s
        while at_s < begins_s + 60.0:
            tokens = 1 + int(math.exp(dice.gauss(prompt, 0.8)))
            ttft_s = (0.25 + 0.00005 * tokens) * pace * math.exp(dice.gauss(0.0, 0.25))
            luck = dice.random()
            if luck < 0.005:
                ttft_s *= 20.0
            if on and luck > 1.0 - trouble.slow:
                ttft_s *= trouble.slower
            yield CallRow(
                ended_s=at_s,
                outcome=CallOutcome.ANSWERED if dice.random() < 0.98 else CallOutcome.CANCELLED,
                ttft_s=ttft_s,
                total_s=ttft_s + 3.0,
                input_tokens=tokens,
                retries=("rate_limited",) if dice.random() < retried else (),
            )
            at_s += dice.expovariate(1.0) * gap_s


def watch(watches: Watches, rows: Iterator[CallRow]) -> None:
    """Show a route's calls to *watches*."""
    for row in rows:
        watches.see(CHAT, row)
