"""A benchmark's part in a process of its own, asked line by line.

What one library has loaded, the memory it holds and the threads it keeps are then no other's burden, and rounds can
still be interleaved: only one process works at a time.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TextIO

READY = "ready"


class Absent(Exception):
    """What was to be measured cannot be. The message says why."""


class Apart:
    """``python -m MODULE ARGUMENTS...``, from when it is ready until `close`.

    absent: why there is none; empty if it is there.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        said = self._read()
        self.absent = "" if said == READY else said or "its process ended"

    def _read(self) -> str:
        return self._process.stdout.readline().strip() if self._process.stdout else ""

    def ask(self, line: str) -> str:
        """What it answers to a line.

        Raises:
            Absent: it has ended.
        """
        if self._process.stdin:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        answer = self._read()
        if not answer:
            raise Absent("its process ended")
        return answer

    def close(self) -> None:
        """Let its process end."""
        self._process.communicate("")


def fresh(*arguments: str) -> str:
    """What ``python ARGUMENTS...`` prints, in a process of its own.

    Raises:
        Absent: it has failed.
    """
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Absent(done.stderr.strip().rpartition("\n")[2])
    return done.stdout


@contextmanager
def answering() -> Generator[TextIO]:
    """Within the process: where its answers go. What others print on standard output goes to standard error."""
    with os.fdopen(os.dup(1), "w", buffering=1) as said:
        os.dup2(2, 1)
        yield said


def library(name: str) -> Any:
    """The library *name*, none of which ships types that are worth a dependency of the type checkers.

    Raises:
        Absent: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Absent(f"not installed ({error})") from None
