"""A vector as it came over the wire, whose numbers are made when somebody looks at them.

Most who ask for embeddings through a gateway never look: the bytes go on as they came. Numbers in JSON take 30 µs a
vector to read, so they are only looked through here: JSON that is valid, begins with a bracket and has nothing but
numbers inside is known by what it does not contain.

In ``base64`` a vector is its numbers as 32-bit floats, little end first.
"""

from __future__ import annotations

import sys
from array import array
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Sequence
from typing import overload

import msgspec

NO_NUMBERS = (b'"', b"{", b"n", b"t", b"f")
"""What a text, an object, ``null``, ``true`` and ``false`` have in them, and numbers have not."""

FLOAT_BYTES = 4

_text = msgspec.json.Decoder(str).decode
_numbers = msgspec.json.Decoder(list[float]).decode


class NoVector(ValueError):
    """It is none. Its words never quote it."""


class WireVector(Sequence[float]):
    """One embedding, a sequence of floats.

    raw: its JSON, which is valid: a list of numbers, or base64 in a string.
    """

    __slots__ = ("_floats", "_values", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._values: Sequence[float] | None = None
        self._floats: bytes | None = None
        if raw[:1] == b'"':
            self._floats = _floats_in(raw)
        elif not _is_list_of_numbers(raw):
            raise NoVector("an embedding is neither a list of numbers nor base64")

    def _looked_at(self) -> Sequence[float]:
        values = self._values
        if values is None:
            values = self._values = _numbers(self.raw) if self._floats is None else _array_of(self._floats)
        return values

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        """A number, or several."""
        return self._looked_at()[index]

    def __len__(self) -> int:
        """Dimensions."""
        return len(self._looked_at()) if self._floats is None else len(self._floats) // FLOAT_BYTES

    def __repr__(self) -> str:
        """Its size alone."""
        return f"<{len(self)} numbers>"


def _is_list_of_numbers(raw: bytes) -> bool:
    is_flat = raw[:1] == b"[" and raw.rfind(b"[") == 0 and raw[1:-1].strip() != b""
    return is_flat and not any(sign in raw for sign in NO_NUMBERS)


def _floats_in(raw: bytes) -> bytes:
    try:
        floats = a2b_base64(_text(raw), strict_mode=True)
    except (NotBase64, ValueError):
        raise NoVector("an embedding is no base64") from None
    if not floats or len(floats) % FLOAT_BYTES:
        raise NoVector("an embedding in base64 is no row of 32-bit floats")
    return floats


def _array_of(floats: bytes) -> array[float]:
    values = array("f", floats)
    if sys.byteorder == "big":
        values.byteswap()
    return values
