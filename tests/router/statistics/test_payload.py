"""`payload`: exact there and back, the bytes of the library, and never anything but the one error."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.router.errors import CorruptStatistics
from paceline.router.statistics import payload
from paceline.router.statistics.deflated import deflated, inflated
from paceline.router.statistics.hdr import (
    MILLISECONDS_TO_AN_HOUR,
    MOST_IN_A_COUNTER,
    TEN_MICROSECONDS_TO_A_MINUTE,
    Histogram,
    Scale,
    bucket_of,
    highest_in,
)

from .keeping import histogram, histograms

SCALES = [MILLISECONDS_TO_AN_HOUR, TEN_MICROSECONDS_TO_A_MINUTE]
HOUR_NS = 3_600 * payload.NANOSECONDS

COOKIE, LENGTH, OFFSET, FIGURES, LOWEST, HIGHEST, RATIO = range(7)


LIBRARY: Any = HdrHistogram
"""It ships no types."""


def librarys(encoded: bytes) -> Any:
    return LIBRARY.decode(deflated(encoded))


def with_header(place: int, value: float, counts: bytes = b"\x02") -> bytes:
    """A histogram with one header field changed."""
    header: list[float] = [payload.COOKIE | 0x10, len(counts), 0, 3, 1_000_000, HOUR_NS, 1.0]
    header[place] = value
    return payload.HEADER.pack(*header) + counts


@pytest.mark.parametrize("scale", SCALES)
def test_every_bucket_comes_back_as_itself(scale: Scale) -> None:
    full = Histogram(scale)
    for bucket in range(1, bucket_of(scale.highest) + 1):
        full.count_in(bucket, bucket)

    again = payload.decode(payload.encode(full))

    assert again.filled() == full.filled()
    assert (again.scale, again.count) == (scale, full.count)


@given(st.sampled_from(SCALES).flatmap(histograms))
def test_a_histogram_comes_back_as_it_was(original: Histogram) -> None:
    again = payload.decode(payload.encode(original))

    assert (again.filled(), again.scale) == (original.filled(), original.scale)


def test_the_largest_count_of_a_counter_comes_back() -> None:
    original = Histogram(MILLISECONDS_TO_AN_HOUR)
    original.count_in(7, MOST_IN_A_COUNTER)

    assert payload.decode(payload.encode(original)).filled() == [(7, MOST_IN_A_COUNTER)]


@settings(max_examples=30)
@given(st.sampled_from(SCALES).flatmap(histograms))
def test_the_library_reads_ours_as_nanoseconds(original: Histogram) -> None:
    theirs = librarys(payload.encode(original))

    values = [(item.value_iterated_to, item.count_added_in_this_iter_step) for item in theirs.get_recorded_iterator()]
    assert [count for _, count in values] == [count for _, count in original.filled()]
    for (value_ns, _), (bucket, _) in zip(values, original.filled(), strict=True):
        assert original.highest_s(bucket) * 1e9 == pytest.approx(value_ns, rel=1e-3, abs=original.scale.unit_s * 1e9)


@given(st.integers(2, 5), st.lists(st.integers(1, HOUR_NS), min_size=1, max_size=20), st.sampled_from([1, 1000]))
def test_what_the_library_wrote_is_counted_where_its_values_belong(digits: int, values: list[int], lowest: int) -> None:
    theirs = LIBRARY(lowest, HOUR_NS, digits)
    for value in values:
        theirs.record_value(value)

    ours = payload.decode(inflated(theirs.encode().decode()))

    assert ours.count == len(values)
    expected_s = sorted(value / 1e9 for value in values)
    found_s = [ours.highest_s(bucket) for bucket, count in ours.filled() for _ in range(count)]
    assert found_s == pytest.approx(expected_s, rel=0.02, abs=1e-6)


def test_the_librarys_own_encoder_would_lose_what_we_record() -> None:
    original = histogram(250, 300)

    theirs = LIBRARY.decode(original._hdr.encode())

    assert theirs.total_count == 0
    assert librarys(payload.encode(original)).total_count == 2


def test_a_latency_of_less_than_a_unit_counts_as_one() -> None:
    ours = payload.decode(with_header(LOWEST, 1_000_000, b"\x06"))

    assert ours.filled() == [(1, 3)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "0 bytes is less than its header"),
        (with_header(COOKIE, 0x1C849301), "0x1c849301, which is not the V2 encoding"),
        (with_header(LENGTH, 2), "has 1 bytes of counts, and says 2"),
        (with_header(OFFSET, 1), "shifted, scaled or of other than 2 to 5 digits"),
        (with_header(FIGURES, 1), "2 to 5 digits"),
        (with_header(FIGURES, 6), "2 to 5 digits"),
        (with_header(RATIO, 2.0), "scaled"),
        (with_header(RATIO, math.nan), "scaled"),
        (with_header(LOWEST, 0), "claims to span 0 to"),
        (with_header(LOWEST, HOUR_NS), "claims to span"),
        (with_header(HIGHEST, 2**63), "claims to span"),
        (with_header(LENGTH, 1, b"\x80"), "breaks off within a count"),
        (with_header(LENGTH, 6, b"\x80\x80\x80\x80\x20\x00"), "more than 4,294,967,295 values"),
        (with_header(LENGTH, 4, b"\xff\xff\x7f\x02"), "beyond its own range"),
        (with_header(LENGTH, 10, b"\xff" * 8 + b"\x7f\x02"), "beyond its own range"),
        (with_header(LENGTH, 70_000, b"\x00" * 70_000), "70,040 bytes is more than 65,536"),
    ],
)
def test_what_is_no_histogram_of_latencies_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(CorruptStatistics, match=told):
        payload.decode(data)


@settings(max_examples=500)
@given(histograms(MILLISECONDS_TO_AN_HOUR), st.data())
def test_changed_bytes_are_a_histogram_or_the_one_error(original: Histogram, data: st.DataObject) -> None:
    changed = bytearray(payload.encode(original))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))

    try:
        found = payload.decode(bytes(changed))
    except CorruptStatistics:
        return

    assert found.count == sum(count for _, count in found.filled()) <= MOST_IN_A_COUNTER


@given(st.binary(max_size=200))
def test_any_counts_are_a_histogram_or_the_one_error(counts: bytes) -> None:
    data = with_header(LENGTH, len(counts), counts)

    try:
        found = payload.decode(data)
    except CorruptStatistics:
        return

    assert highest_in(max((bucket for bucket, _ in found.filled()), default=0)) < 3_700_000


# -- as text


def text(data: bytes, *, cookie: int = 0x1C849314, length: int | None = None) -> str:
    wrapped = struct.pack(">II", cookie, len(data) if length is None else length) + data
    return base64.b64encode(wrapped).decode()


@given(st.binary(max_size=2000))
def test_bytes_come_back_from_their_text(encoded: bytes) -> None:
    assert inflated(deflated(encoded)) == encoded
    assert deflated(encoded).startswith("HISTF")


@pytest.mark.parametrize(
    ("given_text", "told"),
    [
        ("HISTF", "not base64"),
        ("HIST?AAA", "not base64"),
        ("SElT", "breaks off"),
        (text(b"", cookie=0x1C849302), "begins with HISTF"),
        (text(b"abc", length=4), "has 3 bytes, and says 4"),
        (text(b"abc"), "does not inflate"),
        (text(zlib.compress(b"whole")[:-2]), "breaks off"),
        (text(zlib.compress(b"whole") + b"more"), "goes on"),
        (text(zlib.compress(bytes(100_000_000))), "inflates to more than 65,536 bytes"),
    ],
)
def test_a_text_that_stands_for_no_histogram_is_refused(given_text: str, told: str) -> None:
    with pytest.raises(CorruptStatistics, match=told):
        inflated(given_text)
