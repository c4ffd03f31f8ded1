"""`http_protocol`: reading is resumed where it was paused, and whoever reads hears of what breaks."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from typing import Any

import msgspec

from paceline.router import Chunk

from .loopback import DONE, STOP, asking, frame, question, replies, streams, text

GZIP: Mapping[str, Any] = {"Content-Encoding": "gzip"}

WORDS = [f"{number:08d}" * 64 for number in range(4096)]
"""Two megabytes: more than aiohttp and the sockets hold between them."""


def test_a_stream_that_comes_faster_than_it_is_taken_is_read_to_its_end() -> None:
    heard: list[str] = []
    paused: list[bool] = []
    stream = b"".join((*(frame(text(word)) for word in WORDS), frame(STOP), DONE))

    async def main() -> None:
        async with asking(streams(stream)) as asked:

            async def take_slowly(chunk: Chunk) -> None:
                heard.append(chunk.text)
                for _ in range(chunk.pieces):
                    await asyncio.sleep(0)
                (connection,) = asked.connector._acquired or (None,)
                paused.append(connection is not None and connection._reading_paused)

            await asked.router.send(question(), take_slowly)

    asyncio.run(main())

    assert "".join(heard) == "".join(WORDS)
    assert any(paused)


def test_an_answer_that_is_unpacked_piece_by_piece_is_read_to_its_end() -> None:
    words = "word " * (1 << 20)
    body = msgspec.json.encode({"choices": [{"index": 0, "message": {"content": words}, "finish_reason": "stop"}]})

    async def main() -> str:
        async with asking(replies(gzip.compress(body), **GZIP)) as asked:
            return (await asked.complete(stream=False)).text

    assert asyncio.run(main()) == words
