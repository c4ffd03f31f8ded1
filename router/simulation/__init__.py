"""Traffic and endpoints that exist in this process only: what a policy, a stack or a fleet is tried out on.

Endpoints behave as they are told (`Behaviour`), are worse for a while (`Incident`), and are called by a load that has a
shape (`load`). `Simulated` is a provider like any other, for whoever has no key. All of it sleeps on the event loop's
clock, so in virtual time an hour takes seconds: `paceline.router.testing` has that, and plays a load through a router.
"""

from .arrivals import Arrival, arrivals, poisson
from .behaviour import Behaviour, Incident
from .load import Daily, FlashCrowd, Load, Replay, Steady, Steps
from .simulated import OUTPUT_TOKENS, Simulated

__all__ = [
    "OUTPUT_TOKENS",
    "Arrival",
    "Behaviour",
    "Daily",
    "FlashCrowd",
    "Incident",
    "Load",
    "Replay",
    "Simulated",
    "Steady",
    "Steps",
    "arrivals",
    "poisson",
]
