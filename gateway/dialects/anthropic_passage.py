"""An answer that Anthropic itself streams, on its way to a client of Anthropic's: in the bytes it came in.

Nothing is lost that has no field here, and nothing is encoded twice. That holds from the vendor's first event on, and
for as long as each event goes on with the same message: a policy may have another endpoint go on with the answer, or
change a piece of it, and then the numbers of blocks would not hold any more. So what has begun and not ended is kept in
mind, and each event is looked at for whether it fits. Nearly all are a delta of the block that began last, which the
bytes tell that such an event begins with.
"""

from __future__ import annotations

import msgspec

NO_EVENT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NONE_YET = b"\0"
"""What no event begins with."""

NEWLINE = 0x0A
"""As a number: bytes are searched for one in a tenth of the time."""

DELTA = b"event: content_block_delta\ndata: %b\n\n"


class _Block(msgspec.Struct, frozen=True):
    type: str = ""


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    index: int = -1
    content_block: _Block = _Block()


_decode = msgspec.json.Decoder(_Event).decode


class Passage:
    """What has gone by of one message.

    open: the blocks that have begun and not ended: their kinds by their numbers. last: the number of the block that
    began last; -1 before the first. is_over: ``message_stop`` has gone by.
    """

    __slots__ = ("_begun", "_going_on", "is_over", "last", "open")

    def __init__(self) -> None:
        self._begun = False
        self._going_on = NONE_YET
        self.open: dict[int, str] = {}
        self.last = -1
        self.is_over = False

    def framed(self, raw: bytes) -> bytes | None:
        """The event whose JSON is *raw*, as it goes out; None if it does not go on with this message."""
        if raw.startswith(self._going_on) and NEWLINE not in raw:
            return DELTA % raw
        try:
            event = _decode(raw)
        except NO_EVENT:
            return None
        if not self._fits(event):
            return None
        return b"event: %b\ndata: %b\n\n" % (event.type.encode(), raw.replace(b"\n", b"\ndata: "))

    def all_framed(self, lines: bytes) -> bytes | None:
        """As `framed`, of several events, a line each."""
        events = [self.framed(raw) for raw in lines.split(b"\n")]
        fitting = [event for event in events if event is not None]
        return b"".join(fitting) if len(fitting) == len(events) else None

    def _fits(self, event: _Event) -> bool:
        """Whether it goes on with the message; if so, keep in mind what it does. Of what is not known, all fits."""
        kind, index = event.type, event.index
        if kind == "message_start":
            begins, self._begun = not self._begun, True
            return begins
        if not self._begun or self.is_over or not kind or not kind.isprintable():
            return False
        if kind == "content_block_delta":
            return index in self.open
        if kind == "content_block_start":
            fits = index > self.last
            if fits:
                self.open[index] = event.content_block.type
                self.last = index
                self._going_on = b'{"type":"content_block_delta","index":%d,' % index
            return fits
        if kind == "content_block_stop":
            if index == self.last:
                self._going_on = NONE_YET
            return self.open.pop(index, None) is not None
        self.is_over = kind == "message_stop"
        return True
