r"""`SseDecoder`: every way the network may cut a stream gives the same events."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers.sse import Event, FrameTooLong, SseDecoder

NASTY = (
    b"\xef\xbb\xbf"
    b": OPENROUTER PROCESSING\n\n"
    b'data: {"a": "\xc3\xa9\xf0\x9f\x9a\x80"}\n\n'
    b"event: error\r\ndata: one\r\ndata:two\r\n\r\n"
    b"id: 7\rretry: 10\rdata\rdata:  spaced\r\r"
    b"\n\n\n"
    b"unknown: field\nno colon\n: a comment\ndata: \xef\xbb\xbfx\n\n"
    b"event: ping\n\n"
    b"data: [DONE]\r\n\n"
    b"data: never ended"
)

piece = st.sampled_from(
    [
        b"data: x",
        b"data:",
        b"event: e",
        b": c",
        b"id: 1",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\xef\xbb\xbf",
        b" ",
        b"\xff",
    ]
)
streams = st.lists(piece, max_size=40).map(b"".join)


def events_of(*pieces: bytes, limit: int = 1 << 20) -> tuple[list[Event], bool]:
    """What the pieces give, and whether a frame was too long."""
    decoder, events = SseDecoder(limit), list[Event]()
    try:
        for data in (*pieces, b""):
            events += decoder.feed(data)
    except FrameTooLong:
        return events, True
    return events, False


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def test_a_frame_of_one_data_line_is_an_event() -> None:
    assert events_of(b'data: {"a":1}\n\n') == ([Event(b'{"a":1}')], False)


def test_the_nasty_sample_is_read_as_the_standard_says() -> None:
    events, _ = events_of(NASTY)
    assert [(event.data, event.name, event.comments) for event in events if event.data] == [
        ('{"a": "é🚀"}'.encode(), b"", 0),
        (b"one\ntwo", b"error", 0),
        (b"\n spaced", b"", 0),
        (b"\xef\xbb\xbfx", b"", 1),
        (b"[DONE]", b"", 0),
    ]


def test_comments_and_empty_frames_come_out_as_events_without_data() -> None:
    events, _ = events_of(b": keep-alive\n: again\n\n", b"\n\n", b"data: x\n\n")
    assert [(event.data, event.comments) for event in events] == [(b"", 2), (b"", 0), (b"x", 0)]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\r\n\r\n"])
def test_an_event_is_given_out_as_soon_as_its_blank_line_is_there(end: bytes) -> None:
    decoder = SseDecoder()
    events = decoder.feed(b"data: x" + end)
    assert [event.data for event in events] == [b"x"]


def test_a_frame_that_the_end_cuts_short_is_no_event() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: half\n") == []
    assert decoder.unfinished == 11


def test_every_cut_in_two_gives_the_same_events() -> None:
    whole = events_of(NASTY)
    for place in range(len(NASTY) + 1):
        assert events_of(NASTY[:place], NASTY[place:]) == whole, place


def test_one_byte_at_a_time_gives_the_same_events() -> None:
    assert events_of(*(NASTY[place : place + 1] for place in range(len(NASTY)))) == events_of(NASTY)


@given(streams, st.lists(st.integers(min_value=0), max_size=12))
def test_every_cut_of_every_stream_gives_the_same_events(stream: bytes, at: list[int]) -> None:
    assert events_of(*cut(stream, at)) == events_of(stream)


def test_every_limit_is_found_at_the_same_place_by_every_cut_in_two() -> None:
    for limit in range(1, 60):
        whole = events_of(NASTY, limit=limit)
        for place in range(len(NASTY) + 1):
            assert events_of(NASTY[:place], NASTY[place:], limit=limit) == whole, (limit, place)


@given(streams, st.lists(st.integers(min_value=0), max_size=12), st.integers(min_value=1, max_value=30))
def test_a_frame_that_is_too_long_is_found_at_the_same_place_wherever_it_is_cut(
    stream: bytes, at: list[int], limit: int
) -> None:
    whole, cut_up = events_of(stream, limit=limit), events_of(*cut(stream, at), limit=limit)
    assert cut_up == whole


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_no_bytes_crash_it_and_what_it_keeps_is_bounded(pieces: list[bytes]) -> None:
    decoder = SseDecoder(64)
    for data in pieces:
        try:
            decoder.feed(data)
        except FrameTooLong:
            break
        assert decoder.unfinished <= 64 + len(data) + 1


def test_a_line_without_end_is_refused_and_forgotten() -> None:
    decoder = SseDecoder(1024)
    with pytest.raises(FrameTooLong, match="1024"):
        decoder.feed(b"x" * 1025)
    assert decoder.unfinished == 0
    with pytest.raises(FrameTooLong):
        decoder.feed(b"")


def test_events_before_a_frame_that_is_too_long_are_given_out_first() -> None:
    decoder = SseDecoder(1024)
    events = decoder.feed(b"data: good\n\ndata: " + b"x" * 1025 + b"\n\ndata: lost\n\n")
    assert [event.data for event in events] == [b"good"]
    with pytest.raises(FrameTooLong):
        decoder.feed(b"data: x\n\n")


def test_the_limit_is_of_a_frame_not_of_a_read() -> None:
    events, broken = events_of(b"data: x\n\n" * 1000, limit=16)
    assert (len(events), broken) == (1000, False)


def test_a_megabyte_that_comes_byte_by_byte_takes_linear_time() -> None:
    def seconds(size: int) -> float:
        decoder, began_s = SseDecoder(1 << 21), time.thread_time()  # of this thread's work, whatever else runs
        for _ in range(size):
            decoder.feed(b"x")
        return time.thread_time() - began_s

    small, large = (min(seconds(size) for _ in range(3)) for size in (30_000, 300_000))
    assert large < 40 * small, "ten times the bytes, ten times the time: a square would be a hundred times"
