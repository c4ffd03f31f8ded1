"""OpenTelemetry metrics and spans of one router.

    otel = OpenTelemetry(meter_provider=meters, tracer_provider=traces, routes=routes)
    router = Router(endpoints, routes, stack, listeners=[otel])
    otel.watch(router)

The providers are the program's: it chooses the SDK, what is sampled, where it goes and how often. Histograms come with
bucket boundaries; a program that would rather have exponential ones says so in a view.

Counters and gauges are read when a provider collects, and values of histograms are handed over then (`aside`), so a
call costs a few microseconds whatever the SDK takes. Spans are drawn as a call ends (`spans`).

Needs the extra ``otel``, and an SDK for anything to come of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

try:
    from opentelemetry import metrics, trace
except ImportError as missing:
    raise ImportError("paceline.router.export.otel needs opentelemetry-api: pip install 'paceline[otel]'") from missing

from .. import check
from ..events import CallEnded
from ..route import Route
from . import names
from .aside import NOBODY, Aside, AsideSeries
from .book import MOST_SERIES, Book
from .cells import Total
from .gauges import Watch
from .recorder import Recorder
from .spans import Spans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.metrics import CallbackOptions, Histogram, MeterProvider, Observation
    from opentelemetry.trace import TracerProvider

    from ..clock import Clock
    from ..events import Event
    from ..router import Router
    from .gauges import Reading
    from .labels import Labels

    Callback: TypeAlias = Callable[[CallbackOptions], list[Observation]]

FIRST = next(metric for metric in names.METRICS if metric.kind is not names.Kind.HISTOGRAM)
"""A collection asks instruments in the order they were made in, and this is the first that is asked."""


class OpenTelemetry:
    """A listener that counts, and draws spans.

    meter_provider, tracer_provider: the program's. Default: the global ones. OpenTelemetry's own ``NoOpTracerProvider``
        stands for none.
    routes: the router's, for a bucket boundary at each objective. Default: none.
    clock: the router's, seconds. Default `time.monotonic`, as there.
    wall_ns: Unix time in nanoseconds, asked once, to tell when on a calendar the clock's seconds were. Default
        `time.time_ns`.
    most_series: label sets of one metric, at least 1; what comes after them is counted as ``other``. Default 1,000.

    Raises:
        ConfigurationError: with what to mend.
    """

    def __init__(
        self,
        *,
        meter_provider: MeterProvider | None = None,
        tracer_provider: TracerProvider | None = None,
        routes: Sequence[Route] = (),
        clock: Clock = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
        most_series: int = MOST_SERIES,
    ) -> None:
        check.every(Route, routes, "OpenTelemetry: routes")
        self._aside = Aside()
        self._histograms: dict[names.Metric, Histogram] = {}
        self._book = Book(self._series, most_series)
        self._recorder = Recorder(self._book)
        self._watch = Watch(clock, most_series)
        self._readings: Sequence[Reading] = ()
        tracer = (tracer_provider or trace.get_tracer_provider()).get_tracer(names.SCOPE)
        self._spans = Spans(tracer, self._recorder.endpoint, wall_ns() - round(clock() * 1e9))
        self._register((meter_provider or metrics.get_meter_provider()).get_meter(names.SCOPE), routes)

    def __call__(self, event: Event) -> None:
        """Count one event; draw the spans of a call that has ended."""
        self._watch.seen()
        self._aside.here()
        self._recorder(event)
        if isinstance(event, CallEnded):
            self._spans.draw(event)

    def watch(self, router: Router) -> None:
        """Tell the gauges of *router* from now on, and of no other."""
        self._watch.over(router.fleet)

    def _register(self, meter: metrics.Meter, routes: Sequence[Route]) -> None:
        for metric in names.METRICS:
            if metric.kind is names.Kind.HISTOGRAM:
                self._histograms[metric] = meter.create_histogram(
                    metric.name,
                    unit=metric.unit,
                    description=metric.about,
                    explicit_bucket_boundaries_advisory=names.boundaries(metric, routes),
                )
            elif metric.kind is names.Kind.COUNTER:
                meter.create_observable_counter(
                    metric.name, [self._observer(metric, self._counted)], unit=metric.unit, description=metric.about
                )
            else:
                meter.create_observable_gauge(
                    metric.name, [self._observer(metric, self._read)], unit=metric.unit, description=metric.about
                )

    def _series(self, metric: names.Metric, labels: Labels) -> AsideSeries | Total:
        if metric.kind is names.Kind.COUNTER:
            return Total()
        return AsideSeries(self._aside, self._histograms[metric], _attributes(metric, labels))

    # -- a collection

    def _observer(self, metric: names.Metric, observations: Callable[[names.Metric], list[Observation]]) -> Callback:
        def observe(_options: CallbackOptions) -> list[Observation]:
            if metric is FIRST:
                self._begin()
            return observations(metric)

        return observe

    def _begin(self) -> None:
        """What serves all instruments is done when the first of them is asked."""
        self._aside.hand_over()
        self._readings = self._watch.readings()

    def _counted(self, metric: names.Metric) -> list[Observation]:
        return [
            metrics.Observation(series.value, _attributes(metric, labels), NOBODY)
            for labels, series in self._book.page(metric)
            if isinstance(series, Total) and series.value
        ]

    def _read(self, metric: names.Metric) -> list[Observation]:
        return [
            metrics.Observation(reading.value, _attributes(metric, reading.labels), NOBODY)
            for reading in self._readings
            if reading.metric is metric
        ]


def _attributes(metric: names.Metric, labels: Labels) -> dict[str, str | int]:
    return {label: value for label, value in zip(metric.labels, labels, strict=True) if value is not None}
