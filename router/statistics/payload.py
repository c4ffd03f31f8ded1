"""One histogram as bytes: the V2 encoding that all implementations of HdrHistogram share.

Values in the bytes are whole nanoseconds, whatever the scale. Tools for latencies expect that and divide by a million
for milliseconds, so every metric of a file reads right without an option. The scale is in the header, as the lowest
and the highest value it tells apart, so bytes need no one to say what they are of.

The way there and back is exact. A bucket is written as its largest value, into counters of three digits: they are
finer than a unit up to a thousand units, and about an eighth of our buckets from there on. So the lowest value of such
a counter, rounded up to whole units, lies in the bucket it came from.

The library's own codec does not come into it. It encodes up to a maximum that `Histogram.record` has no time to keep,
and would lose all the rest; it inflates and allocates whatever the bytes ask for; and it says what is wrong with them
by whichever exception comes first. Tests hold this one against it.

Source: HdrHistogram, "V2 encoding": header, then counts as zig-zag LEB128, a negative number for a run of zeros.
"""

from __future__ import annotations

import struct

import attrs

from ..errors import CorruptStatistics
from .hdr import MOST_IN_A_COUNTER, Histogram, Scale, bucket_of, highest_in

NANOSECONDS = 1_000_000_000
"""In a second."""

DIGITS = 3
"""Significant digits that are written."""

COOKIE = 0x1C849303
WORD_SIZE = 0x10
"""A nibble of the cookie that says nothing in V2: readers leave it out of account."""

HEADER = struct.Struct(">IIIIQQd")
"""Cookie, bytes that follow, index offset, digits, lowest and highest value, ratio of values to doubles."""

SUB_BUCKET_BITS = {2: 8, 3: 11, 4: 15, 5: 18}
"""By significant digits: the power of two at or above 2 * 10 ** digits. One digit is too coarse to decide by."""

MOST_BYTES = 64 * 1024
"""Of one histogram: four times what ours can take."""

LONGEST_NS = 10**15
"""The highest value a histogram may claim to reach, 11 days: bytes shall not choose how much is allocated."""


@attrs.frozen
class Layout:
    """Where HdrHistogram counts a value.

    bits: of the number of sub-buckets. magnitude: of the unit, a power of two.
    """

    bits: int
    magnitude: int

    @classmethod
    def of(cls, digits: int, lowest: int) -> Layout:
        """The layout for so many significant digits, of values from *lowest* on."""
        return cls(SUB_BUCKET_BITS[digits], lowest.bit_length() - 1)

    def index_of(self, value: int) -> int:
        """The counter a value belongs to."""
        units = value >> self.magnitude
        doublings = max(0, units.bit_length() - self.bits)
        return (doublings << (self.bits - 1)) + (units >> doublings)

    def lowest_in(self, index: int) -> int:
        """The smallest value that belongs to a counter."""
        doublings = max(0, (index >> (self.bits - 1)) - 1)
        return (index - (doublings << (self.bits - 1))) << (doublings + self.magnitude)


def encode(histogram: Histogram) -> bytes:
    """The histogram in V2, not compressed. Exact for scales whose unit is a whole number of nanoseconds."""
    unit_ns = round(histogram.scale.unit_s * NANOSECONDS)
    layout = Layout.of(DIGITS, unit_ns)
    counters = bytearray()
    reached = 0
    for bucket, count in histogram.filled():
        index = layout.index_of(highest_in(bucket) * unit_ns)
        _put_zeros(index - reached, counters)
        _put(count << 1, counters)
        reached = index + 1
    highest_ns = histogram.scale.highest * unit_ns
    return HEADER.pack(COOKIE | WORD_SIZE, len(counters), 0, DIGITS, unit_ns, highest_ns, 1.0) + counters


def decode(data: bytes) -> Histogram:
    """The histogram in *data*. Takes memory for one histogram, and time in proportion to the bytes.

    Written by another program it may have 2 to 5 digits and values of its own; they are counted in the buckets of
    ours, those of less than a unit as one.

    Raises:
        CorruptStatistics: it is not one, not whole, or of a kind that has no place here.
    """
    if len(data) < HEADER.size:
        raise CorruptStatistics(f"a histogram of {len(data)} bytes is less than its header")
    if len(data) > MOST_BYTES:
        raise CorruptStatistics(f"a histogram of {len(data):,} bytes is more than {MOST_BYTES:,}")
    cookie, length, offset, digits, lowest, highest, ratio = HEADER.unpack_from(data)
    if cookie & ~0xF0 != COOKIE:
        raise CorruptStatistics(f"a histogram begins with {cookie:#010x}, which is not the V2 encoding")
    if length != len(data) - HEADER.size:
        raise CorruptStatistics(f"a histogram has {len(data) - HEADER.size} bytes of counts, and says {length}")
    if offset or ratio != 1.0 or digits not in SUB_BUCKET_BITS:
        raise CorruptStatistics("a histogram is shifted, scaled or of other than 2 to 5 digits: write it as it is")
    if not 1 <= lowest <= highest // 2 or highest > LONGEST_NS:
        raise CorruptStatistics(f"a histogram claims to span {lowest} to {highest} ns")
    histogram = Histogram(Scale(lowest / NANOSECONDS, highest // lowest))
    _read(data, Layout.of(digits, lowest), lowest, histogram)
    return histogram


def _read(data: bytes, layout: Layout, unit_ns: int, histogram: Histogram) -> None:
    last_bucket = bucket_of(histogram.scale.highest)
    end = layout.index_of(2 * LONGEST_NS)
    position, index = HEADER.size, 0
    while position < len(data):
        number, position = _take(data, position)
        if number & 1:
            index += (number + 1) >> 1
            continue
        if number:
            units = -(-layout.lowest_in(min(index, end)) // unit_ns)
            bucket = bucket_of(max(1, units))
            if bucket > last_bucket:
                raise CorruptStatistics("a histogram counts a value beyond its own range")
            if histogram.count + (number >> 1) > MOST_IN_A_COUNTER:
                raise CorruptStatistics(f"a histogram counts more than {MOST_IN_A_COUNTER:,} values")
            histogram.count_in(bucket, number >> 1)
        index += 1


def _put_zeros(run: int, to: bytearray) -> None:
    """A run of zeros is a negative number, but for a single one."""
    if run == 1:
        to.append(0)
    elif run:
        _put((run << 1) - 1, to)


def _put(number: int, to: bytearray) -> None:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    while number > 0x7F:
        to.append(number & 0x7F | 0x80)
        number >>= 7
    to.append(number)


def _take(data: bytes, position: int) -> tuple[int, int]:
    """A number, and the position behind it. It has nine bytes at most, and the ninth is whole."""
    number = data[position]
    if number < 0x80:
        return number, position + 1
    number &= 0x7F
    for place, byte in enumerate(data[position + 1 : position + 9], 1):
        if byte < 0x80 or place == 8:
            return number | byte << 7 * place, position + place + 1
        number |= (byte & 0x7F) << 7 * place
    raise CorruptStatistics("a histogram breaks off within a count")
