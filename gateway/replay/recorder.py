"""Writes down what happens, for `replay`: a listener of a router.

    Router(endpoints, routes, stack, listeners=[Recorder(path="traffic.jsonl", endpoints=endpoints)])

It is told of each call when that has ended. A line costs some microseconds and goes to a buffer; the buffer goes to the
file when it is large, or a second old when the next call ends, so a program that is killed loses little. Files are of
bounded size, and only so many of them are kept: nothing fills the disk. If the disk fails, nothing more is written, and
the log says so once; no call is disturbed.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import attrs
import msgspec

from ...router import CallEnded, check
from .recording import FORMAT, Header, Placed
from .records import call_record

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ...router import Clock, Endpoint, Event

log = logging.getLogger("paceline")

MEBIBYTE = 1024 * 1024
FLUSH_BYTES = 64 * 1024
FLUSH_AFTER_S = 1.0


@attrs.define(kw_only=True, eq=False)
class Recorder:
    """Records calls into *path*. Full files move on to ``path.1``, ``path.2`` and so on, the oldest last.

    path: made anew if it is not there, and moved on to ``path.1`` if it is. endpoints: of the router.
    most_bytes: of one file, above 0. Default 64 MiB, some 100,000 calls.
    keep: files kept beside the one that is written, at least 0. Default 4.
    decisions: whether the words of each decision are written too; they are half of a file. Default True.
    clock: the router's, seconds. Default `time.monotonic`.

    Use it as ``with Recorder(...) as recorder``, or `close` it: what is in the buffer is written then.

    Raises:
        OSError: the file cannot be made.
    """

    path: Path = attrs.field(converter=Path)
    endpoints: tuple[Endpoint, ...] = attrs.field(converter=tuple["Endpoint", ...])
    most_bytes: int = attrs.field(default=64 * MEBIBYTE, validator=check.count(1))
    keep: int = attrs.field(default=4, validator=check.count(0))
    decisions: bool = True
    clock: Clock = attrs.field(default=time.monotonic, repr=False)

    _opened: datetime = attrs.field(factory=lambda: datetime.now(UTC), init=False, repr=False)
    _opened_s: float = attrs.field(
        default=attrs.Factory(lambda self: self.clock(), takes_self=True), init=False, repr=False
    )
    _file: BinaryIO | None = attrs.field(default=None, init=False, repr=False)
    _buffer: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _encoder: msgspec.json.Encoder = attrs.field(factory=msgspec.json.Encoder, init=False, repr=False)
    _began_s: float = attrs.field(default=0.0, init=False, repr=False)
    _flushed_s: float = attrs.field(default=0.0, init=False, repr=False)
    _written: int = attrs.field(default=0, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._file = self._begun()

    def __call__(self, event: Event) -> None:
        """Write down a call that has ended."""
        if self._file is None or not isinstance(event, CallEnded):
            return
        self._buffer += self._encoder.encode(call_record(event, self._began_s, decisions=self.decisions))
        self._buffer += b"\n"
        if len(self._buffer) >= FLUSH_BYTES or event.at_s - self._flushed_s >= FLUSH_AFTER_S:
            self._flushed_s = event.at_s
            self.flush()

    def flush(self) -> None:
        """Write what is in the buffer."""
        if self._file is None or not self._buffer:
            return
        try:
            self._file.write(self._buffer)
            self._written += len(self._buffer)
            if self._written >= self.most_bytes:
                self._file.close()
                self._file = self._begun()
        except OSError as fault:
            log.error("recording to %s has ended: %s", self.path, fault.strerror)  # noqa: TRY400  the file is no bug
            self._give_up()
        finally:
            self._buffer.clear()

    def close(self) -> None:
        """Write what is in the buffer, and no more after that. Closing twice is harmless."""
        self.flush()
        self._give_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _give_up(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def _now(self) -> datetime:
        """Wall time, as it was when this was made and on by the clock: nobody who sets it moves the files apart."""
        return self._opened + timedelta(seconds=self.clock() - self._opened_s)

    def _begun(self) -> BinaryIO:
        """A new file with its header; the files before it move on by one."""
        for number in range(self.keep, 0, -1):
            older = self.path if number == 1 else _numbered(self.path, number - 1)
            if older.exists():
                older.replace(_numbered(self.path, number))
        placed = tuple(
            Placed(name=each.name, model=each.model, region=each.region, provider=each.provider.name)
            for each in self.endpoints
        )
        header = Header(paceline=FORMAT, began=self._now(), endpoints=placed)
        self._began_s = self._flushed_s = self.clock()
        line = self._encoder.encode(header) + b"\n"
        file = self.path.open("wb", buffering=0)
        file.write(line)
        self._written = len(line)
        return file


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
