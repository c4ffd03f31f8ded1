"""Decisions about calls, one policy a file. Each is ``async (call, emit, next) -> None`` and knows the router only.

The order that works, from the caller inwards: `Fallback`, `Retry`, `Regions`, `Breaker`, `LatencyBudget`, `Slots`.
Every one may be left out.
"""

from .breaker import Breaker
from .fallback import Fallback
from .latency_budget import LatencyBudget, Otherwise, Prefer
from .regions import Regions
from .retry import Retry
from .round_robin import RoundRobin
from .slots import Slots

__all__ = ["Breaker", "Fallback", "LatencyBudget", "Otherwise", "Prefer", "Regions", "Retry", "RoundRobin", "Slots"]
