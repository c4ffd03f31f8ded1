"""The client of `benchmarks.gateway`, in a process of its own: it must not be what is measured.

    python -m benchmarks.gateway_clients

reads lines ``URL WAY CALLS``, makes so many calls over sixteen connections, and answers with the seconds they took
together and the median and 99th percentile of one, in milliseconds. It speaks HTTP by hand: an SDK costs more than all
servers that are compared.
"""

from __future__ import annotations

import asyncio
import sys
import time

CONNECTIONS = 16


async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """Ask, and read the answer to its end."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())
    _, found, rest = head.partition(b"content-length:")
    if found:
        await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    else:
        await reader.readuntil(b"\r\n0\r\n\r\n")


async def drive(url: str, way: str, calls: int) -> tuple[float, float, float]:
    """So many calls of one way."""
    port = int(url.rpartition(":")[2].partition("/")[0])
    path = "/" + url.partition("://")[2].partition("/")[2]
    stream = "" if way == "whole" else ',"stream":true'
    body = f'{{"model":"{way}","messages":[{{"role":"user","content":"hello"}}]{stream}}}'
    head = (
        f"POST {path.rstrip('/')}/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer bench\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request = (head + body).encode()
    took_s: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(calls // CONNECTIONS):
            began_s = time.perf_counter()
            await one(reader, writer, request)
            took_s.append(time.perf_counter() - began_s)
        writer.close()

    began_s = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    together_s = time.perf_counter() - began_s
    took_s.sort()
    return together_s, took_s[len(took_s) // 2] * 1000, took_s[int(len(took_s) * 0.99)] * 1000


def main() -> None:
    """Do as asked until there is nothing more to read."""
    for line in sys.stdin:
        url, way, calls = line.split()
        print(*asyncio.run(drive(url, way, int(calls))), flush=True)


if __name__ == "__main__":
    main()
