"""A histogram's bytes in the form that logs hold: deflated by zlib, under a header, in base64."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib

from ..errors import CorruptStatistics
from .payload import MOST_BYTES

HEADER = struct.Struct(">II")
"""A cookie, and how many bytes follow."""

COOKIE = 0x1C849304
WORD_SIZE = 0x10
"""As in `payload`: a nibble that says nothing."""


def deflated(encoded: bytes) -> str:
    """The bytes as text."""
    small = zlib.compress(encoded)
    return base64.b64encode(HEADER.pack(COOKIE | WORD_SIZE, len(small)) + small).decode("ascii")


def inflated(text: str) -> bytes:
    """The bytes of such a text. However small it is, they are no more than one histogram takes.

    Raises:
        CorruptStatistics: it is no such text, or stands for more.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as fault:
        raise CorruptStatistics(f"the histogram is not base64 ({fault})") from fault
    if len(data) < HEADER.size:
        raise CorruptStatistics("the histogram breaks off")
    cookie, length = HEADER.unpack_from(data)
    if cookie & ~0xF0 != COOKIE:
        raise CorruptStatistics("the histogram is not in the compressed V2 encoding, which begins with HISTF")
    if length != len(data) - HEADER.size:
        raise CorruptStatistics(f"the histogram has {len(data) - HEADER.size} bytes, and says {length}")
    inflater = zlib.decompressobj()
    try:
        encoded = inflater.decompress(data[HEADER.size :], MOST_BYTES)
    except zlib.error as fault:
        raise CorruptStatistics(f"the histogram does not inflate ({fault})") from fault
    if not inflater.eof or inflater.unused_data:
        raise CorruptStatistics(f"the histogram breaks off, goes on, or inflates to more than {MOST_BYTES:,} bytes")
    return encoded
