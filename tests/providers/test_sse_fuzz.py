r"""`SseDecoder` and what reads its events, on whatever bytes a server may send.

The decoder is compared with one that is written straight from the standard, and slow. The normal run tries a hundred
cases of each; ``make fuzz`` tries a hundred thousand.
"""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from paceline.providers.error_body import VendorError
from paceline.providers.openai_answer import ChatAnswer
from paceline.providers.sse import Event, FrameTooLong, SseDecoder
from paceline.router import Attempt, Chunk
from paceline.router.errors import AttemptFailed, ProviderError
from paceline.router.testing import Scripted, answers, endpoint

LIMIT = 256
ENDPOINT = endpoint("fuzzed", Scripted(answers(0.0)))

words = st.sampled_from([
    b"data: ", b"data:", b"data", b"event: error", b"event:", b"id: 7", b"retry: 1", b": comment", b":",
    b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r", b"\n\ndata: ", b"data: x\n\ndata: y\n\n",
    b" ", b"\x00", b"\xff", b"\xc3", b"\xa9", b"\xef\xbb\xbf", b"x" * 100, b"data: {}\n\n", b"data: [DONE]\n\n",
])  # fmt: skip
"""What makes up streams, and what nearly does."""

frames = st.sampled_from([
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n',
    b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}\n\n',
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\r\n\r\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n',
    b'data: {"error":{"message":"no","code":429}}\n\n',
    b'event: error\ndata: {"type":"overloaded_error"}\n\n',
    b'data: {"choices":null}\n\n', b'data: {"choices":[null]}\n\n', b"data: [1]\n\n", b'data: "x"\n\n',
    b"data: 1e999\n\n",
    b'data: {"choices":[{"delta":{"content":7}}]}\n\n', b'data: {"model":"\xff"}\n\n', b"data: {" + b"[" * 90 + b"\n\n",
])  # fmt: skip
"""What servers say, and what they should not."""

streams = st.lists(st.one_of(words, frames, st.binary(max_size=24)), max_size=30).map(b"".join)
cuts = st.lists(st.integers(min_value=0, max_value=1 << 16), max_size=20)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def by_the_standard(stream: bytes) -> list[tuple[bytes, bytes, int]]:
    """Data, name and number of comments of each event, line by line, as section 9.2.6 of the HTML standard tells it."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    told: list[tuple[bytes, bytes, int]] = []
    data, name, comments = list[bytes](), b"", 0
    for line in text.split(b"\n")[:-1]:
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if not line:
            told.append((b"\n".join(data), name, comments))
            data, name, comments = [], b"", 0
        elif line.startswith(b":"):
            comments += 1
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return told


def told(events: list[Event]) -> list[tuple[bytes, bytes, int]]:
    return [(event.data, event.name, event.comments) for event in events]


def is_empty(event: tuple[bytes, bytes, int]) -> bool:
    """Whether nothing was between two blank lines; how many of those there are means nothing."""
    return event == (b"", b"", 0)


@given(streams, cuts)
@example(b"\n\ndata: x\n\n\n\ndata: y\n\n", [])
@example(b"data: x\n\n\ndata: y\n\ndata: ", [11])
@example(b"data: x\r\n\r\ndata: y\r\n\r\n", [8, 9, 10, 11])
def test_events_are_those_of_the_standard_however_the_stream_is_cut(stream: bytes, at: list[int]) -> None:
    decoder, events = SseDecoder(1 << 20), list[Event]()
    for data in cut(stream, at):
        events += decoder.feed(data)

    expected = by_the_standard(stream)
    assert [event for event in told(events) if not is_empty(event)] == [e for e in expected if not is_empty(e)]


@given(streams, cuts, st.integers(min_value=1, max_value=LIMIT))
def test_what_is_kept_is_bounded_and_what_is_too_long_is_one_typed_error(
    stream: bytes, at: list[int], limit: int
) -> None:
    decoder = SseDecoder(limit)
    refused = False
    for data in cut(stream, at):
        try:
            events = decoder.feed(data)
        except FrameTooLong:
            refused = True
        else:
            assert not refused, "it goes on being refused"
            assert all(len(event.data) <= limit for event in events)
        assert decoder.unfinished <= limit + len(data) + 1


class _Refused(ProviderError):
    """What the vendor reports inside the answer."""


def _refuse(error: VendorError) -> AttemptFailed:
    return _Refused(error.message)


@given(streams, cuts)
def test_whatever_is_read_of_it_is_an_answer_or_one_typed_error(stream: bytes, at: list[int]) -> None:
    decoder, answer = SseDecoder(LIMIT), ChatAnswer(Attempt(endpoint=ENDPOINT, number=1, sent_s=0.0), _refuse)
    try:
        for data in cut(stream, at):
            for event in decoder.feed(data):
                chunk = answer.chunk(event)
                assert chunk is None or isinstance(chunk, Chunk)
                if answer.done:
                    return
        answer.end(decoder.unfinished)
    except (AttemptFailed, FrameTooLong):
        pass


@given(streams)
def test_the_same_bytes_in_one_piece_are_an_answer_or_one_typed_error(body: bytes) -> None:
    answer = ChatAnswer(Attempt(endpoint=ENDPOINT, number=1, sent_s=0.0), _refuse)
    with suppress(AttemptFailed):
        assert isinstance(answer.whole(body), Chunk)


def test_a_hundred_megabytes_without_an_end_are_refused_at_once_and_not_kept() -> None:
    tracemalloc.start()
    try:
        decoder, block, refused = SseDecoder(), b"x" * 65536, 0
        for _ in range(1600):
            try:
                decoder.feed(block)
            except FrameTooLong:
                refused += 1
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused == 1600 - 16
    assert most < 4 << 20
