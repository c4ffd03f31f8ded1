"""A snapshot as bytes, for another process that calls the same endpoints.

    PACELINE  version  CRC-32  [[tag, age_s, length_s, histogram], ...]

The list is msgpack; a histogram is HdrHistogram's V2 encoding (`payload`), tags are those of the files. Bytes are told
by age, as clocks of two processes have nothing in common: the time they are under way makes latencies look younger by
that much, which is nothing beside a window's periods. Send them by any means that keeps messages apart.

Nothing is deflated: a message is a few hundred bytes for each distribution, and its reader cannot be made to take more
memory than the message's size warrants.
"""

from __future__ import annotations

import math
import struct
import zlib

import msgspec

from ..errors import CorruptStatistics
from . import payload
from .snapshot import Intake, Snapshot
from .tag import MOST_TOLD, Tag

MAGIC = b"PACELINE"
VERSION = 1

HEADER = struct.Struct(">8sBI")
"""Magic, version, and the CRC-32 of what follows."""

MOST_BYTES = 32 * 1024 * 1024
"""Of a message: 50,000 histograms of a few hundred samples each."""


class Sent(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """One histogram of a message. Seconds, as in `Interval`."""

    tag: str
    age_s: float
    length_s: float
    histogram: bytes


def encode(snapshot: Snapshot) -> bytes:
    """The snapshot as bytes. Intervals without a sample are left out."""
    body = msgspec.msgpack.encode(
        [
            Sent(str(tag), interval.age_s, interval.length_s, payload.encode(histogram))
            for tag, interval, histogram in snapshot.histograms()
        ]
    )
    return HEADER.pack(MAGIC, VERSION, zlib.crc32(body)) + body


def decode(data: bytes) -> Snapshot:
    """The snapshot in *data*.

    A histogram of a thousand samples takes a quarter of a millisecond: an event loop should not do many in one go.

    Raises:
        CorruptStatistics: it is damaged, cut short, too large, not Paceline's, or of a version this one does not read.
    """
    if len(data) < HEADER.size or not data.startswith(MAGIC):
        raise CorruptStatistics(f"{len(data)} bytes are no statistics: give what `encode` gave")
    if len(data) > MOST_BYTES:
        raise CorruptStatistics(f"statistics of {len(data):,} bytes are more than {MOST_BYTES:,}: send fewer at once")
    _, version, checksum = HEADER.unpack_from(data)
    if version != VERSION:
        raise CorruptStatistics(f"statistics of version {version} came, and this Paceline reads version {VERSION}")
    body = memoryview(data)[HEADER.size :]
    if zlib.crc32(body) != checksum:
        raise CorruptStatistics("statistics came damaged or cut short: send them again")
    try:
        histograms = msgspec.msgpack.decode(body, type=list[Sent])
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise CorruptStatistics(f"statistics are not as `encode` writes them: {fault}") from fault
    intake = Intake()
    for sent in histograms:
        _take_in(sent, intake)
    return intake.snapshot()


def _take_in(sent: Sent, intake: Intake) -> None:
    tag = Tag.read(sent.tag)
    if tag is None:
        raise CorruptStatistics(f"{sent.tag[:MOST_TOLD]!r} names no distribution, as ENDPOINT/ttft would")
    if not 0.0 <= sent.age_s < math.inf or not 0.0 < sent.length_s < math.inf:
        raise CorruptStatistics(f"{sent.tag} lasted {sent.length_s} s and ended {sent.age_s} s ago")
    intake.add(tag, sent.age_s, sent.length_s, payload.decode(sent.histogram))
