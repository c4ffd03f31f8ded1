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


END = 64
"""Characters at the end of a prefix by which it is found again."""

MOST_KEPT = 256


class Prefixes:
    """The numbers of prompts' beginnings, those of late remembered.

    To compare a text with one that is known costs a tenth of working out its number. What is remembered is found by its
    last characters, and believed if all of it is the same.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, int]] = {}

    def of(self, request: Request, characters: int) -> int | None:
        """As `prefix_of`, of what a call asks; always with the same *characters*."""
        messages = request.messages
        content = messages[0].get("content") if messages else None
        if not isinstance(content, str) or len(content) < characters:
            return prefix_of(texts_of(request), characters)
        end = content[characters - END if characters > END else 0 : characters]
        known = self._known.get(end)
        if known is not None and content.startswith(known[0]):
            return known[1]
        number = _number(content[:characters])
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[end] = content[:characters], number
        return number


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
    return _number(first[:characters])


def _number(prefix: str) -> int:
    return crc32(prefix.encode("utf-8", "surrogatepass"))


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
