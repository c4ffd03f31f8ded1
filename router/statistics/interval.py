"""What was recorded in one stretch of time: how a window leaves its process, and how it enters another.

Clocks of two processes have nothing in common, so an interval is told by its age, not by its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from .hdr import Histogram


@attrs.frozen(kw_only=True)
class Interval:
    """Latencies of one stretch of time.

    age_s: seconds since it ended, at least 0.0. length_s: seconds it lasted, above 0.
    events: latencies seen to their end. censored: those cut off, known only to be longer; None if there were none.
    """

    age_s: float
    length_s: float
    events: Histogram
    censored: Histogram | None = None


@attrs.frozen
class Series:
    """Which of an endpoint's distributions it is.

    metric: ``ttft``, ``total``, ``tpot``, ``gap``, ``slot_wait`` or ``network``.
    size: class of prompt sizes it is limited to (`size_class`); None: all.
    """

    metric: str
    size: int | None = None
