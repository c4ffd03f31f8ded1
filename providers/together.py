"""The chunks of one read: pieces that came at the same moment and say nothing but text are one.

Behind a busy proxy, or from a fast model, a read brings dozens of events. They are all there at once, so nothing comes
later for being handed on together; and what stands behind a provider (policies, limits, marks, a gateway's socket) is
then gone through once for a read, not once for a word.

What says more than text stays a chunk of its own, in its place, and so does the first progress: with it the answer
begins, and a failure right behind it must not take it along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..router.chunk import Chunk
from .sse import LF, events_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..router.ledger import Attempt
    from .sse import Event, Lines


class Reader(Protocol):
    """What makes a chunk of an event, or None of one that carries none, and is done when no more can follow."""

    done: bool

    def chunk(self, event: Event, /) -> Chunk | None:
        """As `AnswerReader.chunk`."""
        ...


def together(answer: Reader, said: Lines | list[Event], attempt: Attempt) -> Iterator[Chunk]:
    """The chunks that the events of one read carry, as few as say the same.

    Raises:
        AttemptFailed: *answer* did. What came before that is given out first.
    """
    texts: list[Chunk] = []
    try:
        for event in events_of(said):
            if answer.done:
                break
            chunk = answer.chunk(event)
            if chunk is None:
                continue
            if attempt.first_progress_s is not None and says_only_text(chunk):
                texts.append(chunk)
                continue
            if texts:
                yield _one(texts)
                texts.clear()
            yield chunk
    except Exception:
        if texts:
            yield _one(texts)
        raise
    if texts:
        yield _one(texts)


def apart(answer: Reader, said: Lines | list[Event]) -> Iterator[Chunk]:
    """The chunks that the events of one read carry, each for itself. Raises as *answer* does."""
    for event in events_of(said):
        chunk = answer.chunk(event)
        if chunk is not None:
            yield chunk
        if answer.done:
            return


def says_only_text(chunk: Chunk) -> bool:
    """Whether a piece, as it came, has text and nothing else."""
    text, raw = chunk.text, chunk.raw
    return bool(text) and chunk == Chunk(text, raw=raw) and LF not in raw


def _one(texts: list[Chunk]) -> Chunk:
    if len(texts) == 1:
        return texts[0]
    raw = b"\n".join([chunk.raw for chunk in texts])
    return Chunk("".join([chunk.text for chunk in texts]), raw=raw, pieces=len(texts))
