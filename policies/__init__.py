"""Decisions about calls, one policy a file. Each is ``async (call, emit, next) -> None`` and knows the router only.

The order that works, from the caller inwards: `Cap`, `Fallback`, `Retry`, `Hedge`, `Regions`, `Breaker`, `Pace`,
`LatencyBudget`, `Affinity`, `Slots`. Every one may be left out; `stacks` has good ones to begin with. Ways to pick
among endpoints that are alike are in `balancers`.
"""

from .affinity import Affinity
from .balancers import Balancer, HotCold, InTurn, LeastLoaded, PeakEwma, PowerOfTwo, Weighted
from .breaker import Breaker
from .cap import Cap
from .fallback import Fallback
from .hedge import Hedge
from .jitter import DecorrelatedJitter, FullJitter, Jitter
from .latency_budget import LatencyBudget, Otherwise, Prefer
from .pace import Pace
from .quota import Counts, Quota
from .regions import Regions
from .retry import Retry
from .round_robin import RoundRobin
from .slots import Slots
from .spending import CostLimit

__all__ = [
    "Affinity",
    "Balancer",
    "Breaker",
    "Cap",
    "CostLimit",
    "Counts",
    "DecorrelatedJitter",
    "Fallback",
    "FullJitter",
    "Hedge",
    "HotCold",
    "InTurn",
    "Jitter",
    "LatencyBudget",
    "LeastLoaded",
    "Otherwise",
    "Pace",
    "PeakEwma",
    "PowerOfTwo",
    "Prefer",
    "Quota",
    "Regions",
    "Retry",
    "RoundRobin",
    "Slots",
    "Weighted",
]
