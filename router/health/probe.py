"""Leave for one call to try an endpoint that is out.

It is held as a ``with`` block around that call, so it is given back however the call ends, and nobody is left waiting
for a verdict that never comes. Once the verdict is in, the leave is void: giving it back then changes nothing, even if
another call holds a new one by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from .health import Health


class Probe:
    """The leave to try one endpoint.

    since_s: when it was given; what is sent from then on counts as the trial.
    """

    __slots__ = ("_health", "since_s")

    def __init__(self, health: Health, since_s: float) -> None:
        self._health = health
        self.since_s = since_s

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._health.probe is self:
            self._health.probe = None
