"""What a call would meet at an endpoint: drawn from the run's seed, the call, the endpoint and how often it was there.

So the same call meets the same fate at the same endpoint, whoever sends it there and whatever was sent before. What
differs between policies is then what they chose, and not their luck (common random numbers).
"""

from __future__ import annotations

import math
import random
from functools import lru_cache

import msgspec

from paceline.gateway.demo.published import STRAGGLES_S, STRAGGLING
from paceline.gateway.demo.quantiles import Quantiles

from .fleets import Site
from .measured import Measured
from .published import MEASURED_AT_TOKENS, REGION_SPREAD
from .traffic import Planned

PROMPT_SHARE = 1.0 / 3.0
"""Of the time to the first token at 550 tokens, what reading the prompt takes. Assumed: no source varies the prompt."""

FAILING = 0.001
"""Share of calls that fail at an endpoint that is well."""

DRIFT_S = 120.0
"""Time over which an endpoint's own level forgets. Assumed: the runs of thefastest.ai are hours apart."""

STEP_S = 1.0


class Fate(msgspec.Struct, frozen=True):
    """What one try meets, before load and trouble.

    first_s: seconds to the first token. straggles_s: seconds more, for no reason. per_token_s: for each token after it.
    luck: 0..1; it fails where that is below the share that does.
    """

    first_s: float
    straggles_s: float
    per_token_s: float
    luck: float


class Fates:
    """Everything that chance decides in a run."""

    def __init__(self, seed: int, sites: list[Site], known: Measured, seconds: float) -> None:
        self._seed = seed
        self._places = {site.name: place for place, site in enumerate(sites)}
        self._speeds = {site.name: (known.ttft_s[site.provider], known.tpot_s[site.provider]) for site in sites}
        self._drifts = {site.name: _drift(f"{seed}/{site.name}", known.drift, seconds) for site in sites}
        self.of = lru_cache(maxsize=200_000)(self._of)

    def _of(self, call: Planned, name: str, tries: int) -> Fate:
        """Of the call's try number *tries*, from 0, at an endpoint."""
        dice = random.Random(((self._seed * 1_000_003 + call.number) * 1009 + self._places[name]) * 17 + tries)
        ttft_s, tpot_s = self._speeds[name]
        first_s = ttft_s.at(dice.random()) + reading_s(ttft_s, call.prompt_tokens)
        low_s, high_s = STRAGGLES_S
        straggles, how_long = dice.random() < STRAGGLING, dice.random()
        return Fate(
            first_s=first_s,
            straggles_s=low_s * (high_s / low_s) ** how_long if straggles else 0.0,
            per_token_s=tpot_s.at(dice.random()),
            luck=dice.random(),
        )

    def level(self, name: str, at_s: float) -> float:
        """Factor on an endpoint's time to the first token at an instant of the run."""
        levels = self._drifts[name]
        return levels[min(int(at_s / STEP_S), len(levels) - 1)]


def reading_s(ttft_s: Quantiles, prompt_tokens: int) -> float:
    """Seconds more, or less, than at the length of prompt that was measured."""
    return PROMPT_SHARE * ttft_s.median * (prompt_tokens / MEASURED_AT_TOKENS - 1.0)


def _drift(seed: str, spread: float, seconds: float) -> list[float]:
    """An Ornstein-Uhlenbeck process of the logarithm, around a level of the endpoint's own."""
    dice = random.Random(seed)
    own, kept = dice.gauss(0.0, REGION_SPREAD), math.exp(-STEP_S / DRIFT_S)
    at = dice.gauss(0.0, spread)
    levels: list[float] = []
    for _ in range(int(2.0 * seconds / STEP_S) + 1):
        levels.append(math.exp(own + at))
        at = at * kept + dice.gauss(0.0, spread * math.sqrt(1.0 - kept * kept))
    return levels
