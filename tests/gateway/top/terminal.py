"""The program in a terminal of its own, as a person has it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Generator
from contextlib import contextmanager

PATIENCE_S = 30.0
PRESS_AGAIN_S = 5.0


class Terminal:
    """One program in a pseudo-terminal. said: everything it has written so far."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self.descriptor = descriptor
        self.process = process
        self.said = ""

    def until(self, words: str) -> None:
        """Read until *words* have been said, since the last time."""
        ends_s = time.monotonic() + PATIENCE_S
        begin = len(self.said)
        while words not in self.said[begin:]:
            assert time.monotonic() < ends_s, f"{words!r} was never said, but {self.said[begin:][-1000:]!r}"
            self._read(0.1)

    def press(self, key: bytes) -> None:
        os.write(self.descriptor, key)

    def interrupt(self) -> None:
        """Ctrl-C, and again as a person would: one in the instant before Python waits for a line is not seen by it."""
        ends_s, again_s = time.monotonic() + PATIENCE_S, 0.0
        while self.process.poll() is None and time.monotonic() < ends_s:
            if time.monotonic() >= again_s:
                self.process.send_signal(signal.SIGINT)
                again_s = time.monotonic() + PRESS_AGAIN_S
            self._read(0.05)

    def code(self) -> int:
        """Its exit code. What it still says is read meanwhile, as a terminal does."""
        ends_s = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < ends_s, f"it does not end; it said {self.said[-2000:]!r}"
            self._read(0.05)
        self._read(0.05)
        assert self.process.returncode is not None
        return self.process.returncode

    def settings(self) -> list[object]:
        return list(termios.tcgetattr(self.descriptor))

    def _read(self, within_s: float) -> None:
        ready, _, _ = select.select([self.descriptor], [], [], within_s)
        if ready:
            try:
                self.said += os.read(self.descriptor, 65536).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                return


@contextmanager
def terminal(*arguments: str, columns: int = 100, lines: int = 30) -> Generator[Terminal]:
    """``paceline`` with *arguments*, in a terminal of that size. It is killed if it outlives the test."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "paceline.gateway", *arguments],
        stdin=its, stdout=its, stderr=its, env={**os.environ, "TERM": "xterm-256color"}, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    try:
        yield Terminal(ours, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
