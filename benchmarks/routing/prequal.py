"""Prequal's rule: a pool of probes; of those that are not hot the fastest, else the one with least in flight.

It is given what no vendor of language models offers: probes, which cost nothing and are answered at once and truly. A
probe tells the calls in flight at the endpoint, and its latency: the median of the first tokens of calls that began
with about as many in flight.

Three probes a call, at endpoints drawn at random; a pool of 16, none older than a second, the oldest and the worst
removed in turn, one a call; a probe is used at most as often as keeps the pool filled, and who uses one counts itself
in. Hot is what lies above the 2^-0.25 quantile of what probes told of calls in flight. Of fewer than two probes it
falls back on chance. (The paper's remedy against endpoints that fail fast is not published.)

Source: Wydrowski et al., "Load is not what you should balance: introducing Prequal" (NSDI 2024), section 4.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from operator import attrgetter

import msgspec

from .rules import Blind
from .traffic import Planned

POOL = 16
OLDEST_S = 1.0
PROBES_A_CALL = 3
HOT_ABOVE = 2.0**-0.25
KEPT = 64
"""Last probes whose calls in flight make up the distribution that says who is hot."""

NEAREST = 5
"""First tokens at about the same calls in flight that the latency is the median of."""

UNKNOWN_S = 0.0


class Probe(msgspec.Struct):
    """What an endpoint said of itself, when."""

    name: str
    at_s: float
    in_flight: int
    latency_s: float
    uses: int


class Prequal(Blind):
    """The rule. *in_flight_at*: how many calls an endpoint truly has, which is what a probe asks."""

    def __init__(self, in_flight_at: Callable[[str], int]) -> None:
        super().__init__()
        self._in_flight_at = in_flight_at
        self._pool: list[Probe] = []
        self._lately: deque[int] = deque(maxlen=KEPT)
        self._firsts: defaultdict[str, deque[tuple[int, float]]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._removes_oldest = True

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del call
        self._probe(dice.sample(names, min(PROBES_A_CALL, len(names))), len(names), now_s)
        self._pool = [probe for probe in self._pool if now_s - probe.at_s <= OLDEST_S and probe.uses > 0]
        able = [probe for probe in self._pool if probe.name in names]
        if len(able) < 2:
            return dice.choice(names)
        chosen = self.best(able)
        chosen.uses -= 1
        chosen.in_flight += 1
        self._remove_one()
        return chosen.name

    def best(self, probes: Sequence[Probe]) -> Probe:
        """The fastest of the cold; where all are hot, the one with least in flight."""
        bar = self.bar()
        cold = [probe for probe in probes if probe.in_flight <= bar]
        return min(cold, key=attrgetter("latency_s")) if cold else min(probes, key=attrgetter("in_flight"))

    def bar(self) -> float:
        """Calls in flight above which an endpoint is hot."""
        lately = sorted(self._lately)
        return lately[int(HOT_ABOVE * (len(lately) - 1))]

    def spoke(self, name: str, ttft_s: float, now_s: float, /) -> None:
        """As `Rule`. The endpoint notes it, tagged with what it had in flight."""
        del now_s
        self._firsts[name].append((self._in_flight_at(name), ttft_s))

    def _probe(self, names: Sequence[str], of: int, now_s: float) -> None:
        for name in names:
            in_flight = self._in_flight_at(name)
            self._lately.append(in_flight)
            self._pool.append(Probe(name, now_s, in_flight, self._latency_s(name, in_flight), uses_of(of)))
        self._pool = self._pool[-POOL:]

    def _latency_s(self, name: str, in_flight: int) -> float:
        near = sorted(self._firsts[name], key=lambda first: abs(first[0] - in_flight))[:NEAREST]
        return statistics.median(seconds for _, seconds in near) if near else UNKNOWN_S

    def _remove_one(self) -> None:
        if not self._pool:
            return
        if self._removes_oldest:
            worst = min(self._pool, key=attrgetter("at_s"))
        else:
            bar = self.bar()
            hot = [probe for probe in self._pool if probe.in_flight > bar]
            worst = max(hot, key=attrgetter("in_flight")) if hot else max(self._pool, key=attrgetter("latency_s"))
        self._removes_oldest = not self._removes_oldest
        self._pool.remove(worst)


def uses_of(endpoints: int) -> int:
    """How often a probe may be used: max(1, (1 + d) / ((1 - m / n) * probes - removed)) with d = 1 and m = 16."""
    supply = (1.0 - POOL / endpoints) * PROBES_A_CALL - 1.0
    return max(1, round(2.0 / supply)) if supply > 0.0 else POOL
