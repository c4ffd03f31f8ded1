"""Values put aside within a call, and handed to OpenTelemetry when it collects.

Its SDK takes about 6 us for one value under eight labels, and a call has a dozen of them: more than all of routing. So
a call only puts them aside (0.2 us each), and the thread that collects hands them over, before it reads what there
is: each collection has every value there was. It pauses between portions, so that calls never wait for it long.

Should too many be waiting, the next are handed over at once, at the SDK's price; none is lost. There is room for those
of some 6,000 calls, which is 100 calls a second where one collects every minute, and 600 every ten seconds.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, get_current_span, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.metrics import Histogram

    Attributes: TypeAlias = Mapping[str, str | int]

MOST_WAITING = 65_536
"""Values that may wait: about 6 MB."""

PORTION = 128
"""Values handed over at a stretch: under a millisecond."""

PAUSE_S = 0.0001
"""Seconds between two portions: for the calls' thread to take over, which it does not if it is only asked to."""

NOBODY = set_span_in_context(INVALID_SPAN, Context())
"""The context of a value recorded in no trace; without one the SDK would take the collecting thread's own."""


class Aside:
    """What waits to be handed over.

    pause: waits so many seconds, between portions.
    """

    def __init__(self, pause: Callable[[float], object] = time.sleep) -> None:
        self._pause = pause
        self._waiting: deque[tuple[AsideSeries, float, SpanContext | None]] = deque()
        self._span: SpanContext | None = None

    def here(self) -> None:
        """What follows belongs to the running call: its caller's span, if sampled, is told as the values' exemplar."""
        span = get_current_span().get_span_context()
        self._span = span if span.trace_flags.sampled else None

    def put(self, series: AsideSeries, value: float) -> None:
        """Put one value aside; hand it over at once if there are too many."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((series, value, self._span))
        else:
            series.record(value, self._span)

    def hand_over(self) -> None:
        """Hand over all that waits now. For any thread."""
        for number in range(1, len(self._waiting) + 1):
            try:
                series, value, span = self._waiting.popleft()
            except IndexError:  # another thread collects, too
                return
            series.record(value, span)
            if number % PORTION == 0:
                self._pause(PAUSE_S)


class AsideSeries:
    """A histogram of OpenTelemetry's under one set of attributes."""

    __slots__ = ("_aside", "_attributes", "_histogram")

    def __init__(self, aside: Aside, histogram: Histogram, attributes: Attributes) -> None:
        self._aside = aside
        self._histogram = histogram
        self._attributes = attributes

    def add(self, value: float) -> None:
        """Put *value* aside."""
        self._aside.put(self, value)

    def record(self, value: float, span: SpanContext | None) -> None:
        """Hand *value* over."""
        context = NOBODY if span is None else set_span_in_context(NonRecordingSpan(span), NOBODY)
        self._histogram.record(value, self._attributes, context)
