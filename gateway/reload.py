"""Serve what the configuration file says now, whenever it changes or the program is sent SIGHUP.

    reload = Reload(running, Path("gateway.toml"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reload.run)

A file that cannot be used is refused with all its mistakes, and what was served before is served on. The file is looked
at once a second, by what the file system says of it, since that works on every system, over networks and in containers,
and with editors that put another file in its place. A change is taken up when the file has been left alone from one
look to the next: half a file can be good TOML.

What is read is the whole configuration. Keys and limits hold from the next request on, which whoever serves asks of
`Running.configuration`. An address and the number of processes cannot change while they are in use; that is told.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from ..router.errors import ConfigurationError
from .config import Configuration, ConfigurationRefused, needs_restart, read_file

if TYPE_CHECKING:
    from .running import Running

LOOK_EVERY_S = 1.0

log = logging.getLogger("paceline.gateway")

Stamp: TypeAlias = tuple[int, int, int, int]
"""What the file system says of a file: where it is, which, how long, and when it was written."""


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the last reload, as dashboard and ``/readyz`` tell it.

    at: when. ok: the file is served now. wrong: else, why not, a line each; what was served before is served on.
    needs_restart: what has changed and takes effect only when the program starts anew, in the file's words.
    """

    at: datetime
    ok: bool
    wrong: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()


class Reload:
    """Reads a file again and lets *running* serve it.

    running: what serves. path: the file. environ: variables that hold secrets; default, those of this process.
    every_s: seconds between two looks at the file. Default 1.
    adapt: what becomes of a configuration before it is served, such as what the command line puts in its place.
    now: the time of day, for what is told.
    served: `stamp_of` the file from before it was read, so that a change in between is seen. Default, as it is now.
    """

    def __init__(
        self,
        running: Running,
        path: Path,
        environ: Mapping[str, str] | None = None,
        *,
        every_s: float = LOOK_EVERY_S,
        adapt: Callable[[Configuration], Configuration] = lambda given: given,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        served: Stamp | None = None,
    ) -> None:
        self.path = path
        self.last: Reloaded | None = None
        """The last reload; None: there was none yet."""
        self._running = running
        self._environ = environ
        self._every_s = every_s
        self._adapt = adapt
        self._now = now
        self._at_start = running.configuration.settings
        self._asked = asyncio.Event()
        self._served = served or stamp_of(path)

    def ask(self) -> None:
        """Read the file at the next opportunity, changed or not. SIGHUP does this."""
        self._asked.set()

    async def run(self) -> None:
        """Look after the file until cancelled. Takes SIGHUP for its own meanwhile, in a program's main thread."""
        with self._on_sighup():
            before = self._served
            while True:
                asked = await self._wait()
                stamp = stamp_of(self.path)
                settled, before = stamp == before, stamp
                if asked or (settled and stamp not in {None, self._served}):
                    await self.once()

    async def once(self) -> Reloaded:
        """Read the file and serve it, or say why not. Never raises on account of the file."""
        self._asked.clear()
        self._served = stamp_of(self.path)
        try:
            given = self._adapt(await asyncio.to_thread(read_file, self.path, self._environ))
            await self._running.replace(given)
        except ConfigurationRefused as refused:
            self.last = self._refused(tuple(str(mistake) for mistake in refused.mistakes))
        except Exception as error:
            if not isinstance(error, ConfigurationError):
                log.debug("what could not be opened", exc_info=True)
            self.last = self._refused((f"{type(error).__name__}: {error}",))
        else:
            self.last = self._accepted(given)
        return self.last

    async def _wait(self) -> bool:
        """Until it is time to look, or until somebody asks; whether somebody has."""
        try:
            async with asyncio.timeout(self._every_s):
                await self._asked.wait()
        except TimeoutError:
            return False
        return True

    def _accepted(self, given: Configuration) -> Reloaded:
        waiting = needs_restart(self._at_start, given.settings)
        log.info("%s is served now", self.path)
        if waiting:
            log.warning("%s: a change of %s takes effect at the next start", self.path, ", ".join(waiting))
        return Reloaded(at=self._now(), ok=True, needs_restart=waiting)

    def _refused(self, wrong: tuple[str, ...]) -> Reloaded:
        log.error("%s is refused, and what was served before is served on:\n  %s", self.path, "\n  ".join(wrong))
        return Reloaded(at=self._now(), ok=False, wrong=wrong)

    @contextmanager
    def _on_sighup(self) -> Generator[None]:
        if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGHUP, self.ask)
        except (NotImplementedError, RuntimeError):  # a loop that knows no signals
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)


def stamp_of(path: Path) -> Stamp | None:
    """What the file system says of a file; None: it is not there, as while an editor puts another in its place."""
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns
