"""Gauges: read from the fleet when somebody collects, on the thread that calls run on."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from paceline.policies import Slots
from paceline.router import Router
from paceline.router.errors import ProviderError
from paceline.router.export import gauges, names
from paceline.router.export.gauges import Watch
from paceline.router.export.otel import OpenTelemetry
from paceline.router.export.prometheus import Prometheus
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, run, virtual_clock

from .told import Exported, Labels, Vendor, collected, hello, labels

A = labels(endpoint="a", provider="azure", model="m", region="here")


def sampled(metric: str) -> Labels:
    return A | labels(metric=metric)


def test_slots_and_queue_are_told_as_they_are() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(10.0)), slots=2), policies=[Slots(max_wait_s=60.0)])
        async with exported.router as router:
            async with asyncio.TaskGroup() as group:
                for _ in range(5):
                    group.create_task(router.complete(hello()))
                await asyncio.sleep(1.0)
                # An endpoint of which nothing is known is probed by one call, and lent by two when all must wait.
                busy = exported.told()
            idle = exported.told()

        asked = (names.SLOT_INFLIGHT, names.SLOT_LIMIT, names.SLOT_QUEUE, names.SLOT_LOAD)
        assert [busy[gauge] for gauge in asked] == [{A: 2}, {A: 2}, {A: 3}, {A: 1.0}]
        assert [idle[gauge] for gauge in asked] == [{A: 0}, {A: 2}, {A: 0}, {A: 0.0}]

    run(main)


def test_what_is_not_known_is_not_told() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor()))
        async with exported.router:
            told = exported.told()

        unknown = {names.SLOT_LIMIT, names.SLOT_LOAD, names.STATS_AGE, names.EXPECTED_TTFT}
        assert not unknown & told.keys()
        assert told[names.SLOT_INFLIGHT] == {A: 0}
        assert set(told[names.STATS_SAMPLES].values()) == {0}

    run(main)


def test_samples_come_with_their_number_those_cut_off_and_their_age() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25, "a", "b", gap_s=0.25), answers(0.5, "a"), SILENT)))
        async with exported.router as router:
            await router.complete(hello())
            await router.complete(hello())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(router.complete(hello()), 1.0)
            await asyncio.sleep(5.0)
            told = exported.told()
            await asyncio.sleep(3600.0)
            later = exported.told()

        assert told[names.STATS_SAMPLES] == {sampled("ttft"): 2, sampled("total"): 2, sampled("tpot"): 1}
        assert told[names.STATS_CENSORED] == {sampled("ttft"): 1, sampled("total"): 1, sampled("tpot"): 0}
        assert told[names.STATS_AGE] == {sampled("ttft"): 6.0, sampled("tpot"): 6.5}
        assert set(later[names.STATS_SAMPLES].values()) == {0}
        assert later[names.STATS_AGE] == {sampled("ttft"): 3606.0, sampled("tpot"): 3606.5}

    run(main)


def test_what_routing_believes_is_told() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25), fails(0.125, ProviderError))))
        async with exported.router as router:
            await router.complete(hello())
            with pytest.raises(ProviderError):
                await router.complete(hello())
            told = exported.told()

        outlook = next(iter(exported.router.fleet)).outlook(0.375)
        assert told[names.EXPECTED_TTFT] == {A: outlook.ttft_s}
        assert told[names.FAILING] == {A: outlook.failing}
        assert 0.0 < outlook.failing < 1.0

    run(main)


def test_another_router_takes_the_place_of_the_first() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor()))
        after = Exported(endpoint("b", Vendor()))
        exported.otel.watch(after.router)
        exported.prometheus.watch(after.router)

        assert list(exported.told()[names.SLOT_INFLIGHT]) == [
            labels(endpoint="b", provider="azure", model="m", region="here")
        ]

    run(main)


def test_where_no_router_is_watched_there_are_no_gauges() -> None:
    async def main() -> None:
        metrics = Prometheus()
        async with Router([endpoint("a", Scripted())], listeners=[metrics]) as router:
            await router.complete(hello())

        assert "paceline_slot_inflight" not in metrics.text()
        assert "paceline_calls_total" in metrics.text()

    run(main)


class Threads:
    """A clock that keeps in which threads it was asked."""

    def __init__(self) -> None:
        self.asked: set[int] = set()

    def __call__(self) -> float:
        self.asked.add(threading.get_ident())
        return time.monotonic()


def test_another_thread_has_them_read_on_the_thread_of_the_calls() -> None:
    async def main() -> None:
        threads = Threads()
        metrics = Prometheus(clock=threads)
        async with Router([endpoint("a", Scripted())], listeners=[metrics]) as router:
            metrics.watch(router)
            await router.complete(hello())
            text = await asyncio.to_thread(metrics.text)

        assert 'paceline_slot_inflight{endpoint="a",' in text
        assert threads.asked == {threading.get_ident()}

    asyncio.run(main())


def test_one_collection_reads_the_fleet_once() -> None:
    asked: list[float] = []

    def clock() -> float:
        asked.append(virtual_clock())
        return asked[-1]

    async def main() -> None:
        reader = InMemoryMetricReader()
        otel = OpenTelemetry(meter_provider=MeterProvider([reader]), clock=clock)
        router = Router([endpoint("a", Scripted()), endpoint("b", Scripted())], clock=virtual_clock)
        otel.watch(router)
        asked.clear()

        collected(reader)
        collected(reader)

        assert len(asked) == 2

    run(main)


def _watch(router: Router) -> Watch:
    watch = Watch(time.monotonic, most=10)
    watch.over(router.fleet)
    return watch


def test_a_loop_that_does_not_come_round_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "PATIENCE_S", 0.001)

    async def main() -> None:
        watch = _watch(Router([endpoint("a", Scripted())]))
        with ThreadPoolExecutor() as pool:
            before = pool.submit(watch.readings).result()
            watch.seen()
            blocked = pool.submit(watch.readings).result()
        await asyncio.sleep(0)

        assert len(before) > 0
        assert blocked is before

    asyncio.run(main())


def test_a_loop_that_has_ended_is_asked_for_nothing() -> None:
    async def main() -> Watch:
        watch = _watch(Router([endpoint("a", Scripted())]))
        watch.seen()
        return watch

    watch = asyncio.run(main())

    assert len(watch.readings()) > 0


class EndsInThisMoment(asyncio.SelectorEventLoop):
    """A loop that is closed, and was not yet when it was asked whether it runs."""

    def is_running(self) -> bool:
        return self.is_closed()


def test_a_loop_that_ends_in_this_moment_leaves_the_gauges_of_the_last_time() -> None:
    watch = _watch(Router([endpoint("a", Scripted())]))
    before = watch.readings()
    watch._loop = EndsInThisMoment()
    watch._loop.close()

    assert watch.readings() is before
