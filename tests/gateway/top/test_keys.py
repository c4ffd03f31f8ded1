"""Keys as they come from a terminal, and none where there is no terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

import pytest

from paceline.gateway.top.keys import keys


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Generator[TextIO]:
    """The other end of the terminal that is this program's standard input."""
    ours, its = pty.openpty()
    with os.fdopen(its) as stdin, os.fdopen(ours, "w") as out:
        monkeypatch.setattr("sys.stdin", stdin)
        yield out


async def heard(person: TextIO, pressed: str, until: str) -> list[str]:
    """What is told of *pressed*, up to the key *until*."""
    told, enough = list[str](), asyncio.Event()

    def press(key: str) -> None:
        told.append(key)
        if key == until:
            enough.set()

    with keys(press):
        person.write(pressed)
        person.flush()
        async with asyncio.timeout(10.0):
            await enough.wait()
    return told


@pytest.mark.parametrize(
    ("pressed", "told"),
    [
        ("spq", "spq"),
        ("\x1b[Aq", "q"),
        ("\x1b[1;5Cs\x1bOPq", "sq"),
        ("\x1b[3~q", "q"),
        ("ä q", "ä q"),
        ("\x1bq", "\x1bq"),
    ],
)
def test_each_key_is_told_and_an_arrow_is_no_escape(person: TextIO, pressed: str, told: str) -> None:
    assert asyncio.run(heard(person, pressed, "q")) == list(told)


def test_the_terminal_is_as_before_afterwards(person: TextIO) -> None:
    before = termios.tcgetattr(person.fileno())

    async def main() -> None:
        with keys(print):
            assert termios.tcgetattr(person.fileno())[3] != before[3]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
    assert termios.tcgetattr(person.fileno()) == before


def test_without_a_terminal_no_key_ever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def main() -> None:
        with keys(told.append):
            await asyncio.sleep(0)

    with Path("/dev/null").open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        asyncio.run(main())
    assert told == []


def test_a_terminal_that_is_gone_is_read_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = pty.openpty()
    told: list[str] = []

    async def main() -> bool:
        with keys(told.append):
            os.close(ours)
            for _ in range(5):
                await asyncio.sleep(0)
            return asyncio.get_running_loop().remove_reader(its)

    with os.fdopen(its) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert not asyncio.run(main())
    assert told == []
