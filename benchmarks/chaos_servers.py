"""The vendors of `benchmarks.chaos`: three servers on loopback, of which the first goes wrong as it is told.

    python -m benchmarks.chaos_servers

says ``ready``, and then answers each line of its input: ``urls`` with the base URLs; the name of a fault, with ``ok``,
after which the first server has it; ``count``, with how many requests were received since then.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from benchmarks.apart import READY, answering
from benchmarks.chaos_faults import NO_FAULT, REFUSED, Ending, Fault, plays

SERVERS = 3
URLS, COUNT = "urls", "count"


class Vendor:
    """One server. requests: how many were received."""

    def __init__(self) -> None:
        self.requests = 0
        self.port = 0
        self._plays = plays(NO_FAULT)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def become(self, fault: str) -> None:
        """From now on, answer so; or, where nobody is to listen, not at all."""
        self._plays = plays(fault)
        self.requests = 0
        if fault == REFUSED:
            self.leave()
        elif self._server is None:
            await self.listen()

    async def listen(self) -> None:
        """Take connections, always at the same port."""
        self._server = await asyncio.start_server(self.talk, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def leave(self) -> None:
        """As when a process dies: nobody listens, and every connection is cut."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._connections:
            writer.transport.abort()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until one of both closes it."""
        self._connections.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
                length = next((int(line[15:]) for line in head if line.startswith(b"content-length:")), 0)
                await reader.readexactly(length)
                self.requests += 1
                fault = next(self._plays)
                if not await self._play(fault, reader, writer):
                    break
        self._connections.discard(writer)
        writer.close()

    async def _play(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Gives whether the connection serves another."""
        for step in fault.steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            else:
                await asyncio.sleep(step)
        if fault.ending is Ending.HANG:
            await reader.read()  # until the client leaves
        elif fault.ending is Ending.RESET:
            writer.transport.abort()
        return fault.ending is Ending.KEEP


async def main() -> None:
    """Serve until there is nothing more to read."""
    vendors = [Vendor() for _ in range(SERVERS)]
    loop = asyncio.get_running_loop()
    for vendor in vendors:
        await vendor.listen()
    with answering() as said:
        print(READY, file=said)
        while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            if line == URLS:
                print(*(f"http://127.0.0.1:{vendor.port}/v1" for vendor in vendors), file=said)
            elif line == COUNT:
                print(sum(vendor.requests for vendor in vendors), file=said)
            else:
                for number, vendor in enumerate(vendors):
                    await vendor.become(NO_FAULT if number else line)
                print("ok", file=said)
    for vendor in vendors:
        vendor.leave()


if __name__ == "__main__":
    asyncio.run(main())
