"""Exporters as listeners: a fault of theirs never reaches a call, and who does not use them needs neither library."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult

from paceline.router import Event, Router
from paceline.router.errors import ConfigurationError
from paceline.router.export import names
from paceline.router.export.otel import OpenTelemetry
from paceline.router.export.prometheus import Prometheus
from paceline.router.testing import Scripted, answers, endpoint, run

from .told import Exported, Vendor, hello, told_by_otel

if TYPE_CHECKING:
    from opentelemetry.context import Context


class BrokenSampler(Sampler):
    """An SDK with a bug."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        *args: object,
        **kwargs: object,
    ) -> SamplingResult:
        raise RuntimeError("a bug in a sampler")

    def get_description(self) -> str:
        return "broken"


def test_a_fault_of_an_exporter_never_reaches_a_call(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25, "a"))), tracers=TracerProvider(sampler=BrokenSampler()))
        async with exported.router as router:
            texts = [(await router.complete(hello())).text for _ in range(2)]

        assert texts == ["a", "a"]
        assert names.CALLS in exported.told(), "what was counted before the fault stays counted"

    with caplog.at_level(logging.ERROR, "paceline"):
        run(main)
    assert [record.getMessage() for record in caplog.records] == [
        "a listener failed on CallEnded; calls go on without it"
    ]


def test_events_of_other_kinds_are_passed_over() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor()))
        before = exported.told()

        exported.otel(Event(at_s=0.0))
        exported.prometheus(Event(at_s=0.0))

        assert exported.told() == before

    run(main)


@pytest.mark.parametrize("exporter", [Prometheus, OpenTelemetry])
def test_routes_that_are_no_routes_are_refused_when_built(exporter: type[Prometheus | OpenTelemetry]) -> None:
    with pytest.raises(ConfigurationError, match="routes must hold Route only, not str"):
        exporter(routes=["chat"])  # type: ignore[list-item]


@pytest.mark.parametrize("exporter", [Prometheus, OpenTelemetry])
def test_a_cap_that_is_none_is_refused_when_built(exporter: type[Prometheus | OpenTelemetry]) -> None:
    with pytest.raises(ConfigurationError, match="most_series must be a whole number of at least 1, not 0"):
        exporter(most_series=0)


def test_by_default_the_providers_are_the_global_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    meters = MeterProvider([reader])
    monkeypatch.setattr("opentelemetry.metrics.get_meter_provider", lambda: meters)
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: tracers)

    async def main() -> None:
        otel = OpenTelemetry()
        async with Router([endpoint("a", Scripted())], listeners=[otel]) as router:
            otel.watch(router)
            await router.complete(hello())

    before_ns = time.time_ns()
    asyncio.run(main())

    assert {names.CALLS, names.ROUTE_DURATION, names.SLOT_INFLIGHT} <= told_by_otel(reader).keys()
    for span in spans.get_finished_spans():
        assert span.start_time is not None
        assert before_ns - 1_000_000 <= span.start_time <= time.time_ns()


def test_prometheus_text_says_how_it_is_to_be_served() -> None:
    metrics = Prometheus()

    assert metrics.content_type.startswith("text/plain; version=")
    assert metrics.text() == ""


PROGRAM = """
import sys
for blocked in {blocked!r}:
    sys.modules[blocked] = None
import {module}
print(sorted(name for name in sys.modules if name.startswith(("opentelemetry", "prometheus_client"))))
"""


def imported(module: str, blocked: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(blocked=list(blocked), module=module)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.parametrize("module", ["paceline.router", "paceline.router.export", "paceline.policies"])
def test_who_does_not_export_imports_neither_library(module: str) -> None:
    done = imported(module)

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.parametrize(
    ("extra", "library", "needed"),
    [("otel", "opentelemetry", "opentelemetry-api"), ("prometheus", "prometheus_client", "prometheus-client")],
)
def test_a_library_that_is_missing_is_told_with_the_extra_that_brings_it(extra: str, library: str, needed: str) -> None:
    done = imported(f"paceline.router.export.{extra}", [library])

    assert done.returncode == 1
    assert f"ImportError: paceline.router.export.{extra} needs {needed}: pip install 'paceline[{extra}]'" in done.stderr
