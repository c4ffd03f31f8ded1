"""How much slower an endpoint has been of late than its distributions say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from .by_load import ByLoad
    from .by_size import BySize
    from .level import Sample
    from .recent import Recent
    from .under_way import UnderWay

SUSPICIOUS = 0.95
"""A silence is news once it outlasts this quantile of the endpoint's own first-token times."""

AS_EVER = (0.6, 1.6)
"""A level of the last few calls within these multiples of the median is noise: the median of five samples whose log
has an sd of 0.25 strays by 15 %, and prompts of one class differ besides."""


class Lately:
    """What the last few calls of an endpoint say as of one instant, whatever the size of the next one.

    known: whether an answer of it was seen within the window.
    stretch: how many times slower to start than its distribution says it has been; 1.0 if as ever.
    failing: share of its last calls that failed, 0..1.
    """

    __slots__ = ("_drag", "_now_s", "_recent", "_tpot", "_under_way", "failing", "known", "stretch")

    def __init__(
        self, ttft: BySize, tpot: ByLoad, recent: Recent, under_way: UnderWay, now_s: float, *, known: bool
    ) -> None:
        self.known = known
        self.stretch = of_first_tokens(ttft, recent, now_s)
        self.failing = recent.failing(now_s)
        self._tpot, self._recent, self._under_way, self._now_s = tpot, recent, under_way, now_s
        self._drag: float | None = None

    @property
    def drag(self) -> float:
        """The same of its time per token: looked up when somebody asks for whole answers."""
        if self._drag is None:
            self._drag = of_tokens(self._tpot, self._recent, self._now_s, self._under_way.samples())
        return self._drag


def of_first_tokens(ttft: BySize, recent: Recent, now_s: float) -> float:
    """Times slower to the first token, by the last few calls and by a silence that goes on; 1.0 if as ever."""

    def usual_s(size: int) -> float | None:
        return ttft.of(size).quantile(0.5, now_s)

    slower = recent.ttft.slowness(usual_s, now_s)
    silence = recent.silence(now_s)
    if silence is not None:
        silence_s, size = silence
        if silence_s > (ttft.of(size).quantile(SUSPICIOUS, now_s) or math.inf):
            slower = max(slower, silence_s / (usual_s(size) or math.inf))
    return _unless_noise(slower)


def of_tokens(tpot: ByLoad, recent: Recent, now_s: float, under_way: Collection[Sample] = ()) -> float:
    """Times slower per token than their loads explain, by the last few answers and those under way; 1.0 if as ever."""

    def usual_s(in_flight: int) -> float | None:
        return tpot.at(in_flight).quantile(0.5, now_s)

    return _unless_noise(recent.tpot.slowness(usual_s, now_s, under_way))


def _unless_noise(slower: float) -> float:
    return 1.0 if AS_EVER[0] < slower < AS_EVER[1] else slower
