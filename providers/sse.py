r"""Bytes of a ``text/event-stream`` in, events out, however the network cut them.

Decoding events is most of what a streamed answer costs this side of the network, so the common case is one
``bytes.replace``: frames of one ``data: {...}`` line each, with blank lines between. Everything else the format allows
(other ends of lines, comments, several ``data`` lines, a byte order mark) takes the longer way and gives the same
events.

Frames are found in bytes, before anything is decoded: a read may end inside a character. Each byte is looked at a
fixed number of times, also when a server sends one at a time. What is kept is bounded: a frame above the limit is an
error, not a growing buffer.

Comments and empty frames are not dropped: vendors send them while a call waits in their queue, and that is worth
knowing. They come out as events without data.

Source: the HTML standard, section 9.2.6. As there, a frame that the end of the body cuts short is no event. Not
there: ``id`` and ``retry`` are passed over, since an answer is never resumed by reconnecting.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

DEFAULT_MAX_FRAME_BYTES = 1 << 20

_BOM = b"\xef\xbb\xbf"
_END = b"\n\n"
_NEWLINE = b"\n"
LF, _CR = b"\n\r"  # as numbers: looking bytes up in bytes is ten times as much work
_PLAIN = b"data: "
_BETWEEN = b"\n\ndata: "
_SHORTER_BY = len(_BETWEEN) - len(_NEWLINE)


Lines: TypeAlias = bytes
"""The data of one event or several, a line each."""


class FrameTooLong(ValueError):
    """A frame is longer than the limit: a server that never ends a line must not fill our memory."""


class Event(msgspec.Struct, frozen=True, gc=False):
    r"""One frame of the stream.

    data: its ``data`` lines, joined by a newline; empty: a keep-alive.
    name: its ``event`` field; empty when it has none.
    comments: lines of it that are comments.
    """

    data: bytes
    name: bytes = b""
    comments: int = 0


class SseDecoder:
    """Decoder of one stream.

    max_frame_bytes: the longest frame that is accepted.
    """

    __slots__ = ("_after_cr", "_begun", "_broken", "_limit", "_pending")

    def __init__(self, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> None:
        self._limit = max_frame_bytes
        self._pending = bytearray()
        self._after_cr = False
        self._begun = False
        self._broken = False

    @property
    def unfinished(self) -> int:
        """Bytes of a frame that has begun and not ended."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Event]:
        """As `read`, but always events."""
        return events_of(self.read(data))

    def read(self, data: bytes) -> Lines | list[Event]:
        """What *data* completes: events, or where these are one line of data each, as they mostly are, the lines.

        Read empty bytes at the end of the body, to hear of an error still held.

        Raises:
            FrameTooLong: a frame is too long. Events before it are given out first, so that it does not depend on
                where the stream was cut.
        """
        if self._broken:
            self._refuse()
        if self._after_cr or _CR in data:
            data = self._with_plain_ends(data)
        pending = self._pending
        if pending:
            searched = len(pending) - 1
            pending += data
            if pending.find(_END, searched) < 0:
                if self._is_too_long(pending):
                    self._refuse()
                return []
            data = bytes(pending)
            pending.clear()
        end = data.rfind(_END)
        if end >= 6 and len(data) <= self._limit and data[:6] == _PLAIN:
            lines = data[6:end].replace(_BETWEEN, _NEWLINE)
            if lines.count(LF) * _SHORTER_BY == end - 6 - len(lines):  # one line each: no other newline is left
                self._begun = True
                if end + 2 < len(data):
                    pending += data[end + 2 :]
                return lines
        return self._the_longer_way(data)

    def _the_longer_way(self, data: bytes) -> list[Event]:
        frames = data.split(_END)
        rest = frames.pop()
        if rest:
            self._pending += rest
        if len(data) > self._limit:
            frames = self._within_limit(frames)
        if not self._begun and frames:
            self._begun = True
            frames[0] = frames[0].removeprefix(_BOM)
        return [_event_of_lines(frame) for frame in frames]

    def _within_limit(self, frames: list[bytes]) -> list[bytes]:
        """The frames before the first that is too long; the error waits until they have been taken."""
        for place, frame in enumerate(frames):
            if len(frame) > self._limit:
                self._broken, frames = True, frames[:place]
                break
        else:
            self._broken = self._is_too_long(self._pending)
        if self._broken and not frames:
            self._refuse()
        return frames

    def _is_too_long(self, unfinished: bytearray) -> bool:
        """Whether this can be no frame within the limit any more. Half a blank line is not counted."""
        return len(unfinished) - unfinished.endswith(_NEWLINE) > self._limit

    def _refuse(self) -> None:
        self._broken = True
        self._pending.clear()
        raise FrameTooLong(f"an event is longer than {self._limit} bytes")

    def _with_plain_ends(self, data: bytes) -> bytes:
        r"""*data* with ``\n`` for ``\r\n`` and ``\r``, wherever it was cut: what a ``\r`` ends, ends at once."""
        if not data:
            return data
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
            if not data:
                return data
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def events_of(said: Lines | list[Event]) -> list[Event]:
    """What was read, as events."""
    return [Event(line) for line in said.split(_NEWLINE)] if isinstance(said, bytes) else said


def _event_of_lines(frame: bytes) -> Event:
    name, comments = b"", 0
    said: list[bytes] = []
    for line in frame.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            said.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
        elif not field and line:
            comments += 1
    return Event(b"\n".join(said), name, comments)
