r"""An answer as it goes out to a client: pieces in, server-sent events on its connection.

Nothing is sent, not even the headers, before there is something to send: until the first progress an error can still
have its true status, and another endpoint its chance. So no keep-alive goes out before it either; a proxy in front must
wait as long as a first token may take. Once the stream is open a comment is sent whenever nothing else was for
`QUIET_S`, since many proxies cut after a minute of silence.

Pieces that come in one turn of the loop go out in one write, at its end: vendors behind a busy proxy send many in one
packet, and what a write costs, on both sides, is per write. For that the transport is written to directly, with the
chunked encoding's frame around it, which is all that aiohttp would add. The first piece goes out at once, with the
headers, and the last with the end of the body.

A client that reads more slowly than the vendor speaks slows the vendor down: the answer is not gathered here. One that
takes nothing at all for the settings' ``write_timeout_s`` is given up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from collections.abc import Callable

    from multidict import CIMultiDict

    from ...router import Chunk
    from ..dialects import Writer

QUIET_S = 15.0
KEEP_ALIVE = b": keep-alive\n\n"

MOST_AHEAD_BYTES = 64 * 1024
"""What may wait in our memory for one client's network."""


class _Held(web.StreamResponse):
    """One whose headers wait for the first piece, as those of `web.Response` do."""

    _send_headers_immediately = False


class ClientTooSlow(ConnectionError):
    """The client has taken nothing for too long."""


class StreamOut:
    """The ``emit`` of one streamed call.

    http: whom to answer. writer: makes bytes of chunks. headers: asked once, before the first chunk is written.
    write_timeout_s: seconds the client may take nothing. sent: bytes of the body so far.
    """

    __slots__ = (
        "_chunked", "_full", "_headers", "_http", "_keep_alive", "_loop", "_pending", "_quiet", "_response",
        "_scheduled", "_sent_before", "_timeout_s", "_writer", "sent",
    )  # fmt: skip

    def __init__(
        self,
        http: web.BaseRequest,
        writer: Writer,
        headers: Callable[[], CIMultiDict[str]],
        write_timeout_s: float,
        *,
        keep_alive: bool,
    ) -> None:
        self._http = http
        self._writer = writer
        self._headers = headers
        self._timeout_s = write_timeout_s
        self._keep_alive = keep_alive
        self._chunked = http.version >= HttpVersion11
        self._loop = asyncio.get_running_loop()
        self._response: web.StreamResponse | None = None
        self._pending: list[bytes] = []
        self._scheduled = False
        self._full = False
        self._quiet: TimerHandle | None = None
        self._sent_before = 0
        self.sent = 0

    @property
    def has_begun(self) -> bool:
        """The headers are out: what goes wrong from here on is told within the stream."""
        return self._response is not None

    async def emit(self, chunk: Chunk) -> None:
        """Take a piece of the answer."""
        if self._response is None:
            await self._begin(chunk)
            return
        data = self._writer.chunk(chunk)
        if not data:
            return
        self._pending.append(data)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)
        if self._full:
            await self._room()

    async def end(self) -> web.StreamResponse:
        """The answer is complete."""
        return await self._last(self._writer.end())

    async def last_words(self, data: bytes) -> web.StreamResponse:
        """It broke off, and this is what is left to say."""
        return await self._last(data)

    def stop(self) -> None:
        """It is over, one way or the other."""
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None

    async def _begin(self, chunk: Chunk) -> None:
        response = await self._prepared()
        self._quiet = self._loop.call_later(QUIET_S, self._break_silence)
        data = self._writer.chunk(chunk)
        if 0 < len(data) <= MOST_AHEAD_BYTES:
            self.sent += len(data)
            await response.write(data)
            return
        self._http.writer.send_headers()
        if data:
            self._pending.append(data)
            self._flush()
            await self._room()

    async def _prepared(self) -> web.StreamResponse:
        response = self._response = _Held(headers=self._headers())
        if not self._keep_alive:
            response.force_close()
        await response.prepare(self._http)
        return response

    def _flush(self) -> None:
        """Write what has come in this turn of the loop."""
        self._scheduled = False
        pending = self._pending
        if not pending:
            return
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        pending.clear()
        transport = self._http.transport
        if transport is None or transport.is_closing():
            return  # the client has left, and the cancellation is on its way
        self.sent += len(data)
        transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        self._full = transport.get_write_buffer_size() > MOST_AHEAD_BYTES

    async def _room(self) -> None:
        """Wait until the client has taken something of what waits for it.

        Raises:
            ClientTooSlow: it has not, for too long.
        """
        self._full = False
        await drained(self._http, self._timeout_s)

    async def _last(self, data: bytes) -> web.StreamResponse:
        response = self._response or await self._prepared()
        self._pending.append(data)
        rest = b"".join(self._pending)
        transport = self._http.transport
        if transport is not None and transport.get_write_buffer_size() + len(rest) <= MOST_AHEAD_BYTES:
            self._pending.clear()
            self.sent += len(rest)
            await response.write_eof(rest)
            return response
        self._http.writer.send_headers()
        self._flush()
        await drained(self._http, self._timeout_s)
        await response.write_eof()
        return response

    def _break_silence(self) -> None:
        """Send a comment if nothing was sent since this was asked last."""
        if self.sent == self._sent_before:
            self._pending.append(KEEP_ALIVE)
            self._flush()
        self._sent_before = self.sent
        self._quiet = self._loop.call_later(QUIET_S, self._break_silence)


async def drained(http: web.BaseRequest, timeout_s: float) -> None:
    """Wait until little waits for the client.

    Raises:
        ClientTooSlow: it has taken nothing for *timeout_s*.
        ConnectionError: it is gone.
    """
    transport = http.transport
    if transport is None:
        return
    waiting = transport.get_write_buffer_size()
    while waiting > MOST_AHEAD_BYTES:
        try:
            async with asyncio.timeout(timeout_s):
                await http.writer.drain()
        except TimeoutError:
            still = transport.get_write_buffer_size()
            if still >= waiting:
                raise ClientTooSlow(f"the client has taken nothing for {timeout_s:g} s") from None
            waiting = still
        else:
            return
