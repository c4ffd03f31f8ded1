"""Asking a gateway for a snapshot, again and again, over one connection as long as it lasts.

With several workers at one address, a connection stays with the worker that took it, so what is seen is one of them.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

import aiohttp

from .snapshot import NotASnapshot, Snapshot, read

PATH = "/api/live.json"
PATIENCE_S = 5.0
MOST_BYTES = 16 * 1024 * 1024


class NoAnswer(Exception):
    """Nobody answers now; perhaps later. The message says why."""


class Refused(Exception):
    """Asking again would not help. The message says what would."""


class Source:
    """One gateway. Use it as ``async with Source(...) as source``.

    url: base URL. key: bearer key, if it asks for one.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        self._address = url + PATH
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=PATIENCE_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def look(self) -> Snapshot:
        """A snapshot of now.

        Raises:
            NoAnswer, Refused: there is none.
        """
        if self._session is None:
            raise RuntimeError("use a source inside 'async with'")
        try:
            async with self._session.get(self._address, allow_redirects=False) as response:
                body = b""
                async for piece in response.content.iter_chunked(2**16):
                    body += piece
                    if len(body) > MOST_BYTES:
                        raise Refused(f"{self._address} says more than a gateway does")
                return _snapshot(response.status, body, self._address)
        except (aiohttp.ClientError, OSError) as fault:
            raise NoAnswer(_why(fault)) from fault


def _snapshot(status: int, body: bytes, url: str) -> Snapshot:
    if status in {401, 403}:
        raise Refused(f"the gateway asks for a key ({status}): name the variable that holds it by --key-env")
    if status == 404:
        raise Refused(f"there is no {url}: is this a Paceline gateway, and the address its dashboard is served at?")
    if status != 200:
        raise NoAnswer(f"it answers with {status}")
    try:
        return read(body)
    except NotASnapshot as fault:
        raise Refused(str(fault)) from None


def _why(fault: Exception) -> str:
    if isinstance(fault, aiohttp.ClientConnectorError):
        number = fault.os_error.errno  # its own words are those of asyncio: "Connect call failed ('127.0.0.1', 9)"
        return str(fault.os_error) if number is None or number < 0 else os.strerror(number)
    if isinstance(fault, TimeoutError):
        return f"no answer within {PATIENCE_S:g} s"
    return str(fault) or type(fault).__name__
