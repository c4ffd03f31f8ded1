"""A request's body that is too long to leave at once: pictures and documents in a prompt.

A short body goes into the socket's buffer with the headers, and what is waited for afterwards is the vendor. A long one
takes as long as the line does, and without a mark that would look like the vendor's time. It is also handed over in
pieces: in one, it would hold up every other call of this loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.payload import Payload

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from ..router.clock import Clock
    from ..router.ledger import Attempt

LONG_BYTES = 64 * 1024
"""From here on a body is sent in pieces of this size. It is what asyncio buffers before it makes a writer wait."""


class Upload(Payload):
    """A long body, which marks on its attempt how long it took to go out."""

    _value: bytes

    def __init__(self, body: bytes, attempt: Attempt, clock: Clock) -> None:
        super().__init__(body, content_type="application/json")
        self._size = len(body)
        self._attempt = attempt
        self._clock = clock

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Hand the body over, as fast as it is taken."""
        began_s, body = self._clock(), memoryview(self._value)
        for begin in range(0, len(body), LONG_BYTES):
            await writer.write(bytes(body[begin : begin + LONG_BYTES]))
        self._attempt.upload_s = self._clock() - began_s

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text."""
        return self._value.decode(encoding, errors)
