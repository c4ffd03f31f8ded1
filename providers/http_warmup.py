"""Connections that are open before the first call needs one.

Each is opened by asking the server for the head of its front page: nothing is billed for it, no key goes along, and
whatever it answers, the connection behind is ready and has carried a request. (A bare connection would do for TCP and
TLS, but some servers close one that says nothing within seconds.)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .http_pool import TRANSPORT_ERRORS

if TYPE_CHECKING:
    import ssl

    import aiohttp
    from yarl import URL

HEADERS = {"User-Agent": "paceline"}


async def warm(
    session: aiohttp.ClientSession, url: URL, *, tls: ssl.SSLContext | bool, wanted: int, within_s: float
) -> tuple[int, str | None]:
    """Open *wanted* connections to the server of *url*, at the same time. How many are open, and what stood in the way.

    tls: as for the requests that are to use them. within_s: seconds they may take.
    """

    async def knock() -> str | None:
        """Open one connection and leave it in the pool. What stood in the way, if anything."""
        try:
            async with (
                asyncio.timeout(within_s),
                session.head(url.origin(), allow_redirects=False, headers=HEADERS, ssl=tls) as response,
            ):
                closes = response.headers.get("Connection", "").lower() == "close"
                return "the server keeps no connection" if closes else None
        except TimeoutError:
            return f"not within {within_s:g} s"
        except TRANSPORT_ERRORS as error:
            return type(error).__name__

    failures = [why for why in await asyncio.gather(*(knock() for _ in range(wanted))) if why is not None]
    return wanted - len(failures), failures[0] if failures else None
