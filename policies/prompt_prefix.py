"""A number for the beginning of a prompt, by which calls that share it are told to belong together.

What counts is the text of the messages, in their order, up to so many characters; roles, tools and pictures do not.
Leaving something out can only put calls together that differ, never part those that are alike, so the cheapest part
that tells most of them apart is the right one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast
from zlib import crc32

from ..router.operation import COMPLETION

if TYPE_CHECKING:
    from ..router.request import Message, Request


def texts_of(request: Request) -> Sequence[Message]:
    """What a prefix is sought in: the messages, or the text to go on with. None of embeddings: they have no cache."""
    if request.operation is not COMPLETION:
        return request.messages
    return ({"content": request.prompt},) if isinstance(request.prompt, str) else ()


def prefix_of(messages: Sequence[Message], characters: int) -> int | None:
    """A number below 2**32 that is the same for all prompts with the same first *characters*; None for shorter ones."""
    if not messages:
        return None
    first = messages[0].get("content")
    if not isinstance(first, str) or len(first) < characters:
        first = _text(messages, characters)
        if len(first) < characters:
            return None
    return crc32(first[:characters].encode("utf-8", "surrogatepass"))


def _text(messages: Sequence[Message], characters: int) -> str:
    """The text of the messages, at least *characters* of it if there are so many."""
    pieces: list[str] = []
    missing = characters
    for message in messages:
        for piece in _pieces(message.get("content")):
            pieces.append(piece)
            missing -= len(piece)
            if missing <= 0:
                return "".join(pieces)
    return "".join(pieces)


def _pieces(content: object) -> Sequence[str]:
    """The texts of one message: its content, or those of its content's parts."""
    if isinstance(content, str):
        return (content,)
    if not isinstance(content, Sequence):
        return ()
    parts = (
        cast("Mapping[str, object]", part) for part in cast("Sequence[object]", content) if isinstance(part, Mapping)
    )
    return [text for part in parts if isinstance(text := part.get("text"), str)]
