"""What ends a command from outside: Ctrl-C and SIGTERM, and the exit codes that say so."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SIGNALLED = 128
"""A program that a signal ended exits with this and the signal's number: 130 for Ctrl-C, 143 for SIGTERM."""


@contextmanager
def ended_by_signals(end: Callable[[], object]) -> Generator[list[int]]:
    """Inside, SIGINT and SIGTERM call *end*; the list holds those that came. To be entered within a running loop.

    Where a loop cannot handle signals (Windows), Ctrl-C is an exception.
    """
    loop = asyncio.get_running_loop()
    came: list[int] = []

    def take(number: int) -> None:
        came.append(number)
        end()

    with suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, take, number)
    try:
        yield came
    finally:
        with suppress(NotImplementedError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
