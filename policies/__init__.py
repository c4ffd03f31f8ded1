"""Decisions about calls, one policy a file. Each is ``async (call, emit, next) -> None`` and knows the router only.

The order that works, from the caller inwards: `Fallback`, `Retry`, `Hedge`, `Regions`, `Breaker`, `LatencyBudget`,
`Slots`. Every one may be left out; `stacks` has good ones to begin with. Ways to pick among endpoints that are alike
are in `balancers`.
"""

from .balancers import Balancer, HotCold, InTurn, LeastLoaded, PeakEwma, PowerOfTwo, Weighted
from .breaker import Breaker
from .fallback import Fallback
from .hedge import Hedge
from .jitter import DecorrelatedJitter, FullJitter, Jitter
from .latency_budget import LatencyBudget, Otherwise, Prefer
from .regions import Regions
from .resume import Resume
from .resumption import Refuse, Restart, Resumption
from .retry import Retry
from .round_robin import RoundRobin
from .slots import Slots
from .splice import Splice
from .stall import Stall

__all__ = [
    "Balancer",
    "Breaker",
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
    "PeakEwma",
    "PowerOfTwo",
    "Prefer",
    "Refuse",
    "Regions",
    "Restart",
    "Resume",
    "Resumption",
    "Retry",
    "RoundRobin",
    "Slots",
    "Splice",
    "Stall",
    "Weighted",
]
