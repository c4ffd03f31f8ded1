"""How others choose an endpoint: each rule as its product has it, small enough to be held against its source.

All see the same: which endpoints may be asked, how many calls each has under way, how long first tokens and answers
took, and what failed. Ties, windows and what becomes of failures differ, and matter.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Protocol

from .traffic import Planned


class Rule(Protocol):
    """A way to choose, and what it is told."""

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """One of *names*, of which there is at least one, in the order of configuration."""
        ...

    def sent(self, name: str, now_s: float, /) -> None:
        """A call is under way."""
        ...

    def spoke(self, name: str, ttft_s: float, now_s: float, /) -> None:
        """Its first token is there."""
        ...

    def ended(self, name: str, ttft_s: float | None, took_s: float, now_s: float, /, *, failed: bool) -> None:
        """It is over."""
        ...


class Blind:
    """Told everything, it remembers nothing but what is under way."""

    def __init__(self) -> None:
        self.in_flight: defaultdict[str, int] = defaultdict(int)

    def sent(self, name: str, now_s: float, /) -> None:
        """Count it."""
        del now_s
        self.in_flight[name] += 1

    def spoke(self, name: str, ttft_s: float, now_s: float, /) -> None:
        """No matter."""

    def ended(self, name: str, ttft_s: float | None, took_s: float, now_s: float, /, *, failed: bool) -> None:
        """Count it no more."""
        del ttft_s, took_s, now_s, failed
        self.in_flight[name] -= 1


class Random(Blind):
    """Any."""

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del call, now_s
        return dice.choice(names)


class RoundRobin(Blind):
    """One after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = 0

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del call, now_s, dice
        self._turn += 1
        return names[self._turn % len(names)]


class LeastBusy(Blind):
    """LiteLLM's ``least-busy``: the fewest calls under way; of equals, the first in the configuration."""

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del call, now_s, dice
        return min(names, key=lambda name: self.in_flight[name])


class LeastLoadedOfTwo(Blind):
    """Two drawn at random, and the one with fewer calls under way: Envoy's least request."""

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del call, now_s
        if len(names) == 1:
            return names[0]
        one, other = dice.sample(names, 2)
        return other if self.in_flight[other] < self.in_flight[one] else one


class MeanOfLastTen(Blind):
    """LiteLLM's ``latency-based-routing``: the least mean of the last ten times to first token, told as answers end.

    One that has none yet counts as no time at all, and goes first. A failure leaves nothing; a timeout is noted among
    the times of whole answers, which count only for who has no first token yet. Source: LiteLLM 1.106.2,
    router_strategy/lowest_latency.py.
    """

    KEPT = 10
    TIMEOUT_S = 1000.0

    def __init__(self) -> None:
        super().__init__()
        self._firsts: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=self.KEPT))

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del call, now_s
        least = min(self._mean(name) for name in names)
        return dice.choice([name for name in names if self._mean(name) == least])

    def ended(self, name: str, ttft_s: float | None, took_s: float, now_s: float, /, *, failed: bool) -> None:
        """As `Rule`."""
        super().ended(name, ttft_s, took_s, now_s, failed=failed)
        if ttft_s is not None and not failed:
            self._firsts[name].append(ttft_s)

    def _mean(self, name: str) -> float:
        kept = self._firsts[name]
        return sum(kept) / len(kept) if kept else 0.0


class PeakEwmaOfTwo(Blind):
    """Finagle's ``p2c_peak_ewma``: a cost that jumps to each peak and decays over ten seconds, times what is pending.

    One without a cost that has calls under way is last. What it times is the first token, to its advantage: as it
    ships, it would time the whole answer, which says more of the answer's length. It times failures as if they were
    answers, as Finagle does. Source: Finagle, p2c/PeakEwma.scala, ``decayTime`` 10 s.
    """

    TAU_S = 10.0
    PENALTY = 1e9

    def __init__(self) -> None:
        super().__init__()
        self._cost: dict[str, tuple[float, float]] = {}

    def choose(self, names: Sequence[str], call: Planned, now_s: float, dice: random.Random, /) -> str:
        """As `Rule`."""
        del call
        if len(names) == 1:
            return names[0]
        one, other = dice.sample(names, 2)
        return other if self.load(other, now_s) < self.load(one, now_s) else one

    def spoke(self, name: str, ttft_s: float, now_s: float, /) -> None:
        """As `Rule`."""
        self._observe(name, ttft_s, now_s)

    def ended(self, name: str, ttft_s: float | None, took_s: float, now_s: float, /, *, failed: bool) -> None:
        """As `Rule`."""
        super().ended(name, ttft_s, took_s, now_s, failed=failed)
        if failed:
            self._observe(name, took_s, now_s)

    def load(self, name: str, now_s: float) -> float:
        """The cost times what would be pending. Reading decays it, as time without an answer does in Finagle."""
        self._observe(name, 0.0, now_s)
        cost, pending = self._cost[name][0], self.in_flight[name]
        return self.PENALTY + pending if cost == 0.0 and pending else cost * (pending + 1)

    def _observe(self, name: str, seconds: float, now_s: float) -> None:
        cost, at_s = self._cost.get(name, (0.0, now_s))
        kept = math.exp((at_s - now_s) / self.TAU_S)
        self._cost[name] = (seconds if seconds > cost else cost * kept + seconds * (1.0 - kept), now_s)
