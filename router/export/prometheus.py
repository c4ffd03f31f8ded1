"""Prometheus metrics of one router.

    metrics = Prometheus(routes=routes)
    router = Router(endpoints, routes, stack, listeners=[metrics])
    metrics.watch(router)
    ...
    Response(text=metrics.text(), headers={"Content-Type": metrics.content_type})

What a call adds is added to plain numbers here (0.1 us, where the library's own histograms take 0.6), and the library
puts them into words when somebody asks. Each has a registry of its own, never the global one, so two routers in one
process never meet. To have them on one page, register them with one registry, and name the routers apart there.

Needs the extra ``prometheus``.
"""

from __future__ import annotations

import time
from itertools import accumulate
from typing import TYPE_CHECKING

try:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.exposition import CONTENT_TYPE_LATEST
except ImportError as missing:
    raise ImportError(
        "paceline.router.export.prometheus needs prometheus-client: pip install 'paceline[prometheus]'"
    ) from missing

from .. import check
from ..route import Route
from . import names
from .book import MOST_SERIES, Book
from .cells import Buckets, Total
from .gauges import Watch
from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric as Family

    from ..clock import Clock
    from ..events import Event
    from ..router import Router
    from .gauges import Reading
    from .labels import Labels


class Prometheus:
    """A listener that counts, and a collector that tells.

    routes: the router's, for a bucket boundary at each objective. Default: none.
    clock: the router's, seconds. Default `time.monotonic`, as there.
    most_series: label sets of one metric, at least 1; what comes after them is counted as ``other``. Default 1,000.

    Raises:
        ConfigurationError: with what to mend.
    """

    def __init__(
        self, *, routes: Sequence[Route] = (), clock: Clock = time.monotonic, most_series: int = MOST_SERIES
    ) -> None:
        check.every(Route, routes, "Prometheus: routes")
        self._boundaries = {metric: names.boundaries(metric, routes) for metric in names.METRICS}
        self._book = Book(self._cell, most_series)
        self._recorder = Recorder(self._book)
        self._watch = Watch(clock, most_series)
        self.registry = CollectorRegistry()
        """Only of this router. For the library's own servers and encoders."""
        self.registry.register(self)

    def __call__(self, event: Event) -> None:
        """Count one event."""
        self._watch.seen()
        self._recorder(event)

    def watch(self, router: Router) -> None:
        """Tell the gauges of *router* from now on, and of no other."""
        self._watch.over(router.fleet)

    def text(self) -> str:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry).decode()

    @property
    def content_type(self) -> str:
        """What to serve `text` as."""
        return CONTENT_TYPE_LATEST

    def collect(self) -> Iterable[Family]:
        """All metrics that have something to say. For the library; any thread may ask."""
        for metric in names.METRICS:
            if metric.kind is not names.Kind.GAUGE:
                yield from self._told(metric)
        yield from _gauges(self._watch.readings())

    def _cell(self, metric: names.Metric, labels: Labels) -> Total | Buckets:
        del labels
        return Total() if metric.kind is names.Kind.COUNTER else Buckets(self._boundaries[metric])

    def _told(self, metric: names.Metric) -> Iterable[Family]:
        """One counter or histogram, if anything was added to it."""
        labels = [names.label_in_prometheus(label) for label in metric.labels]
        counter = CounterMetricFamily(metric.prometheus, metric.about, labels=labels)
        histogram = HistogramMetricFamily(metric.prometheus, metric.about, labels=labels)
        for values, cell in self._book.page(metric):
            if isinstance(cell, Total):
                if cell.value:
                    counter.add_metric(_texts(values), cell.value)
            else:
                counts = list(cell.counts)
                if any(counts):
                    histogram.add_metric(_texts(values), self._buckets(metric, counts), cell.total)
        return [family for family in (counter, histogram) if family.samples]

    def _buckets(self, metric: names.Metric, counts: Sequence[int]) -> list[tuple[str, float]]:
        """Counts at or below each boundary, as Prometheus has them."""
        bounds = [*map(str, self._boundaries[metric]), "+Inf"]
        return list(zip(bounds, accumulate(counts), strict=True))


def _gauges(readings: Iterable[Reading]) -> Iterable[Family]:
    families: dict[names.Metric, GaugeMetricFamily] = {}
    for reading in readings:
        metric = reading.metric
        family = families.get(metric)
        if family is None:
            labels = [names.label_in_prometheus(label) for label in metric.labels]
            family = families[metric] = GaugeMetricFamily(metric.prometheus, metric.about, labels=labels)
        family.add_metric(_texts(reading.labels), reading.value)
    return families.values()


def _texts(labels: Labels) -> list[str]:
    """Values as Prometheus has them: an empty label is none."""
    return ["" if label is None else str(label) for label in labels]
