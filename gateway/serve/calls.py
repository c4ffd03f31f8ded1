"""A call of a client: in over HTTP, through the router, and out again. The same for every form of the API.

How a vendor is asked for an answer that the client wants in one piece:

- In one piece too, as a rule. The vendor's body then goes out byte for byte, with all that has no field here, and costs
  a fraction of what 64 events do.
- As a stream, where the route has a second model to fall back to. Whether a model is too slow to be waited for is told
  by its first token; of an answer in one piece there is none before it is complete, and every long answer would look
  like a slow start. The pieces are put together here, and what breaks off half-way is repeated elsewhere without the
  client knowing.

A client that goes away cancels the task that runs its call, as soon as the loop hears of it; that closes the vendor's
connection and frees the slot, wherever the call is.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs
from aiohttp import web

from ...router import Collector
from ...router.errors import PacelineError
from ...router.operation import EMBEDDING
from ..dialects import Reply
from ..dialects.refused import Refused
from .body import body_of
from .stream_out import MOST_AHEAD_BYTES, ClientTooSlow, StreamOut, drained
from .told import speaker
from .visit import ANSWERED, LEFT, SLOW, Visit
from .wishes import with_patience, with_wishes

if TYPE_CHECKING:
    from multidict import CIMultiDict, CIMultiDictProxy

    from ...router import Call, Chunk, Request
    from ..dialects import Asked, Dialect
    from .front import Front

log = logging.getLogger("paceline.gateway")


@runtime_checkable
class PassesOn(Protocol):
    """A dialect that can tell whether a vendor's whole answer is in its own form already."""

    def passes(self, body: bytes, /) -> bool:
        """Whether it can go out as it is."""
        ...


@runtime_checkable
class Heeds(Protocol):
    """A dialect whose API has clients say in headers what a vendor is asked for."""

    def heed(self, request: Request, headers: CIMultiDictProxy[str], /) -> Request:
        """*request*, and that."""
        ...


