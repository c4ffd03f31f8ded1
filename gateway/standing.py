"""Whether calls go to an endpoint now, in a word, and why: what report, dashboard and terminal say alike."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..router import Target

WHOLE = 1.0 - 1e-9
"""A weight above it is all of its part."""


class State(enum.StrEnum):
    """Whether calls go to an endpoint."""

    IN = "in"
    EASING_IN = "easing in"
    """Back from being out, with less than its full part."""
    PAUSED = "paused"
    """It asked to be left alone, and is."""
    OUT = "out"
    DUE = "due"
    """Out, and the next call tries whether it is well again."""
    ON_TRIAL = "on trial"
    """Out, and a call is trying that."""


def state_of(target: Target, now_s: float) -> tuple[State, str | None, float | None]:
    """Whether calls go there; if not simply so, why, and the seconds until it may be tried."""
    health = target.health
    ejection = None if health is None else health.ejection
    if health is not None and ejection is not None and not (ejection.pause and now_s >= ejection.until_s):
        back_s = max(0.0, ejection.until_s - now_s)
        if health.probe is not None:
            return State.ON_TRIAL, ejection.why, back_s
        if ejection.pause:
            return State.PAUSED, ejection.why, back_s
        return State.OUT if back_s else State.DUE, ejection.why, back_s
    paused_s = target.opens_at_s(now_s) - now_s
    if paused_s > 0.0:
        return State.PAUSED, "it asks to be left alone", paused_s
    weight = target.weight(now_s)
    return (State.IN, None, None) if weight > WHOLE else (State.EASING_IN, f"given {weight:.0%} of its part", None)
