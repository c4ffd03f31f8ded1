"""Decisions about calls, one policy a file. Each is ``async (call, emit, next) -> None`` and knows the router only.

The order that works, from the caller inwards: `Admission`, `Shadow`, `Cap`, `Resume`, `Fallback`, `Retry`, `Hedge`,
`Regions`, `Breaker`, `Pace`, `LatencyBudget`, `Affinity`, `Slots`, `Chaos`. Every one may be left out; `stacks` has
good ones to begin with. Ways to pick among endpoints that are alike are in `balancers`, the faults of `Chaos` in
`faults`.
"""

from .admission import Admission
from .affinity import Affinity
from .balancers import Balancer, HotCold, InTurn, LeastLoaded, PeakEwma, PowerOfTwo, Weighted
from .breaker import Breaker
from .cap import Cap
from .chaos import Chaos, Injection
from .fallback import Fallback
from .faults import CutOff, Drip, Failure, Fault, Latency, Silence
from .hedge import Hedge
from .jitter import DecorrelatedJitter, FullJitter, Jitter
from .latency_budget import LatencyBudget, Otherwise
from .pace import Pace
from .preference import Prefer
from .quota import Counts, Quota
from .regions import Regions
from .resume import Resume
from .resumption import Refuse, Restart, Resumption
from .retry import Retry
from .round_robin import RoundRobin
from .shadow import Shadow
from .slots import Slots
from .spending import CostLimit
from .splice import Splice
from .stall import Stall

__all__ = [
    "Admission",
    "Affinity",
    "Balancer",
    "Breaker",
    "Cap",
    "Chaos",
    "CostLimit",
    "Counts",
    "CutOff",
    "DecorrelatedJitter",
    "Drip",
    "Failure",
    "Fallback",
    "Fault",
    "FullJitter",
    "Hedge",
    "HotCold",
    "InTurn",
    "Injection",
    "Jitter",
    "Latency",
    "LatencyBudget",
    "LeastLoaded",
    "Otherwise",
    "Pace",
    "PeakEwma",
    "PowerOfTwo",
    "Prefer",
    "Quota",
    "Refuse",
    "Regions",
    "Restart",
    "Resume",
    "Resumption",
    "Retry",
    "RoundRobin",
    "Shadow",
    "Silence",
    "Slots",
    "Splice",
    "Stall",
    "Weighted",
]
