"""How much slower an endpoint has been of late than its distributions say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .by_load import ByLoad
    from .by_size import BySize
    from .recent import Recent

SUSPICIOUS = 0.95
"""A silence is news once it outlasts this quantile of the endpoint's own first-token times."""

AS_EVER = (0.6, 1.6)
"""A level of the last few calls within these multiples of the median is noise: the median of five samples whose log
has an sd of 0.25 strays by 15 %, and prompts of one class differ besides."""


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


def of_tokens(tpot: ByLoad, recent: Recent, now_s: float) -> float:
    """Times slower per token than their loads explain, by the last few answers; 1.0 if as ever."""
    return _unless_noise(recent.tpot.slowness(lambda in_flight: tpot.at(in_flight).quantile(0.5, now_s), now_s))


def _unless_noise(slower: float) -> float:
    return 1.0 if AS_EVER[0] < slower < AS_EVER[1] else slower
