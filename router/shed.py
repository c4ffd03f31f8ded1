"""Why a call was sent away before anything was sent."""

from __future__ import annotations

import enum


class Shed(enum.StrEnum):
    """The rule by which a call was sent away."""

    QUEUE_FULL = "queue_full"
    """As many wait as may wait, and none of them is less urgent."""
    NO_TIME = "no_time"
    """A slot is expected later than the call can wait, so it was not made to wait for nothing."""
    IN_VAIN = "in_vain"
    """It waited as long as it could."""
    PUSHED_OUT = "pushed_out"
    """It waited, and a more urgent call took its place in a full queue."""
    THROTTLED = "throttled"
    """More is asked than is accepted of late, and it was not urgent enough to be sent."""
