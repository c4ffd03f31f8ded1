"""`exchange`: a snapshot for another process comes as it was sent, or is refused."""

from __future__ import annotations

import math
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.router.errors import CorruptStatistics
from paceline.router.statistics import exchange, payload
from paceline.router.statistics import snapshot as snapshots_module
from paceline.router.statistics.exchange import HEADER, MAGIC, VERSION, Sent
from paceline.router.statistics.interval import Series
from paceline.router.statistics.snapshot import MOST_HISTOGRAMS, MOST_SAMPLES, Snapshot

from .keeping import TTFT, histogram, interval, snapshot, snapshots, told, without_nothing

SOME = Snapshot({"eu": {TTFT: [interval(250, 300, age_s=10.0), interval(260, cut=[2000])], Series("total", 5): []}})


def message(body: bytes) -> bytes:
    """A body under a header that vouches for it."""
    return HEADER.pack(MAGIC, VERSION, zlib.crc32(body)) + body


def one(*, tag: str = "eu/ttft", age_s: float = 0.0, length_s: float = 10.0, data: bytes | None = None) -> bytes:
    encoded = payload.encode(histogram(250)) if data is None else data
    return message(msgspec.msgpack.encode([Sent(tag, age_s, length_s, encoded)]))


@settings(max_examples=50)
@given(snapshots())
def test_a_snapshot_comes_as_it_was_sent(sent: Snapshot) -> None:
    assert told(exchange.decode(exchange.encode(sent))) == without_nothing(told(sent))


def test_nothing_known_can_be_sent_too() -> None:
    assert told(exchange.decode(exchange.encode(Snapshot({})))) == {}


def test_what_two_processes_sent_adds_up() -> None:
    ours, theirs = (exchange.decode(exchange.encode(each)) for each in (snapshot(250, 300), snapshot(250, cut=[900])))

    together = ours.with_(theirs)

    assert [each.events.count for each in together.of("eu")[TTFT]] == [2, 1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes are no statistics: give what `encode` gave"),
        (b"HISTFAAAACx4nJNpmSzMwMDAyQAB", "28 bytes are no statistics"),
        (exchange.encode(SOME)[:5], "5 bytes are no statistics"),
        (exchange.encode(SOME)[:-1], "damaged or cut short: send them again"),
        (exchange.encode(SOME) + b"\0", "damaged or cut short"),
        (HEADER.pack(MAGIC, 2, 0), "statistics of version 2 came, and this Paceline reads version 1"),
        (message(b""), "not as `encode` writes them"),
        (message(b"\x81\xa1a\x01"), "not as `encode` writes them"),
        (message(b"\x91\x91\x01"), "not as `encode` writes them"),
        (message(b"\x91\x94\xa1\xff\x00\x00\xc4\x00"), "not as `encode` writes them"),
        (message(b"\x90\x90"), "not as `encode` writes them"),
        (message(b"\xdd\xff\xff\xff\xff"), "not as `encode` writes them"),
        (one(tag="A"), "'A' names no distribution, as ENDPOINT/ttft would"),
        (one(tag="A" * 10_000), f"'{'A' * 60}' names"),
        (one(age_s=-1.0), "eu/ttft lasted 10.0 s and ended -1.0 s ago"),
        (one(age_s=math.nan), "ended nan s ago"),
        (one(age_s=math.inf), "ended inf s ago"),
        (one(length_s=0.0), "lasted 0.0 s"),
        (one(length_s=math.nan), "lasted nan s"),
        (one(data=b"nothing"), "7 bytes is less than its header"),
    ],
)
def test_what_is_no_snapshot_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(CorruptStatistics) as caught:
        exchange.decode(data)

    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


@settings(max_examples=500)
@given(st.integers(0, len(exchange.encode(SOME)) - 1), st.integers(1, 255))
def test_a_changed_byte_is_always_noticed(place: int, change: int) -> None:
    changed = bytearray(exchange.encode(SOME))
    changed[place] ^= change

    with pytest.raises(CorruptStatistics):
        exchange.decode(bytes(changed))


@settings(max_examples=1000)
@given(st.data())
def test_bytes_with_the_right_checksum_are_a_snapshot_or_the_one_error(data: st.DataObject) -> None:
    body = bytearray(exchange.encode(SOME)[HEADER.size :])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))

    try:
        found = exchange.decode(message(bytes(body)))
    except CorruptStatistics:
        return

    counts = [histogram.count for _, _, histogram in found.histograms()]
    assert len(counts) <= MOST_HISTOGRAMS
    assert sum(counts) <= MOST_SAMPLES
    assert all(each.age_s >= 0.0 and each.length_s > 0.0 for _, _, each in found)


def test_a_message_larger_than_any_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_BYTES", 100)

    with pytest.raises(CorruptStatistics, match="bytes are more than 100: send fewer at once"):
        exchange.decode(exchange.encode(SOME))


def test_more_histograms_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = exchange.encode(SOME)
    monkeypatch.setattr(snapshots_module, "MOST_HISTOGRAMS", 2)

    with pytest.raises(CorruptStatistics, match="more than 2 histograms"):
        exchange.decode(data)
