"""The body of a request on its way out.

A short body goes into the socket's buffer with the headers, and what is waited for afterwards is the vendor. A long one
(pictures and documents in a prompt) takes as long as the line does, and without a mark that would look like the
vendor's time. It is also handed over in pieces: in one, it would hold up every other call of this loop. The answer is
waited for meanwhile, for a vendor may refuse it before it has all of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import ClientError
from aiohttp.http import StreamWriter

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

    from ..router.clock import Clock
    from ..router.ledger import Attempt

LONG_BYTES = 64 * 1024
"""From here on a body is sent in pieces of this size. It is what asyncio buffers before it makes a writer wait."""


async def upload(to: ResponseHandler, head: bytes, body: bytes, attempt: Attempt, clock: Clock) -> None:
    """Hand a long body over, as fast as it is taken, and mark on *attempt* how long that took.

    Where the connection breaks it ends, and says nothing: whoever waits for the answer hears of it.
    """
    writer, pieces, began_s = StreamWriter(to, asyncio.get_running_loop()), memoryview(body), clock()
    try:
        await writer.write(head)
        for begin in range(0, len(body), LONG_BYTES):
            await writer.write(bytes(pieces[begin : begin + LONG_BYTES]))
    except (ClientError, OSError):
        return
    attempt.upload_s = clock() - began_s
