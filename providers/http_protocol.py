"""aiohttp's side of one connection, without the work it does anew for each piece of an answer.

Whenever a piece is taken from its buffer, aiohttp resumes reading, whether or not it was ever paused. Since 3.14 that
runs the parser over nothing and asks the transport, so that sixty events that came in one read cost sixty such rounds,
a quarter of what they cost in all. What was not paused has left nothing unread, and need not be resumed.

And where the framing of a body breaks, as in a chunk without a length, aiohttp closes the connection and tells whoever
waits for the next answer, but not whoever reads this one: that call would wait, on a closed connection, for its limit.

Sources: RFC 9110, 9.3.2, on what a response to HEAD need not say; RFC 9112, 9.3, on which connections stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import ClientPayloadError, HttpVersion11
from aiohttp.client_proto import ResponseHandler

if TYPE_CHECKING:
    from aiohttp.http import RawResponseMessage


class Protocol(ResponseHandler):
    """As aiohttp's."""

    def resume_reading(self, *how: Any, **so: Any) -> None:  # whatever a version of aiohttp may tell
        """Go on reading, if that was paused."""
        if self._reading_paused:
            super().resume_reading(*how, **so)

    def set_exception(self, exc: BaseException, *cause: Any, **so: Any) -> None:
        """There will be no answer any more, nor the rest of one that is being read."""
        super().set_exception(exc, *cause, **so)
        payload = self._payload
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(ClientPayloadError(type(exc).__name__))  # *exc* may quote the body

    def stay_after(self, message: RawResponseMessage) -> None:
        """*message* answers a HEAD, so it has no body, nor one that ends with the connection for want of a length."""
        said = message.headers.get("Connection", "").lower()
        if message.version >= HttpVersion11 and "close" not in said:
            self._should_close = False
