"""What became of each call, a line of JSON each: for people with a search, and for programs.

It says where the call went, how it ended and how long each part took; how large it was, never what was in it. There is
no prompt, no answer, no key and no user in it, and nothing that a client could have put one into: a route is named only
if it is one of ours.

Lines are gathered and written a few times a second by another thread, so that a reader who does not read holds up no
call. What he cannot take is dropped, and the number of lost lines told in the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from asyncio import TimerHandle

EVERY_S = 0.2
MOST_WAITING = 10_000


class Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One call. What is not known, or none, is left out.

    at: when it ended. id: as in ``x-request-id``. api: the path. client_retries: as its SDK says.
    outcome: ``answered``, ``failed``, ``refused`` (before the router was asked), ``left`` (the client went away) or
    ``slow`` (it took nothing for too long). reason: in a word. status: of HTTP; of a stream, the one it began with.
    endpoint, region, model: who answered, or was tried last. attempts, hedges, fallbacks: how many. retries: why.
    ttft_ms, total_ms: as the client saw them. gateway_ms: of these, our own: neither the vendor's nor in a queue.
    bytes_in, bytes_out: of the bodies. lost_lines: those before this one that could not be written.
    """

    at: datetime
    id: str
    api: str
    client_retries: int | None = None
    route: str | None = None
    streamed: bool = False
    outcome: str = ""
    reason: str | None = None
    status: int | None = None
    endpoint: str | None = None
    region: str | None = None
    model: str | None = None
    attempts: int = 0
    hedges: int = 0
    fallbacks: int = 0
    retries: tuple[str, ...] = ()
    ttft_ms: float | None = None
    total_ms: float | None = None
    gateway_ms: float | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    lost_lines: int = 0


_encode = msgspec.json.Encoder().encode


class CallLog:
    """Writes lines. write: takes bytes, and may block; None: nothing is written."""

    def __init__(self, write: Callable[[bytes], object] | None) -> None:
        self._write = write
        self._lines: list[bytes] = []
        self._lost = 0
        self._timer: TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None

    @property
    def is_kept(self) -> bool:
        """Whether anybody reads it."""
        return self._write is not None

    def add(self, line: Line) -> None:
        """Take one."""
        if self._write is None:
            return
        if len(self._lines) >= MOST_WAITING:
            self._lost += 1
            return
        if self._lost:
            line.lost_lines, self._lost = self._lost, 0
        self._lines.append(_encode(line))
        if self._timer is None and self._writing is None:
            self._begin_soon()

    def _begin_soon(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._write is None or not self._lines:
            return
        lines, self._lines = self._lines, []
        data = b"\n".join(lines) + b"\n"
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._written, data)
        self._writing.add_done_callback(self._ended)

    def _written(self, data: bytes) -> None:
        if self._write is not None:
            self._write(data)

    def _ended(self, writing: asyncio.Future[None]) -> None:
        self._writing = None
        if not writing.cancelled() and writing.exception() is not None:
            self._write = None  # nobody reads any more: calls go on without it
        if self._lines:
            self._begin_soon()  # not at once: a busy gateway would hand over a few lines after the other

    async def aclose(self) -> None:
        """Write what there is."""
        while self._lines or self._writing is not None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._writing is None:
                self._begin()
            if self._writing is None:
                return
            await asyncio.wait([self._writing])
            await asyncio.sleep(0)
