"""The gateway's own figures, beside the router's: what it answered with, who left, and what it took of the time."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

BOUNDS_S = (0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0)


class Tally:
    """Plain counters; Prometheus' words are put to them when somebody asks.

    calls: by path, outcome and HTTP status; 0 where none was sent. in_flight: calls now.
    """

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, int]] = Counter()
        self.in_flight = 0
        self._own = [0] * (len(BOUNDS_S) + 1)
        self._own_s = 0.0

    def ended(self, api: str, outcome: str, status: int | None, own_s: float | None) -> None:
        """A call is over. own_s: seconds that were the gateway's; None where no router was asked."""
        self.calls[api, outcome, status or 0] += 1
        if own_s is not None:
            self._own[bisect_left(BOUNDS_S, own_s)] += 1
            self._own_s += own_s

    def collect(self) -> Iterable[Metric]:
        """For Prometheus' library; any thread may ask."""
        from prometheus_client.core import (  # noqa: PLC0415  an extra: only who asks for metrics needs it
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        calls = CounterMetricFamily(
            "paceline_gateway_calls",
            "Calls of clients, by path, how they ended, and the HTTP status they were told",
            labels=["api", "outcome", "status"],
        )
        for (api, outcome, status), count in list(self.calls.items()):
            calls.add_metric([api, outcome, str(status) if status else ""], count)
        yield calls
        yield GaugeMetricFamily("paceline_gateway_calls_in_flight", "Calls of clients now", value=self.in_flight)
        own = HistogramMetricFamily(
            "paceline_gateway_own_seconds", "Seconds of each call that were the gateway's own work"
        )
        bounds = [*map(str, BOUNDS_S), "+Inf"]
        own.add_metric([], list(zip(bounds, accumulate(self._own), strict=True)), self._own_s)
        yield own
