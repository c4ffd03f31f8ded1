"""Values put aside within a call, and handed over when OpenTelemetry collects: none is lost, and none is late."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from opentelemetry.sdk import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ExponentialHistogramDataPoint,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracerProvider, format_trace_id

from paceline.router import Router
from paceline.router.export import aside, names
from paceline.router.export.aside import Aside, AsideSeries
from paceline.router.export.otel import OpenTelemetry
from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock

from .told import Exported, Spread, Vendor, collected, hello


class Put:
    """One series of a real SDK, and its reader."""

    def __init__(self, pause: Callable[[float], object] = lambda _seconds: None) -> None:
        self.reader = InMemoryMetricReader()
        histogram = MeterProvider([self.reader]).get_meter("test").create_histogram("h")
        self.aside = Aside(pause)
        self.series = AsideSeries(self.aside, histogram, {"a": "b"})

    @property
    def point(self) -> HistogramDataPoint | None:
        for metric in collected(self.reader):
            assert isinstance(metric.data, Histogram)
            return metric.data.data_points[0]
        return None


def test_nothing_is_handed_over_until_it_is_asked_for() -> None:
    put = Put()

    put.series.add(2.0)
    put.series.add(3.0)
    before = put.point
    put.aside.hand_over()
    put.aside.hand_over()

    after = put.point
    assert before is None
    assert after is not None
    assert (after.count, after.sum, after.attributes) == (2, 5.0, {"a": "b"})


def test_when_too_many_wait_they_are_handed_over_at_once_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "MOST_WAITING", 3)
    put = Put()

    for _ in range(10):
        put.series.add(1.0)

    point = put.point
    assert point is not None
    assert point.count == 7
    put.aside.hand_over()
    assert put.point is not None
    assert put.point.count == 10


def test_two_threads_that_collect_hand_each_value_over_once() -> None:
    put = Put()
    for _ in range(2000):
        put.series.add(1.0)

    threads = [threading.Thread(target=put.aside.hand_over) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert put.point is not None
    assert put.point.count == 2000


def test_values_that_others_took_first_are_no_error() -> None:
    def others(_seconds: float) -> None:
        put.aside._waiting.clear()

    put = Put(others)
    for _ in range(2 * aside.PORTION):
        put.series.add(1.0)

    put.aside.hand_over()

    assert put.point is not None
    assert put.point.count == aside.PORTION


def test_values_recorded_while_they_are_handed_over_wait_for_the_next_time() -> None:
    def a_call(seconds: float) -> None:
        assert 0.0 < seconds < 0.001
        put.series.add(1.0)

    put = Put(a_call)
    for _ in range(aside.PORTION):
        put.series.add(1.0)

    put.aside.hand_over()

    assert put.point is not None
    assert put.point.count == aside.PORTION
    assert len(put.aside._waiting) == 1


@pytest.mark.parametrize("collections", [1, 2])
def test_each_collection_has_every_value_there_was(collections: int) -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25))))
        async with exported.router as router:
            for number in range(1, collections + 1):
                await router.complete(hello())
                (spread,) = exported.told()[names.ROUTE_DURATION].values()
                assert isinstance(spread, Spread)
                assert spread.count == number

    run(main)


def test_a_program_that_prefers_exponential_histograms_has_them() -> None:
    reader = InMemoryMetricReader(preferred_aggregation={metrics.Histogram: ExponentialBucketHistogramAggregation()})

    async def main() -> None:
        otel = OpenTelemetry(meter_provider=MeterProvider([reader]), clock=virtual_clock)
        async with Router([endpoint("a", Scripted(answers(0.25)))], clock=virtual_clock, listeners=[otel]) as router:
            await router.complete(hello())

    run(main)

    (duration,) = [metric for metric in collected(reader) if metric.name == "paceline.route.duration"]
    (point,) = duration.data.data_points
    assert isinstance(point, ExponentialHistogramDataPoint)
    assert (point.count, point.sum) == (1, 0.25)


def exemplars(reader: InMemoryMetricReader) -> set[str]:
    """Traces that stand for values of histograms."""
    return {
        format_trace_id(exemplar.trace_id or 0)
        for metric in collected(reader)
        for point in metric.data.data_points
        for exemplar in point.exemplars
    }


def test_a_value_is_exemplified_by_the_trace_of_its_caller_whoever_collects() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25))))
        tracer = exported.tracers.get_tracer("test")
        async with exported.router as router:
            with tracer.start_as_current_span("caller") as caller:
                await router.complete(hello())
            await router.complete(hello())
            with tracer.start_as_current_span("somebody who collects"):
                told = exemplars(exported.reader)

        assert told == {format_trace_id(caller.get_span_context().trace_id)}

    run(main)


@pytest.mark.parametrize("tracers", [NoOpTracerProvider(), TracerProvider(sampler=ALWAYS_OFF)])
def test_without_a_sampled_trace_there_is_no_exemplar(tracers: TracerProvider) -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25))))
        async with exported.router as router:
            with tracers.get_tracer("test").start_as_current_span("caller"):
                await router.complete(hello())

        assert exemplars(exported.reader) == set()

    run(main)
