"""The one bridge from push to pull: an answer as an async iterator.

Inside the router answers are pushed. Who wants to iterate gets this: a task runs the call and pushes into a small
buffer, the iterator takes from it. Leaving the ``async with`` block ends the call, wherever it is. The buffer is
bounded, so a slow reader slows the vendor down rather than filling memory.
"""

from __future__ import annotations

import asyncio
import warnings
from collections import deque
from typing import TYPE_CHECKING

import anyio

from .answer import Answer, Collector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from .call import Call
    from .chunk import Chunk
    from .pipeline import Emit

MOST_AHEAD = 64
"""Chunks the vendor may be ahead of the reader."""

CLEANUP_S = 1.0
"""Seconds that leaving the block waits for the call's clean-up; what resists longer is left to the router's close."""


class _Pipe:
    """The buffer between the call's task and the reader. Holds no reference to the reader."""

    __slots__ = ("_room", "_something", "chunks", "collector", "done", "error")

    def __init__(self) -> None:
        self.chunks: deque[Chunk] = deque()
        self.collector = Collector()
        self.done = False
        self.error: BaseException | None = None
        self._something: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    async def push(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self._wake(self._something)
        if len(self.chunks) >= MOST_AHEAD:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def pop(self) -> Chunk:
        chunk = self.chunks.popleft()
        self._wake(self._room)
        self.collector.add(chunk)
        return chunk

    async def wait(self) -> None:
        """Until there is a chunk, or the end.

        Raises:
            RuntimeError: another reader waits already.
        """
        if self._something is not None and not self._something.done():
            raise RuntimeError("a stream has one reader: collect the chunks in one place, and share them from there")
        self._something = asyncio.get_running_loop().create_future()
        await self._something

    def end(self, task: asyncio.Task[None]) -> None:
        self.done = True
        if task.cancelled():
            self.error = RuntimeError("the stream has been left, and its answer with it")
        else:
            self.error = task.exception()
        self._wake(self._something)

    @staticmethod
    def _wake(waiting: asyncio.Future[None] | None) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


class Stream:
    """An answer that is coming. Use it as ``async with router.stream(request) as chunks: async for chunk in chunks``.

    The call's budget runs from when the stream was asked for. Iterating raises the call's one error, after every chunk
    that came before it has been given out.
    """

    def __init__(self, call: Call, run: Callable[[Call, Emit], Awaitable[None]]) -> None:
        self._call = call
        self._run = run
        self._pipe = _Pipe()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        pipe = self._pipe
        if self._task is not None or pipe.done:
            raise RuntimeError("a stream is entered once: ask the router for another")

        async def produce(call: Call = self._call, run: Callable[[Call, Emit], Awaitable[None]] = self._run) -> None:
            await run(call, pipe.push)

        self._task = asyncio.get_running_loop().create_task(produce())
        self._task.add_done_callback(pipe.end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task], timeout=CLEANUP_S)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        pipe = self._pipe
        while not pipe.chunks:
            if pipe.done:
                if pipe.error is not None:
                    raise pipe.error
                raise StopAsyncIteration
            if self._task is None:
                raise RuntimeError("iterate a stream inside its block: async with router.stream(request) as chunks")
            await pipe.wait()
        return pipe.pop()

    @property
    def answer(self) -> Answer:
        """The whole answer, once every chunk has been taken.

        Raises:
            RuntimeError: it is not complete yet, or never will be.
        """
        if not self._pipe.done or self._pipe.chunks or self._pipe.error is not None:
            raise RuntimeError("the answer is not complete: take every chunk first")
        return self._pipe.collector.answer(self._call)

    def __del__(self) -> None:
        task = self._task
        if task is not None and not task.done():
            warnings.warn(
                "a stream was dropped while its answer was coming: use it in an 'async with' block",
                ResourceWarning,
                source=self,
                stacklevel=1,
            )
            task.cancel()
