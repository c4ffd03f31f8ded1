"""Connections that are open before the first call needs one.

Each is opened by asking the server for the head of its front page: nothing is billed for it, no key goes along, and
whatever it answers, the connection behind is ready and has carried a request. (A bare connection would do for TCP and
TLS, but some servers close one that says nothing within seconds.)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from multidict import CIMultiDict, CIMultiDictProxy

from .http_head import Head
from .http_pool import TRANSPORT_ERRORS, HttpPool

if TYPE_CHECKING:
    from yarl import URL

HEADERS = CIMultiDictProxy(CIMultiDict({"User-Agent": "paceline"}))


async def warmed(pool: HttpPool, url: URL) -> tuple[int, str | None]:
    """Open the wanted connections to the server of *url*. How many are open, and what kept the others from it."""
    wanted, within_s = pool.connections.warm, pool.connections.warm_within_s
    failures = [why for why in await asyncio.gather(*(_knock(pool, url, within_s) for _ in range(wanted))) if why]
    return wanted - len(failures), failures[0] if failures else None


async def _knock(pool: HttpPool, url: URL, within_s: float) -> str | None:
    """Open one connection and leave it in the pool. What stood in the way, if anything."""
    try:
        async with asyncio.timeout(within_s):
            response = await pool.send(Head(method="HEAD", url=url.origin(), headers=HEADERS))
        response.close()  # it has no body, and so left its connection to the pool
        return "the server keeps no connection" if response.headers.get("Connection", "").lower() == "close" else None
    except TimeoutError:
        return f"not within {within_s:g} s"
    except TRANSPORT_ERRORS as error:
        return type(error).__name__
