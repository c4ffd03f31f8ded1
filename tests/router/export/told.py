"""What these tests set up alike: a vendor that leaves marks, both exporters, and what they tell in one form."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeAlias

import attrs
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ExponentialHistogramDataPoint,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from paceline.router import Call, Chunk, Emit, Endpoint, Limits, Policy, Request, Route, Router, Usage
from paceline.router.errors import CallError
from paceline.router.events import Event
from paceline.router.export import names
from paceline.router.export.otel import OpenTelemetry
from paceline.router.export.prometheus import Prometheus
from paceline.router.testing import Say, Script, Scripted, endpoint, run, virtual_clock

SEED = 7
UNIX_NS = 1_700_000_000_000_000_000
"""When on a calendar these tests begin."""

USAGE = Usage(input_tokens=100, output_tokens=3, cached_tokens=64, reasoning_tokens=0)
"""What a vendor bills."""

Labels: TypeAlias = frozenset[tuple[str, str]]


def labels(**given: object) -> Labels:
    """Labels in Prometheus' spelling; those that are None are not there."""
    return frozenset((key, str(value)) for key, value in given.items() if value is not None)


@attrs.frozen
class Spread:
    """A histogram: how many, their sum, and how many at or below each boundary but the last."""

    count: int
    total: float = attrs.field(eq=lambda total: round(total, 9))
    buckets: tuple[tuple[float, int], ...] = attrs.field(default=(), repr=False)


Value: TypeAlias = float | Spread
Point: TypeAlias = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint
Told: TypeAlias = dict[names.Metric, dict[Labels, Value]]


class Vendor(Scripted):
    """Follows scripts, and leaves marks on every attempt as an adapter would."""

    def __init__(self, *scripts: Script, name: str = "azure", **marks: object) -> None:
        super().__init__(*scripts, name=name)
        self._marks = marks

    async def __call__(self, call: Call, emit: Emit) -> None:
        for mark, value in self._marks.items():
            setattr(call.attempt, mark, value)
        await super().__call__(call, emit)


def speaks(ttft_s: float, *words: str, gap_s: float = 0.0, usage: Usage | None = None) -> Script:
    """A good answer, whose usage is as given and not made up; and first of all an event that says nothing."""
    ends_s = ttft_s + (len(words) - 1) * gap_s
    said = [Say(ttft_s + number * gap_s, Chunk(word)) for number, word in enumerate(words)]
    return (Say(ttft_s / 2, Chunk()), *said, Say(ends_s, Chunk(finish_reason="stop", usage=usage)))


class Exported:
    """A router with both exporters, in virtual time. Make it on a running loop."""

    def __init__(
        self,
        *endpoints: Endpoint,
        routes: Sequence[Route] = (),
        policies: Sequence[Policy] = (),
        most_series: int = 1000,
        tracers: TracerProvider | None = None,
    ) -> None:
        self.reader, self._spans = InMemoryMetricReader(), InMemorySpanExporter()
        self.tracers = tracers or TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.otel = OpenTelemetry(
            meter_provider=MeterProvider([self.reader]),
            tracer_provider=self.tracers,
            routes=routes,
            clock=virtual_clock,
            wall_ns=lambda: UNIX_NS,
            most_series=most_series,
        )
        self.prometheus = Prometheus(routes=routes, clock=virtual_clock, most_series=most_series)
        self.events: list[Event] = []
        self.router = Router(
            endpoints,
            routes,
            policies,
            clock=virtual_clock,
            dice=random.Random(SEED),
            listeners=[self.otel, self.prometheus, self.events.append],
        )
        self.otel.watch(self.router)
        self.prometheus.watch(self.router)

    def spans(self) -> Sequence[ReadableSpan]:
        """Spans that have ended, those of attempts before their call's."""
        return self._spans.get_finished_spans()

    def told(self) -> Told:
        """What OpenTelemetry tells; it is checked that Prometheus tells the same."""
        otel = told_by_otel(self.reader)
        assert told_by_prometheus(self.prometheus.text()) == otel
        return otel


def hello(**fields: object) -> Request:
    """A question to the model ``m`` of `endpoint`, unless *fields* say otherwise."""
    given: dict[str, object] = {"messages": "hello", "model": "m", **fields}
    return Request(**given)  # type: ignore[arg-type]


def client(**given: object) -> Labels:
    """The conventions' labels of an attempt at ``m`` of azure, without a url."""
    who: dict[str, object] = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "azure.ai.openai",
        "gen_ai_request_model": "m",
        "cloud_region": "here",
    }
    return labels(**{**who, **given})


def told_after(*scripts: Script, calls: int = 1, limits: Limits | None = None, **fields: object) -> Told:
    """What is told once a router of one endpoint has had *calls*, whatever became of them."""
    found: list[Told] = []

    async def main() -> None:
        a = endpoint("a", Vendor(*scripts), limits=limits or Limits())
        exported = Exported(a)
        async with exported.router as router:
            for _ in range(calls):
                try:
                    await router.complete(hello(**fields))
                except CallError:
                    continue
        found.append(exported.told())

    run(main)
    return found[0]


def one(metric: names.Metric, value: float, *further: float) -> Spread:
    """One value, in the metric's buckets and *further* ones."""
    bounds = sorted({*metric.boundaries, *further})
    return Spread(1, value, tuple((bound, int(value <= bound)) for bound in bounds))


def told_by_otel(reader: InMemoryMetricReader) -> Told:
    by_name = {metric.name: metric for metric in names.METRICS}
    told: Told = {}
    for metric in collected(reader):
        known = by_name[metric.name]
        assert (metric.unit, metric.description) == (known.unit, known.about)
        assert isinstance(metric.data, Histogram) == (known.kind is names.Kind.HISTOGRAM)
        told[known] = {_attributes(point): _value(point) for point in metric.data.data_points}
    return told


def collected(reader: InMemoryMetricReader) -> Sequence[Metric]:
    """What an SDK collects."""
    data = reader.get_metrics_data()
    if data is None:
        return []
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    return scope.metrics


def _attributes(point: Point) -> Labels:
    return frozenset((key.replace(".", "_"), str(value)) for key, value in (point.attributes or {}).items())


def _value(point: Point) -> Value:
    if isinstance(point, NumberDataPoint):
        return float(point.value)
    assert isinstance(point, HistogramDataPoint)
    below = [sum(point.bucket_counts[: place + 1]) for place in range(len(point.explicit_bounds))]
    return Spread(point.count, point.sum, tuple(zip(point.explicit_bounds, below, strict=True)))


def told_by_prometheus(text: str) -> Told:
    by_name = {metric.prometheus.removesuffix("_total"): metric for metric in names.METRICS}
    told: Told = {}
    for family in text_string_to_metric_families(text):
        known = by_name[family.name]
        assert (family.type, family.documentation) == (known.kind.value, known.about)
        page: dict[Labels, dict[str, float]] = {}
        for sample in family.samples:
            own = frozenset((key, value) for key, value in sample.labels.items() if value and key != "le")
            part = sample.labels.get("le", sample.name.removeprefix(family.name))
            page.setdefault(own, {})[part] = sample.value
        told[known] = {own: _whole(known, parts) for own, parts in page.items()}
    return told


def _whole(metric: names.Metric, parts: dict[str, float]) -> Value:
    if metric.kind is not names.Kind.HISTOGRAM:
        (value,) = parts.values()
        return value
    assert parts.pop("+Inf") == parts["_count"]
    count, total = int(parts.pop("_count")), parts.pop("_sum")
    return Spread(count, total, tuple(sorted((float(bound), int(below)) for bound, below in parts.items())))
