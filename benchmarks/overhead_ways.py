"""The second table of `benchmarks.overhead`: each stack and each policy, in every way a call can be made.

*whole* is `Router.complete`, *pushed* is `Router.send`, *pulled* is ``async for`` over `Router.stream`. Each is made
one call at a time, and a hundred at once: then the provider lets all of them begin before it answers the first. What a
chunk costs is the difference between long answers and short ones.

Memory is that of one call at the moment its first chunk comes, on an event loop that does nothing else: *blocks* are
the allocations alive beyond those before the call (`sys.getallocatedblocks`), *KiB* is the most it held at any time
(`tracemalloc`). What was allocated and freed again before is in neither; it is in the time.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
import tracemalloc
from typing import Protocol

from benchmarks.apart import Apart
from benchmarks.instant import ANSWER, QUESTION, Instant, heard
from paceline.router import Chunk, Request, Router

WHOLE, PUSHED, PULLED = WAYS = ("whole", "pushed", "pulled")
AT_ONCE = (1, 100)
MORE_WORDS = 256
"""By how many chunks a long answer is longer."""

MEASURED = 200
"""Calls of which the median memory is taken."""


class Subject(Protocol):
    """What is measured, a row of the table."""

    @property
    def name(self) -> str:
        """For the table."""
        ...

    async def call_us(self, way: str, at_once: int, calls: int) -> float | None:
        """CPU microseconds a call; None: there is no such way."""
        ...

    async def chunk_us(self, way: str, calls: int) -> float | None:
        """CPU microseconds a chunk more; None: there is no such way."""
        ...

    async def memory(self) -> tuple[int, int] | None:
        """Blocks alive while a call is answered, and the most bytes it held; None: not known."""
        ...


class Floor:
    """An empty coroutine, and one that only lets the others run; a caller that is handed its chunks."""

    name = "an empty coroutine"

    async def call_us(self, way: str, at_once: int, calls: int) -> float | None:
        """As `Subject`: the same in every way."""
        del way
        began_s = time.process_time()
        if at_once == 1:
            for _ in range(calls):
                await _nothing()
        else:
            for _ in range(calls // at_once):
                await asyncio.gather(*(asyncio.sleep(0) for _ in range(at_once)))
        return (time.process_time() - began_s) / calls * 1e6

    async def chunk_us(self, way: str, calls: int) -> float | None:
        """As `Subject`."""
        if way == PULLED:
            return None
        began_s = time.process_time()
        for _ in range(calls * MORE_WORDS):
            await heard(ANSWER)
        return (time.process_time() - began_s) / (calls * MORE_WORDS) * 1e6

    async def memory(self) -> tuple[int, int] | None:
        """As `Subject`: not asked."""
        return None


async def _nothing() -> None:
    """The floor of floors."""


class Stack:
    """A router of ours, open. *provider*: the one of all its endpoints. *question*: what is asked."""

    def __init__(self, name: str, router: Router, provider: Instant, question: Request = QUESTION) -> None:
        self.name = name
        self._router = router
        self._provider = provider
        self._question = question

    async def call_us(self, way: str, at_once: int, calls: int) -> float | None:
        """As `Subject`."""
        self._provider.yields = at_once > 1
        began_s = time.process_time()
        if at_once == 1:
            for _ in range(calls):
                await self._one(way)
        else:
            for _ in range(calls // at_once):
                await asyncio.gather(*(self._one(way) for _ in range(at_once)))
        spent_s = time.process_time() - began_s
        self._provider.yields = False
        return spent_s / calls * 1e6

    async def chunk_us(self, way: str, calls: int) -> float | None:
        """As `Subject`: long answers and short ones in turn, so that both meet the same machine."""
        spent_s = {1: 0.0, 1 + MORE_WORDS: 0.0}
        for _ in range(calls):
            for words in spent_s:
                self._provider.words = words
                began_s = time.process_time()
                await self._one(way)
                spent_s[words] += time.process_time() - began_s
        self._provider.words = 1
        return (spent_s[1 + MORE_WORDS] - spent_s[1]) / (calls * MORE_WORDS) * 1e6

    async def memory(self) -> tuple[int, int] | None:
        """As `Subject`, for a pushed answer."""
        blocks: list[int] = []

        async def count(chunk: Chunk) -> None:
            if chunk is ANSWER:
                blocks.append(sys.getallocatedblocks() - before)

        gc.collect()
        gc.disable()  # or it would free what others left
        try:
            for _ in range(MEASURED):
                before = sys.getallocatedblocks()
                await self._router.send(self._question, count)
            peaks = await self._peaks()
        finally:
            gc.enable()
        return round(statistics.median(blocks)), round(statistics.median(peaks))

    async def _peaks(self) -> list[int]:
        peaks: list[int] = []
        tracemalloc.start()
        for _ in range(MEASURED):
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            await self._router.send(self._question, heard)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
        tracemalloc.stop()
        return peaks

    async def _one(self, way: str) -> None:
        if way == WHOLE:
            await self._router.complete(self._question)
        elif way == PUSHED:
            await self._router.send(self._question, heard)
        else:
            async with self._router.stream(self._question) as chunks:
                async for _ in chunks:
                    pass


class Peer:
    """Another router, in a process of its own (`overhead_peers`). It is asked for fewer calls: they take longer."""

    FEWER = 20

    def __init__(self, name: str, apart: Apart) -> None:
        self.name = name
        self._apart = apart

    async def call_us(self, way: str, at_once: int, calls: int) -> float | None:
        """As `Subject`."""
        if way == PUSHED:
            return None
        return float(self._apart.ask(f"call {way} {at_once} {max(at_once, calls // self.FEWER)}"))

    async def chunk_us(self, way: str, calls: int) -> float | None:
        """As `Subject`."""
        return float(self._apart.ask(f"chunk {way} 1 {calls // self.FEWER + 1}")) if way == PULLED else None

    async def memory(self) -> tuple[int, int] | None:
        """As `Subject`: not asked."""
        return None
