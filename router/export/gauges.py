"""What is read from a fleet when somebody collects, and costs its calls nothing.

Reading the statistics of an endpoint folds its windows and moves them on, so it belongs on the thread that calls run
on; and OpenTelemetry collects on a thread of its own. `Watch` therefore has the router's loop do the reading, and
waits for it a moment. A loop that does not come round in that time is not waited for: the gauges are then those of the
last time.
"""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from . import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..clock import Clock
    from ..fleet import Fleet
    from ..statistics.learned import Learned
    from ..target import Target
    from .labels import Labels

PATIENCE_S = 0.25
"""Seconds to wait for the router's loop."""


class Reading(NamedTuple):
    """What one gauge says at one endpoint."""

    metric: names.Metric
    labels: Labels
    value: float


def read(target: Target, now_s: float) -> Iterator[Reading]:
    """Every gauge of one endpoint. What is not known is left out."""
    endpoint, slots = target.endpoint, target.slots
    labels = (endpoint.name, endpoint.provider.name, endpoint.model, endpoint.region)
    yield Reading(names.SLOT_INFLIGHT, labels, slots.in_flight)
    yield Reading(names.SLOT_QUEUE, labels, slots.waiting)
    if slots.limit is not None:
        yield Reading(names.SLOT_LIMIT, labels, slots.limit)
        yield Reading(names.SLOT_LOAD, labels, slots.load)
    outlook = target.outlook(now_s)
    yield Reading(names.FAILING, labels, outlook.failing)
    if outlook.ttft_s is not None:
        yield Reading(names.EXPECTED_TTFT, labels, outlook.ttft_s)
    yield from _statistics(target.learned, labels, now_s)


def _statistics(learned: Learned, labels: Labels, now_s: float) -> Iterator[Reading]:
    """How many latencies there are, and how old the last one is."""
    latencies = (("ttft", learned.ttft.overall), ("total", learned.total), ("tpot", learned.tpot.overall))
    for metric, latency in latencies:
        yield Reading(names.STATS_SAMPLES, (*labels, metric), latency.samples(now_s))
        yield Reading(names.STATS_CENSORED, (*labels, metric), latency.censored(now_s))
    for metric, level in (("ttft", learned.recent.ttft), ("tpot", learned.recent.tpot)):
        if level.sampled_at_s > -math.inf:
            yield Reading(names.STATS_AGE, (*labels, metric), now_s - level.sampled_at_s)


class Watch:
    """Reads the gauges of one router's endpoints.

    clock: the router's. most: endpoints that are read.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._fleet: Fleet | None = None
        self._last: Sequence[Reading] = ()
        self._loop: asyncio.AbstractEventLoop | None = None

    def seen(self) -> None:
        """There was an event: the running loop is the one that calls run on."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()

    def over(self, fleet: Fleet) -> None:
        """Watch *fleet* from now on, and no other."""
        self._fleet = fleet

    def readings(self) -> Sequence[Reading]:
        """Every gauge as it is now. For any thread."""
        loop = self._loop
        if loop is not None and not loop.is_running():
            loop = self._loop = None  # its calls are over, and the next ones may run on another
        if loop is None or loop is _running_here():
            return self._read()
        asked: Future[Sequence[Reading]] = Future()

        def answer() -> None:
            if asked.set_running_or_notify_cancel():
                asked.set_result(self._read())

        try:
            loop.call_soon_threadsafe(answer)
            return asked.result(PATIENCE_S)
        except (TimeoutError, RuntimeError):  # busy, or closed in this moment
            asked.cancel()
            return self._last

    def _read(self) -> Sequence[Reading]:
        now_s = self._clock()
        targets = () if self._fleet is None else tuple(self._fleet)[: self._most]
        self._last = [reading for target in targets for reading in read(target, now_s)]
        return self._last


def _running_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
