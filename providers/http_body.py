"""The body of a request, and the attempt it is sent for.

A short body goes into the socket's buffer with the headers, and what is waited for afterwards is the vendor. A long one
(pictures and documents in a prompt) takes as long as the line does, and without a mark that would look like the
vendor's time. It is also handed over in pieces: in one, it would hold up every other call of this loop.

The attempt goes along because a connection is opened far from here, inside the pool: who opens one looks at the body
for whom to tell what it cost. aiohttp would make a payload of any bytes; one of our own also costs a tenth of its.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.payload import Payload
from multidict import CIMultiDict

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from ..router.clock import Clock
    from ..router.ledger import Attempt

LONG_BYTES = 64 * 1024
"""From here on a body is sent in pieces of this size. It is what asyncio buffers before it makes a writer wait."""


class Body(Payload):
    """JSON of a request, sent for *attempt*. A long one marks on it how long it took to go out."""

    # What aiohttp's __init__ would make anew for each, headers among it.
    _headers = CIMultiDict({"Content-Type": "application/json"})
    _encoding = None
    _filename = None
    _value: bytes

    def __init__(self, value: bytes, attempt: Attempt, clock: Clock) -> None:
        self._value = value
        self._size = len(value)
        self._clock = clock
        self.attempt = attempt

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Hand it over, as fast as it is taken."""
        if len(self._value) < LONG_BYTES:
            await writer.write(self._value)
            return
        began_s, body = self._clock(), memoryview(self._value)
        for begin in range(0, len(body), LONG_BYTES):
            await writer.write(bytes(body[begin : begin + LONG_BYTES]))
        self.attempt.upload_s = self._clock() - began_s

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """It as text."""
        return self._value.decode(encoding, errors)
