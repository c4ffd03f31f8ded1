"""What was measured, kept in a file from one run of the program to the next.

A program that starts anew knows no more than its profiles, and learns the rest on its users' time. With a file it goes
on from where the run before it stopped, or was stopped: the file is written once a minute and at the end, whole or not
at all, as a histogram log (`router.statistics.hlog`), which ``paceline report`` and the usual tools read.

An endpoint is known by its name. What is older than the windows is believed in place of its profile, until the
endpoint has shown what it is like now.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...router.errors import ConfigurationError, CorruptStatistics
from ...router.statistics import hlog

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ...router.statistics.snapshot import Snapshot
    from ..running import Running

EVERY_S = 60.0
"""Seconds between two writings: what a program loses at most that had no time to say farewell."""

SET_ASIDE = ".unreadable"
"""What the name of a file that cannot be read is lengthened by, so that it is not written over."""

log = logging.getLogger("paceline.gateway")


@asynccontextmanager
async def remembering(running: Running, path: Path | None, *, every_s: float = EVERY_S) -> AsyncGenerator[None]:
    """Begin with what *path* tells, and keep it up to date meanwhile. None: there is no such file.

    Raises:
        OSError: the file is there and cannot be read.
    """
    if path is None:
        yield
        return
    known = await asyncio.to_thread(_read, path)
    if known is not None:
        running.router.restore(known)
    ended = asyncio.Event()
    writing = asyncio.get_running_loop().create_task(_keep_writing(running, path, every_s, ended))
    try:
        yield
    finally:
        ended.set()
        await asyncio.wait([writing])


def _read(path: Path) -> Snapshot | None:
    """What is known; None of a file that is not there yet, or is damaged: that one is set aside and told of."""
    try:
        return hlog.load(path, now_epoch_s=_now_epoch_s())
    except FileNotFoundError:
        return None
    except CorruptStatistics as damaged:
        aside = path.with_name(path.name + SET_ASIDE)
        path.replace(aside)
        log.warning("what was measured before cannot be read and is now in %s: %s", aside, damaged)
        return None


async def _keep_writing(running: Running, path: Path, every_s: float, ended: asyncio.Event) -> None:
    """Now and then, and once more at the end; one after the other, so that the newest is what stays."""
    while not ended.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await ended.wait()
        await _write(running, path)


async def _write(running: Running, path: Path) -> None:
    """Write down what is known now. A full disk is no reason to stop serving."""
    try:
        known, now_epoch_s = running.router.snapshot(), _now_epoch_s()
        await asyncio.to_thread(hlog.save, path, known, now_epoch_s=now_epoch_s)
    except (ConfigurationError, OSError) as error:
        log.warning("what was measured could not be written to %s: %s", path, error)


def _now_epoch_s() -> float:
    return datetime.now(UTC).timestamp()
