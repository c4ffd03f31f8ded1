"""Time and chance, the two things that come from outside and are therefore injected.

Time is float seconds on one monotonic clock. Chance is a `random.Random`. A test hands in a virtual clock and seeded
dice, and every run is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
