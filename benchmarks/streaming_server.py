"""The vendor of `benchmarks.streaming`: a chat completions server that costs next to nothing, in a process of its own.

    python -m benchmarks.streaming_server SECONDS

prints its port and serves until its standard input ends. The path says how a stream comes: below ``/trickle`` an event
every so many *seconds*; below ``/burst`` in four pieces, one right after the other. A request for no stream is answered
in one piece, wherever it goes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

EVENTS = 64
PIECES = 4
COMMON = {"id": "chatcmpl-0123456789abcdef", "created": 1_700_000_000, "model": "bench-1"}
USAGE = {"prompt_tokens": 9, "completion_tokens": EVENTS, "total_tokens": 9 + EVENTS}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nx-request-id: req-1\r\n%b\r\n\r\n"


def event(choices: list[object], **fields: object) -> bytes:
    """One event of the stream, in an HTTP chunk of its own, as vendors' servers send it."""
    body = {"object": "chat.completion.chunk", **COMMON, "choices": choices, **fields}
    return in_chunk(b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n")


def in_chunk(data: bytes) -> bytes:
    """As a chunk of HTTP's chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def choice(delta: dict[str, object], finish_reason: str | None = None) -> list[object]:
    """The choices of an event."""
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]


STREAM = (
    event(choice({"role": "assistant", "content": ""})),
    *(event(choice({"content": f" word{number}"})) for number in range(EVENTS)),
    event(choice({}, "stop")),
    event([], usage=USAGE),
    in_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
)
STREAM_HEAD = HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked")
WHOLE_BODY = json.dumps(
    {
        "object": "chat.completion",
        **COMMON,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(f" word{number}" for number in range(EVENTS))},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
).encode()
WHOLE = HEAD % (b"application/json", b"Content-Length: %d" % len(WHOLE_BODY)) + WHOLE_BODY
SIZE = -(-len(STREAM) // PIECES)
BURST = tuple(b"".join(STREAM[place : place + SIZE]) for place in range(0, len(STREAM), SIZE))


class Vendor(asyncio.Protocol):
    """One connection."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._got += data
        head, end, rest = self._got.partition(b"\r\n\r\n")
        if not end or self._transport is None:
            return
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        if len(rest) < length:
            return
        self._got, body = rest[length:], rest[:length]
        if b'"stream":true' not in body.replace(b" ", b""):
            self._transport.write(WHOLE)
        elif b"/burst/" in lines[0]:
            self._transport.write(STREAM_HEAD)
            for piece in BURST:
                self._transport.write(piece)
        else:
            self._transport.write(STREAM_HEAD)
            self._trickle(0)

    def _trickle(self, number: int) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(STREAM[number])
        if number + 1 < len(STREAM):
            asyncio.get_running_loop().call_later(self._every_s, self._trickle, number + 1)


async def main(every_s: float) -> None:
    """Serve until whoever started this closes its end."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Vendor(every_s), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
