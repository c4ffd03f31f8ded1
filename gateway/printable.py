"""Text from elsewhere, on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text out of a file or off a wire, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
