"""The snapshot of now, made once a second for all who look, and not at all while nobody does.

Every watcher gets the newest frame there is. One that is slow to take it misses those in between, and nothing is kept
for it: the page sees by their numbers that some are missing, and asks for the past again.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from .bins import BIN_S
from .histogram import LEAST, PER_OCTAVE, Counts, count
from .memory import resident_bytes
from .now import FORMAT, Loaded, Now, Own, Residency
from .of_endpoints import endpoints_now
from .of_routes import of, routes_now

if TYPE_CHECKING:
    from ...router import Clock, Router
    from ..config import Configuration
    from .bins import Bin
    from .collector import Collector

log = logging.getLogger("paceline.gateway")

TICK_S = 1.0
LOOK_EVERY_S = 0.05
"""At the event loop's lag, while somebody watches."""

LAGS = round(60.0 / LOOK_EVERY_S)
"""That are kept: a minute of them."""

CALLS_AT_ONCE = 20
"""In a snapshot that is asked for once."""

OVER_S = 60.0
"""Figures of now are of the last minute, as far as there is one."""

MOST_WATCHERS = 64


class Runs(Protocol):
    """What is looked at: `gateway.running.Running`, or anything that has these."""

    @property
    def router(self) -> Router:
        """The one that serves now."""
        ...

    @property
    def configuration(self) -> Configuration:
        """The one that it was made of."""
        ...


class Feed:
    """Snapshots of what *running* serves.

    collector: the listener that hears of its calls. clock: its routers'. loaded: what to say of the configuration;
    default, its file's name.
    """

    def __init__(
        self, running: Runs, collector: Collector, clock: Clock, loaded: Callable[[], Loaded] | None = None
    ) -> None:
        self._running = running
        self._collector = collector
        self._clock = clock
        self._loaded = loaded or (lambda: Loaded(running.configuration.source))
        self._began_s = clock()
        self.process = uuid.uuid4().hex[:12]
        self._encode = msgspec.json.Encoder().encode
        self._watchers = 0
        self._tick = 0
        self._frame: bytes = b""
        self._news: asyncio.Future[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._lags: deque[float] = deque(maxlen=LAGS)
        self._seen_call = self._seen_incident = 0
        self.has_ended = False
        """The server shuts down: there is nothing more to tell."""
        self._failed = False

    # -- for those who look once

    def now(self) -> bytes:
        """One snapshot, as JSON, with the incidents that are kept and the last calls."""
        last = self._collector.decisions.last_id - CALLS_AT_ONCE
        return self._encode(self._snapshot(since_call=last, since_incident=0))

    def past(self) -> bytes:
        """The last ten minutes, as JSON: bins, calls and incidents."""
        now_s = self._clock()
        collector = self._collector
        rest = self._encode(
            {
                "process": self.process,
                "now_s": now_s,
                "calls": collector.decisions.since(0),
                "incidents": list(collector.incidents),
            }
        )
        return rest[:-1] + b',"bins":' + collector.bins.past(now_s) + b"}"

    # -- for those who watch

    @property
    def is_full(self) -> bool:
        """Whether no more can watch."""
        return self._watchers >= MOST_WATCHERS

    def end(self) -> None:
        """The server shuts down: every watcher is let go, and none begins."""
        self.has_ended = True
        self._tell()

    async def watch(self) -> AsyncGenerator[bytes, None]:
        """Frames, as JSON: at once the newest there is, then each new one. Close it when it is no longer looked at."""
        self._watchers += 1
        try:
            if self._ticking is None:
                self._ticking = asyncio.get_running_loop().create_task(self._keep_ticking(), name="dashboard feed")
            seen = -1
            while not self.has_ended:
                if self._tick == seen or not self._frame:
                    await self._next()
                    continue
                seen = self._tick
                yield self._frame
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                await self.aclose()

    async def aclose(self) -> None:
        """Stop ticking. It begins again with the next watcher."""
        ticking, self._ticking = self._ticking, None
        self._frame = b""
        self._lags.clear()
        if ticking is not None:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking

    async def _next(self) -> None:
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    async def _keep_ticking(self) -> None:
        loop = asyncio.get_running_loop()
        self._seen_call = self._collector.decisions.last_id
        self._seen_incident = self._collector.last_incident
        next_s = loop.time()
        while True:
            try:
                self._make_frame()
            except Exception:  # a page may go without a frame; calls may not be disturbed by it
                if not self._failed:
                    self._failed = True
                    log.exception("the dashboard has no snapshot; calls go on without it")
            self._tell()
            next_s = max(next_s + TICK_S, loop.time())
            while loop.time() < next_s:
                due_s = min(loop.time() + LOOK_EVERY_S, next_s)
                await asyncio.sleep(due_s - loop.time())
                self._lags.append(max(0.0, loop.time() - due_s))

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)

    def _make_frame(self) -> None:
        self._tick += 1
        since_call, since_incident = self._seen_call, self._seen_incident
        self._seen_call = self._collector.decisions.last_id
        self._seen_incident = self._collector.last_incident
        self._frame = self._encode(self._snapshot(since_call, since_incident))

    # -- what is in it

    def _snapshot(self, since_call: int, since_incident: int) -> Now:
        now_s = self._clock()
        router, collector = self._running.router, self._collector
        bins = collector.bins.newest(now_s)
        late, seconds = self._late(now_s)
        used = router.fleet.every_route
        named = {route.name for route in router.fleet.routes}
        heard = {name for bin_ in late for name in bin_.routes}
        return Now(
            format=FORMAT,
            process=self.process,
            tick=self._tick,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            now_s=now_s,
            up_s=now_s - self._began_s,
            over_s=seconds,
            bin_s=BIN_S,
            bucket_least=LEAST,
            buckets_per_octave=PER_OCTAVE,
            configuration=self._loaded(),
            routes=routes_now([route for route in used if route.name in named | heard], late, seconds),
            endpoints=endpoints_now(router.fleet, late, collector.last_words, now_s),
            residency=tuple(
                Residency(proof.route, tuple(sorted(proof.residency)), proof.kept_by, proof.reaches, proof.never)
                for proof in router.residency_proofs
            ),
            own=self._own(late),
            bins=bins,
            calls=collector.decisions.since(since_call),
            incidents=[incident for incident in collector.incidents if incident.id > since_incident],
        )

    def _late(self, now_s: float) -> tuple[list[Bin], float]:
        """The bins of the last minute, and how many seconds they are of."""
        first = int((now_s - OVER_S) // BIN_S) + 1
        late = [bin_ for bin_ in self._collector.bins.late() if bin_.number >= first]
        return late, max(1.0, min(now_s - first * BIN_S, now_s - self._began_s))

    def _own(self, late: list[Bin]) -> Own:
        router: Counts = {}
        for bin_ in late:
            for bucket, many in bin_.router.items():
                router[bucket] = router.get(bucket, 0) + many
        lags: Counts = {}
        for lag_s in self._lags:
            count(lags, lag_s)
        return Own(router=of(router), loop_lag=of(lags), rss_bytes=resident_bytes(), watchers=self._watchers)
