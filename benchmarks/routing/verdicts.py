"""Who is best, and by how much: pair by pair, on the same seeds."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .contestants import KNOWING, LIMIT, OURS, PEERS
from .figures import Figure, Figures, interval

TOLERANCE = 0.01
"""Share by which the limit may be passed for it still to be one: it serves each call best, not all of them."""


@attrs.frozen(kw_only=True)
class Comparison:
    """Ours and the best of the others by one figure. *ahead*: by how much ours is better."""

    rival: str
    ours: float
    theirs: float
    ahead: Figure

    @property
    def words(self) -> str:
        """Best, even, or behind: even where the interval has both."""
        if self.ahead.low > 0.0:
            return "best"
        return "behind" if self.ahead.high < 0.0 else "even"


def by_share_within(of: Mapping[str, Figures]) -> Comparison:
    """The more calls within the objective, the better."""
    rival = max(PEERS, key=lambda name: of[name].within.value)
    return _compared(of, rival, "within", 1.0)


def by_ttft_p99(of: Mapping[str, Figures]) -> Comparison:
    """The sooner, the better."""
    rival = min(PEERS, key=lambda name: of[name].ttft_s[0.99].value)
    return _compared(of, rival, "ttft_p99_s", -1.0)


def of_oracle(of: Mapping[str, Figures]) -> Figure:
    """Our p95 to the first token as a multiple of that of the oracle that knows every distribution."""
    ours, oracle = of[OURS].samples["ttft_p95_s"], of[KNOWING].samples["ttft_p95_s"]
    return interval([mine / theirs for mine, theirs in zip(ours, oracle, strict=True)])


def regret(mine: float, control: float, oracle: float) -> float | None:
    """What is left of the way from the control to the oracle: 1 as bad as the control, 0 as good as the oracle."""
    return None if control <= oracle else (mine - oracle) / (control - oracle)


def beyond_the_limit(of: Mapping[str, Figures]) -> list[str]:
    """Who does better than hindsight, by what: nobody, if it is one."""
    limit = of[LIMIT]
    told: list[str] = []
    for name, theirs in of.items():
        if theirs.within.value > limit.within.value + TOLERANCE:
            told.append(f"{name}: share within")
        told += [
            f"{name}: TTFT p{100 * q:g}"
            for q, figure in theirs.ttft_s.items()
            if figure.value < limit.ttft_s[q].value * (1.0 - TOLERANCE)
        ]
    return told


def _compared(of: Mapping[str, Figures], rival: str, figure: str, sign: float) -> Comparison:
    ours, theirs = of[OURS].samples[figure], of[rival].samples[figure]
    ahead = [sign * (mine - other) for mine, other in zip(ours, theirs, strict=True)]
    return Comparison(rival=rival, ours=ours[0], theirs=theirs[0], ahead=interval(ahead))
