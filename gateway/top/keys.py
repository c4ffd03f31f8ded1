"""Keys of the terminal, one at a time and without Enter. Where there is no such terminal, none ever come."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

if sys.platform != "win32":
    import termios
    import tty


ARROWS = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O.)")
"""Keys that begin as Escape does, and are not meant as that."""


@contextmanager
def keys(press: Callable[[str], object]) -> Generator[None]:
    """Inside, *press* is told of each key. The terminal is as before afterwards, whatever happens.

    To be entered within a running loop.
    """
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    descriptor, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        try:
            pressed = os.read(descriptor, 64)
        except OSError:
            pressed = b""
        if not pressed:
            loop.remove_reader(descriptor)  # the terminal is gone
        for key in ARROWS.sub("", pressed.decode("utf-8", "replace")):
            press(key)

    try:
        tty.setcbreak(descriptor)  # Ctrl-C stays a signal
        loop.add_reader(descriptor, read)
        yield
    finally:
        loop.remove_reader(descriptor)
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
