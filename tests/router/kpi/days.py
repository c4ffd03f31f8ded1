"""Made-up calls for these tests: an ordinary day at two endpoints in two regions, and what may happen to it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import attrs

from paceline.router import CallOutcome
from paceline.router.kpi.row import CallRow

REGIONS = {"east-1": "east", "east-2": "east", "west-1": "west", "west-2": "west"}
"""Endpoints, and where they are."""


@attrs.frozen(kw_only=True)
class Day:
    """How calls go. What is multiplied is a factor on an ordinary day's; seconds are added.

    mix: shares of the endpoints.
    prompts, cached: factor on tokens; share of a prompt in the cache. answers: factor on tokens.
    queue_s: mean wait at the vendor, by endpoint. connect_s: to connect, by endpoint. way_s: on the way, by endpoint.
    slower: factor on the time per token, by endpoint.
    waits_s: mean wait for a slot of every second call. retried, retry_s: share of calls, and what went before.
    held_s: mean time the caller holds the answer up.
    tells: whether the vendor sends keep-alives, says how long it worked, and counts tokens.
    in_one_piece: share of calls that are not streamed.
    """

    mix: Mapping[str, float] = attrs.field(factory=lambda: dict.fromkeys(REGIONS, 0.25))
    prompts: float = 1.0
    cached: float = 0.0
    answers: float = 1.0
    queue_s: Mapping[str, float] = attrs.field(factory=dict[str, float])
    connect_s: Mapping[str, float] = attrs.field(factory=dict[str, float])
    way_s: Mapping[str, float] = attrs.field(factory=dict[str, float])
    slower: Mapping[str, float] = attrs.field(factory=dict[str, float])
    waits_s: float = 0.0
    retried: float = 0.0
    retry_s: float = 2.0
    held_s: float = 0.0
    tells: bool = True
    in_one_piece: float = 0.0

    def calls(self, seed: object, count: int = 600) -> list[CallRow]:
        """*count* calls of such a day, one every five seconds."""
        dice = random.Random(f"{seed}")
        return [self._call(dice, 5.0 * (number + 1)) for number in range(count)]

    def _call(self, dice: random.Random, ended_s: float) -> CallRow:
        endpoint = dice.choices([*self.mix], [*self.mix.values()])[0]
        prompt = max(1, int(dice.lognormvariate(math.log(1000.0), 0.8) * self.prompts))
        tokens = max(2, int(min(2000.0, dice.lognormvariate(math.log(130.0), 0.8)) * self.answers))
        cached = int(prompt * self.cached)
        waited_s = dice.expovariate(1.0) * self.queue_s.get(endpoint, 0.0)
        way_s = 0.03 + dice.random() * 0.01 + self.way_s.get(endpoint, 0.0)
        own_s = PACE[endpoint] * 0.25 * math.exp(dice.gauss(0.0, 0.2))
        first_token_s = way_s + own_s + waited_s + (prompt - cached) * 0.0002
        tpot_s = PACE[endpoint] * 0.02 * math.exp(dice.gauss(0.0, 0.1)) * self.slower.get(endpoint, 1.0)
        retried = dice.random() < self.retried
        slot_wait_s = dice.expovariate(1.0) * self.waits_s if dice.random() < 0.5 else 0.0
        held_s = dice.expovariate(1.0) * self.held_s
        elsewhere_s = self.retry_s * math.exp(dice.gauss(0.0, 0.2)) if retried else 0.0
        connect_s = self.connect_s.get(endpoint, 0.0) or (0.05 if dice.random() < 0.1 else 0.0)
        generation_s = (tokens - 1) * tpot_s + held_s
        ttft_s = elsewhere_s + slot_wait_s + connect_s + first_token_s
        streamed = dice.random() >= self.in_one_piece
        return CallRow(
            ended_s=ended_s,
            outcome=CallOutcome.ANSWERED,
            endpoint=endpoint,
            region=REGIONS[endpoint],
            ttft_s=ttft_s if streamed else None,
            total_s=ttft_s + generation_s,
            elsewhere_s=elsewhere_s,
            slot_wait_s=slot_wait_s,
            connect_s=connect_s,
            first_token_s=first_token_s if streamed else first_token_s + generation_s,
            network_s=way_s if self.tells else None,
            generation_s=generation_s if streamed else 0.0,
            held_s=held_s if streamed else 0.0,
            tpot_s=tpot_s if self.tells else None,
            input_tokens=prompt,
            cached_tokens=cached if self.tells else None,
            output_tokens=tokens if self.tells else None,
            keepalives=int(waited_s) if self.tells else 0,
            attempts=1 + retried,
            retries=("rate_limited",) * retried,
        )


PACE = {"east-1": 1.0, "east-2": 1.0, "west-1": 1.2, "west-2": 2.0}
"""How slow each endpoint is by itself."""
