"""Several processes that serve one address, and one that looks after them.

Each worker is the whole program, with a router of its own: it learns, ejects and counts for itself, and the kernel
shares out the connections (SO_REUSEPORT). So slots and rate limits are per worker: an endpoint's ``slots`` of 200 and
four workers are up to 800 calls.

For the same reason the figures of one worker are not those of all. A scrape of the shared address would meet another
worker each time, and counters would jump. So the watching pages of worker *i* are at the watching port plus *i*, on
loopback unless ``watch_bind`` says otherwise: have Prometheus scrape them all, and let it add them up.

The parent binds the port first, so that an address in use is told once and a port of 0 is the same for all. A worker
that dies is started again, after a second; SIGTERM, SIGINT and SIGHUP are handed on to all. When the parent itself is
killed, the end of their standard input tells the workers.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from typing import TYPE_CHECKING

from ..config.settings import LOOPBACK, Bind

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from ..config import Configuration, Settings
    from .options import ServeOptions

AGAIN_AFTER_S = 1.0
BEYOND_GRACE_S = 10.0
"""What a worker may take over its grace before it is killed."""


def watch_bind_of(settings: Settings, worker: int) -> Bind:
    """Where the watching pages of one worker are."""
    given = settings.watch_bind or Bind(host=LOOPBACK, port=settings.bind.port + 1)
    return Bind(host=given.host, port=given.port + worker if given.port else 0)


def supervise(configuration: Configuration, options: ServeOptions) -> int:
    """Run the workers until told to end. Gives the exit code: 0 after a signal."""
    settings = configuration.settings
    family = socket.AF_INET6 if ":" in settings.bind.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as held:  # never listened at: it only keeps the port
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((settings.bind.host, settings.bind.port))
        port: int = held.getsockname()[1]
        return asyncio.run(_Workers(settings, options, port).run())


class _Workers:
    def __init__(self, settings: Settings, options: ServeOptions, port: int) -> None:
        self._settings = settings
        self._options = options
        self._port = port
        self._processes: dict[int, Process] = {}
        self._ending = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self._tell, signal.SIGHUP)
        async with asyncio.TaskGroup() as group:
            for worker in range(self._settings.workers):
                group.create_task(self._keep(worker))
        return 0

    async def _keep(self, worker: int) -> None:
        """Have one worker run, until the end."""
        while not self._ending.is_set():
            process = await asyncio.create_subprocess_exec(
                *self._command(worker), stdin=asyncio.subprocess.PIPE, start_new_session=True
            )
            self._processes[worker] = process
            if self._ending.is_set():
                process.send_signal(signal.SIGTERM)
            code = await self._ended(process)
            del self._processes[worker]
            if not self._ending.is_set():
                print(f"paceline: worker {worker} ended with {code}, and is started again", file=sys.stderr)
                await self._pause()

    async def _ended(self, process: Process) -> int:
        """Its exit code. Once the end has begun, it has its grace and no more."""
        waiting = asyncio.ensure_future(process.wait())
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait((waiting, ending), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                await asyncio.wait((waiting,), timeout=self._settings.grace_s + BEYOND_GRACE_S)
            if not waiting.done():
                process.kill()
            return await waiting
        finally:
            ending.cancel()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(AGAIN_AFTER_S):
                await self._ending.wait()
        except TimeoutError:
            pass

    def _command(self, worker: int) -> list[str]:
        given = self._options
        command = [sys.executable, "-m", "paceline.gateway", "serve"]
        if given.config is not None:
            command.append(str(given.config))
        command += ["--host", self._settings.bind.host, "--port", str(self._port)]
        command += ["--workers", str(self._settings.workers), "--worker", str(worker)]
        if given.record is not None:
            command += ["--record", str(given.record)]
        if given.remember is not None:
            command += ["--remember", str(given.remember)]
        return [*command, "--quiet"] if given.quiet else command

    def _end(self, number: int) -> None:
        self._ending.set()
        self._tell(signal.SIGTERM if number == signal.SIGTERM else signal.SIGINT)

    def _tell(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                process.send_signal(number)
