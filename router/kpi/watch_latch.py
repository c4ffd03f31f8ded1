"""One incident, one alarm: what is raised stays raised until all has been calm for a while.

Raising and calming have limits of their own, the second well inside the first, as a Schmitt trigger has them, so that
what hovers at the edge is raised once. And an incident that comes and goes is over only when it has stayed away.
"""

from __future__ import annotations

CALM_S = 900.0
"""Seconds of unbroken calm after which an incident is over: as long as "of late" reaches back, so that nothing of the
incident is learned as the usual."""

ACCEPTED_AFTER_S = 86_400.0
"""What has lasted a day is learned as the usual. Until then nothing is learned while an alarm is raised."""


class Latch:
    """Whether an alarm is raised. Seconds are on the router's clock."""

    __slots__ = ("_calm_since_s", "_raised_at_s")

    def __init__(self) -> None:
        self._raised_at_s: float | None = None
        self._calm_since_s: float | None = None

    @property
    def is_raised(self) -> bool:
        """Whether there is an incident."""
        return self._raised_at_s is not None

    def learns(self, now_s: float) -> bool:
        """Whether what is seen now may be learned as the usual."""
        return self._raised_at_s is None or now_s - self._raised_at_s >= ACCEPTED_AFTER_S

    def set(self, now_s: float) -> None:
        """Raise it."""
        self._raised_at_s, self._calm_since_s = now_s, None

    def release(self, now_s: float, *, calm: bool) -> float | None:
        """Take note of a raised one's calm; gives when it was raised, once it has been calm for long enough."""
        if not calm:
            self._calm_since_s = None
        elif self._calm_since_s is None:
            self._calm_since_s = now_s
        elif now_s - self._calm_since_s >= CALM_S:
            raised_at_s, self._raised_at_s = self._raised_at_s, None
            return raised_at_s
        return None
