"""Whether the machine keeps up: how late an event loop is with its timers, and how much of a core it takes.

A latency taken on a busy loop is partly the loop's own. So both processes of the demo watch theirs, and the report
says what was found: a lag that is small against the latencies leaves them what they are.
"""

from __future__ import annotations

import asyncio
import time

import msgspec

LOOK_EVERY_S = 0.02


class Strain(msgspec.Struct, frozen=True, kw_only=True):
    """What one process went through.

    lag_p99_s, lag_max_s: how late timers were, in seconds; None if nothing was seen.
    cpu: share of one core that was used.
    """

    lag_p99_s: float | None
    lag_max_s: float | None
    cpu: float | None


class LagMeter:
    """Watches the running loop, from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._task: asyncio.Task[None] | None = None
        self._began_s = self._began_cpu_s = 0.0

    def start(self) -> None:
        """Begin to watch."""
        self._began_s, self._began_cpu_s = time.monotonic(), time.process_time()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> Strain:
        """End it, and tell. Harmless when never begun."""
        if self._task is None:
            return Strain(lag_p99_s=None, lag_max_s=None, cpu=None)
        self._task.cancel()
        lags = sorted(self._lags)
        passed_s = time.monotonic() - self._began_s
        return Strain(
            lag_p99_s=lags[int(0.99 * (len(lags) - 1))] if lags else None,
            lag_max_s=lags[-1] if lags else None,
            cpu=(time.process_time() - self._began_cpu_s) / passed_s if passed_s else None,
        )

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self._lags.append(max(0.0, loop.time() - due_s))
