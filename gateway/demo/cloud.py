"""All servers of the demo, run in a process of their own, so that they do not slow down what is measured.

The two processes talk in lines of JSON over the child's stdin and stdout: the plan goes down, the ports come up; a
line starts the clock of the incident, another asks how the machine kept up. The end of stdin, however it comes about,
ends the child: nothing is left running when this process dies. Signals from the terminal reach this process alone,
and modules in the current folder (``-P``) neither.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec

from .lag import Strain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

STARTS_WITHIN_S = 30.0
ENDS_WITHIN_S = 5.0

T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True):
    """What the servers are told: seconds and seed of the run, and who needs a set of them."""

    seconds: float
    seed: int
    contestants: tuple[str, ...]


class Ports(msgspec.Struct, frozen=True):
    """Where they listen: contestant, region, port."""

    ports: dict[str, dict[str, int]]


class CloudFailed(RuntimeError):
    """The servers did not start, or died. What the child said is on stderr."""


class Cloud:
    """The servers. Use it as ``async with Cloud(...) as cloud``.

    seconds, seed: of the run. contestants: each gets a set of servers of its own.
    """

    def __init__(self, *, seconds: float, seed: int, contestants: Sequence[str]) -> None:
        self._plan = Plan(seconds, seed, tuple(contestants))
        self._process: Process | None = None
        self.ports: dict[str, dict[str, int]] = {}
        """By contestant and region."""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", f"{__package__}.cloud_main", stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        try:
            self._tell(msgspec.json.encode(self._plan))
            self.ports = (await self._hear(Ports, STARTS_WITHIN_S)).ports
        except BaseException:
            await self._end()
            raise
        return self

    def begin(self) -> None:
        """The run begins: the servers' clock starts."""
        self._tell(b"begin")

    async def strain(self) -> Strain:
        """How the servers' process has kept up since `begin`."""
        self._tell(b"strain")
        return await self._hear(Strain, ENDS_WITHIN_S)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self._end()

    def _tell(self, line: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(line + b"\n")

    async def _hear(self, kind: type[T], within_s: float) -> T:
        line = b""
        if self._process is not None and self._process.stdout is not None:
            with suppress(TimeoutError, ConnectionError):
                line = await asyncio.wait_for(self._process.stdout.readline(), within_s)
        try:
            return msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError:
            raise CloudFailed("the demo's servers gave no answer: see above for what they said, if anything") from None

    async def _end(self) -> None:
        """Close its stdin, which ends it; kill it if that does not."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), ENDS_WITHIN_S)
        except BaseException:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