class Calls:
    """The handler of one form of the API: ``web.post(path, Calls(front, dialect, path).answer)``.

    id_header: where this API's clients look for the id of a request, besides ``x-request-id``.
    """

    def __init__(self, front: Front, dialect: Dialect, path: str, *, id_header: str = "x-request-id") -> None:
        self._front = front
        self._dialect = dialect
        self._path = path
        self._id_header = id_header
        self._passes = dialect.passes if isinstance(dialect, PassesOn) else None
        self._heed = dialect.heed if isinstance(dialect, Heeds) else None

    async def answer(self, http: web.Request) -> web.StreamResponse:
        """Answer one request."""
        front = self._front
        visit = Visit(front, http, self._path, self._id_header)
        entered = False
        try:
            front.let_in(http.headers)
            front.enter()
            entered = True
            body = await body_of(http, front.settings)
            visit.bytes_in = len(body)
            asked = self._dialect.read(body)
            call = self._admitted(asked, visit, http.headers)
            if asked.streamed:
                return await self._stream(http, asked, call, visit)
            return await self._whole(http, asked, call, visit)
        except PacelineError as error:
            return await self._sorry(http, visit, error)
        except asyncio.CancelledError:
            visit.outcome = LEFT
            raise
        except ConnectionError as error:
            visit.outcome = SLOW if isinstance(error, ClientTooSlow) else LEFT
            if http.transport is not None:
                http.transport.abort()
            raise
        except Exception as error:  # noqa: BLE001  whatever it is: the client gets an error of its API, and we are told
            kind, where = type(error).__name__, _where(error)
            log.error("a call failed by a mistake of the gateway's: %s\n%s", kind, where)  # noqa: TRY400  no message
            return await self._sorry(http, visit, PacelineError("the gateway made a mistake: its log tells which"))
        finally:
            if entered:
                front.leave()
            visit.end()

    def _admitted(self, asked: Asked, visit: Visit, headers: CIMultiDictProxy[str]) -> Call:
        request = with_wishes(asked.request, headers)
        if self._heed is not None:
            request = self._heed(request, headers)
        is_written = request.operation is not EMBEDDING  # which comes all at once, however it is asked for
        if (
            is_written
            and not asked.streamed
            and request.stream is not (several := self._front.has_several_models(request))
        ):
            request = attrs.evolve(request, stream=several)
        call = with_patience(self._front.router.admit(request, streamed=asked.streamed), headers)
        visit.call, visit.streamed = call, asked.streamed
        return call

    async def _stream(self, http: web.Request, asked: Asked, call: Call, visit: Visit) -> web.StreamResponse:
        front, writer = self._front, self._dialect.writer(asked)
        keep_alive = http.keep_alive and not front.going_down

        def begin() -> CIMultiDict[str]:
            attempt = speaker(call)
            if attempt is not None:
                writer.introduce(attempt.served_model or attempt.endpoint.model, attempt.service_tier)
            return visit.headers(streamed=True)

        out = StreamOut(http, writer, begin, front.settings.write_timeout_s, keep_alive=keep_alive)
        try:
            await front.router.push(call, out.emit)
            response = await out.end()
        except PacelineError as error:
            if not out.has_begun:
                raise
            visit.failed(error)
            response = await out.last_words(writer.broken(error))
        else:
            visit.outcome = ANSWERED
        finally:
            out.stop()
            visit.bytes_out = out.sent
        visit.status = response.status
        return response

    async def _whole(self, http: web.Request, asked: Asked, call: Call, visit: Visit) -> web.StreamResponse:
        pieces = _Pieces()
        await self._front.router.push(call, pieces.emit)
        body = pieces.only
        if body is not None and self._passes is not None and self._passes(body):
            reply = Reply(body=body)
        else:
            reply = self._dialect.whole(asked, pieces.collected().answer(call))
        visit.outcome = ANSWERED
        return await self._send(http, visit, reply)

    async def _sorry(self, http: web.Request, visit: Visit, error: PacelineError) -> web.StreamResponse:
        visit.failed(error)
        return await self._send(http, visit, self._dialect.error(error), close=isinstance(error, Refused))

    async def _send(self, http: web.Request, visit: Visit, reply: Reply, *, close: bool = False) -> web.StreamResponse:
        """An answer in one piece. *close*: it is the last on this connection, if more of the body is still to come."""
        headers = visit.headers(streamed=False)
        headers.update(reply.headers)
        visit.status = reply.status
        visit.bytes_out = len(reply.body)
        if len(reply.body) > MOST_AHEAD_BYTES:
            return await self._send_long(http, reply, headers)
        response = web.Response(body=reply.body, status=reply.status, headers=headers)
        if self._front.going_down or (close and not http.content.is_eof()):
            response.force_close()
        return response

    async def _send_long(self, http: web.Request, reply: Reply, headers: CIMultiDict[str]) -> web.StreamResponse:
        """One that the client's network does not take at once, and that the client must not refuse to take for ever."""
        headers["Content-Length"] = str(len(reply.body))
        response = web.StreamResponse(status=reply.status, headers=headers)
        await response.prepare(http)
        if http.transport is not None:
            http.transport.write(reply.body)
            await drained(http, self._front.settings.write_timeout_s)
        await response.write_eof()
        return response


class _Pieces:
    """The ``emit`` of a call whose client wants the answer whole."""

    __slots__ = ("_chunks",)

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []

    async def emit(self, chunk: Chunk) -> None:
        if chunk.discard:
            self._chunks.clear()
        else:
            self._chunks.append(chunk)

    @property
    def only(self) -> bytes | None:
        """The vendor's own body; None if the answer did not come in one piece, or not over a wire."""
        return self._chunks[0].raw or None if len(self._chunks) == 1 else None

    def collected(self) -> Collector:
        collector = Collector()
        for chunk in self._chunks:
            collector.add(chunk)
        return collector


def _where(error: BaseException) -> str:
    """The way to a mistake, without its message: that may quote what somebody asked."""
    return "".join(traceback.format_tb(error.__traceback__))
