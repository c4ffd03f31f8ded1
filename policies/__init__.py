"""Decisions about calls, one policy a file. Each is ``async (call, emit, next) -> None`` and knows the router only.

The order that works, from the caller inwards: `Fallback`, `Retry`, `Hedge`, `Regions`, `LatencyBudget`, `Slots`. Every
one may be left out.
"""

from .fallback import Fallback
from .hedge import Hedge
from .jitter import DecorrelatedJitter, FullJitter, Jitter
from .latency_budget import LatencyBudget, Otherwise, Prefer
from .regions import Regions
from .retry import Retry
from .round_robin import RoundRobin
from .slots import Slots

__all__ = [
    "DecorrelatedJitter",
    "Fallback",
    "FullJitter",
    "Hedge",
    "Jitter",
    "LatencyBudget",
    "Otherwise",
    "Prefer",
    "Regions",
    "Retry",
    "RoundRobin",
    "Slots",
]
