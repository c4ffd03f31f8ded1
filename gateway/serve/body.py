"""A request's body, of at most so many bytes and within so many seconds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import ClientPayloadError, web

from ..dialects.refused import BodyTooLarge, BodyTooSlow, Mistake, NotJson

if TYPE_CHECKING:
    from aiohttp import StreamReader

    from ..config import Settings

JSON = "application/json"


async def body_of(http: web.BaseRequest, settings: Settings) -> bytes:
    """The whole body.

    Raises:
        NotJson: it is not said to be JSON. BodyTooLarge, BodyTooSlow: it is more, or later, than the settings allow.
        Mistake: it cannot be read, for it is not compressed as it says.
    """
    kind = http.headers.get("Content-Type", "")
    if kind != JSON and kind.partition(";")[0].strip().lower() != JSON:
        raise NotJson(f"send the header Content-Type: {JSON}")
    most = settings.max_body_bytes
    if (http.content_length or 0) > most:
        raise _too_large(most)
    content = http.content
    try:
        if content.is_eof():  # it came with the headers, as nearly all do
            body = content.read_nowait()
        else:
            async with asyncio.timeout(settings.body_timeout_s):
                body = await _read(content, most)
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {settings.body_timeout_s:g} s") from None
    except (web.RequestPayloadError, ClientPayloadError):
        raise Mistake("the body cannot be read: is it as its Content-Encoding and Transfer-Encoding say?") from None
    if len(body) > most:
        raise _too_large(most)
    return body


async def _read(content: StreamReader, most: int) -> bytes:
    body = bytearray()
    while data := await content.readany():
        body += data
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is longer than {most} bytes, the most that this gateway takes")
