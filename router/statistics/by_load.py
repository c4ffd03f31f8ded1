"""A latency that depends on how busy the endpoint is: its time per token.

A server shares its cores among the calls it has at once, so each is slower the more there are. What a call will meet is
known when it is sent, as far as the load is our own; so the time per token is told for that load (`Relative`). Where
the load is other people's the line is flat, and nothing is lost.

Told without the load, it would be right on average and wrong together with the time to first token: both are long when
it is busy, and a chance for their sum that takes them for independent would promise too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .latency import Latency
from .memory import Memory
from .relative import Relative
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .hdr import Scale
    from .interval import Interval
    from .latency import Belief, Samples
    from .window import WindowShape


class ByLoad:
    """One metric of one endpoint, in seconds, by calls in flight.

    overall: at all loads, leaning on what is believed of the endpoint.
    """

    __slots__ = ("_relative", "overall")

    def __init__(self, scale: Scale, shape: WindowShape, believed: Belief | None) -> None:
        self.overall = Latency(Window(scale, shape), believed)
        self._relative = Relative(shape, believed)

    def merge(self, intervals: Sequence[Interval], now_s: float) -> None:
        """Add what was recorded before, or in another process. What is too old for the window is believed.

        It does not tell the loads: where nothing is known of any, it holds for all of them.
        """
        if self._relative.ratios.is_empty(now_s):
            self._relative.merge({1.0: intervals}, now_s)
        remembered = Memory.of(self.overall.measured.merge(intervals, now_s))
        if remembered is not None:
            self.overall.believe(remembered)
            self._relative.believe(remembered)

    def at(self, in_flight: int) -> Latency[Samples]:
        """The latency of a call that is one of so many, at least 1."""
        return self._relative.at(in_flight)

    def record(self, value_s: float, in_flight: int, now_s: float) -> None:
        """Add a latency of a call that was one of so many when it was sent, at least 1. Constant time."""
        self.overall.measured.record(value_s, now_s)
        self._relative.record(value_s, in_flight, now_s)
