"""A region fails, in part or as a whole, and comes back.

Published (Envoy's documentation of locality weights and priority levels): with weights 1 : 2 and 100, 70, 50, 25 and
0 % of X healthy, X gets 33, 33, 26, 15 and 0 % of the traffic; of two priorities, healthy shares of 50 and 100 % give
70 : 30, those of 25 and 25 % give 50 : 50, and those of 5 and 65 % give 7 : 93.

Three controls show what happens otherwise. Without spill-over every call that meets an ill endpoint is an error. A
failover of all or nothing sends everybody back to a dead region each time it seems to be alive. Without hysteresis the
traffic flaps where 1.4 times the healthy share is just 1.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean

import pytest

from paceline.policies import LatencyBudget, Regions, Retry, Slots
from paceline.router import Policy

from .outage import AllOrNothing, NoHysteresis, NoSpillOver, Seen, play, region_of

SEEDS = range(5)
POINT = 0.01

# -- shares of a partial outage

SIZE = 20
STEP_S = 3.0
SETTLED_S = 1.0
"""Seconds after a step in which the failures are found out."""


def stepping(steps: list[tuple[float, float]]) -> list[list[Seen]]:
    raise NotImplementedError
