"""A vendor's response: its head, its body as it comes, and the end of its connection's use.

The connection goes back to the pool the moment the body has ended, and is closed if the response is given up before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from aiohttp import StreamReader
    from aiohttp.connector import Connection
    from multidict import CIMultiDictProxy


class Response:
    """One response. To be closed, whatever becomes of it.

    status, headers: of its head. content: its body.
    """

    __slots__ = ("_connection", "_upload", "content", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: CIMultiDictProxy[str],
        content: StreamReader,
        connection: Connection,
        upload: asyncio.Task[None] | None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self._connection = connection
        self._upload = upload
        content.on_eof(connection.release if upload is None else self._let_go)

    def close(self) -> None:
        """It is not read any further. One that was read to its end has left its connection to the pool already."""
        if self._connection.protocol is not None:
            give_up(self._connection, self._upload)

    def _let_go(self) -> None:
        """The body has ended. A vendor that answers before it has the whole request gets no other on this line."""
        if self._upload is None or self._upload.done():
            self._connection.release()
        else:
            self.close()


def give_up(connection: Connection, upload: asyncio.Task[None] | None) -> None:
    """End *connection*, and the *upload* on it, at once.

    Closed in the usual way it would stay open until what was written is sent: on a server that does not read, for ever.
    """
    if upload is not None:
        upload.cancel()
    transport = connection.transport
    if transport is not None:
        transport.abort()
    connection.close()
