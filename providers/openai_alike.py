"""Frames of one stream that differ in nothing but their text.

Most servers repeat everything else in each frame of a stream, to the byte: id, model, time, a null here and there. Once
it is known what stands before a frame's text and what behind it, a whole read of them is split at that, and the texts
are decoded in one go. So a word costs what it weighs, not what is packed around it.

It is a shortcut and never another reading: a frame that is built otherwise, by a single byte, is decoded as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..router.chunk import Chunk
from .error_body import NO_JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from .sse import Lines

QUOTE = b'"'
SAMPLE = "another text"

_decode = msgspec.json.Decoder(list[str]).decode


class Alike:
    """What stands before the text of each frame, the opening quote included, and what behind it."""

    __slots__ = ("_after", "_before", "_between")

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._between = b"%b\n%b" % (after, before)

    def first_of(self, lines: Lines) -> Chunk | None:
        """As many of the frames, from the first on, as are built so, as one chunk; None if the first is not."""
        before, after = self._before, self._after
        last = lines.rfind(before) if lines.startswith(before) else -1
        end = lines.find(after, last + len(before)) + len(after)
        if last < 0 or end < len(after) or lines[end : end + 1] not in {b"", b"\n"}:
            return None
        run, begin, length = lines[:end], len(before), len(after)
        texts = [line[begin:-length] for line in run.split(b"\n")]
        if before + self._between.join(texts) + after != run:  # looked for in one go: a search for each costs more
            return None
        try:
            said = _decode(b'["%b"]' % b'","'.join(texts))
        except NO_JSON:
            return None
        if len(said) != len(texts):  # a quote among them: it was no text
            return None
        return Chunk("".join(said), raw=run, pieces=len(said))


def alike(chunk: Chunk, read: Callable[[bytes], Chunk]) -> Alike | None:
    """How the frame is built that *chunk* is of, which says nothing but text. *read*: makes a chunk of a frame.

    None where it cannot be told: whether it is the text that was found is tried out, with another one in its place.
    """
    text = chunk.text
    before, found, after = chunk.raw.partition(QUOTE + text.encode() + QUOTE)
    if not found or text == SAMPLE:
        return None
    before, after = before + QUOTE, QUOTE + after
    sample = before + SAMPLE.encode() + after
    try:
        is_text = read(sample) == Chunk(SAMPLE, raw=sample)
    except NO_JSON:
        return None
    return Alike(before, after) if is_text else None
