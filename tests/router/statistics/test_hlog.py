"""Histogram logs: exact there and back, readable by the usual tools, and whole or refused."""

from __future__ import annotations

import math
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader, HistogramLogWriter
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.router.errors import ConfigurationError, CorruptStatistics
from paceline.router.statistics import hlog, hlog_reader
from paceline.router.statistics import snapshot as snapshots_module
from paceline.router.statistics.hdr import TEN_MICROSECONDS_TO_A_MINUTE
from paceline.router.statistics.interval import Interval, Series
from paceline.router.statistics.snapshot import Snapshot

from .keeping import TTFT, histogram, interval, snapshot, snapshots, told, without_nothing

NOW_S = 1_764_000_010.0
SOME = Snapshot(
    {
        "atlas, 70b": {
            TTFT: [interval(250, 300, age_s=10.0), interval(260, cut=[2000, 2000])],
            Series("tpot"): [
                Interval(age_s=0.0, length_s=10.0, events=histogram(370, 410, scale=TEN_MICROSECONDS_TO_A_MINUTE))
            ],
        },
        "swift": {Series("ttft", 5): [interval(cut=[900])]},
    }
)


def loaded(content: bytes | str, tmp_path: Path, *, now_epoch_s: float = NOW_S) -> Snapshot:
    path = tmp_path / "statistics.hlog"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return hlog.load(path, now_epoch_s=now_epoch_s)


def refused(content: bytes | str, tmp_path: Path) -> CorruptStatistics:
    with pytest.raises(CorruptStatistics) as caught:
        loaded(content, tmp_path)
    assert caught.value.file == str(tmp_path / "statistics.hlog")
    return caught.value


def line(tag: str = "Tag=eu/ttft,", start: str = "0.000", length: str = "10.000") -> str:
    """One line of a log, as another program may have written it."""
    theirs: Any = HdrHistogram(1, 3_600_000_000_000, 3)
    theirs.record_value(250_000_000)
    return f"{tag}{start},{length},250.000,{theirs.encode().decode()}\n"


# -- there and back


@settings(max_examples=50)
@given(taken=snapshots())
def test_a_snapshot_comes_back_from_its_file(taken: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "there-and-back.hlog"

    hlog.save(path, taken, now_epoch_s=NOW_S)

    again = told(hlog.load(path, now_epoch_s=NOW_S), digits=3)
    assert again == without_nothing(told(taken, digits=3))


def test_the_first_line_of_a_log_is_not_before_its_start(tmp_path: Path) -> None:
    taken = Snapshot({"eu": {TTFT: [interval(250, age_s=5.825, length_s=15.624)]}})
    assert math.floor((NOW_S - 5.825 - 15.624) * 1000.0) / 1000.0 > NOW_S - 5.825 - 15.624

    assert told(loaded(hlog.written(taken, now_epoch_s=NOW_S), tmp_path), digits=3) == told(taken, digits=3)


def test_latencies_are_older_by_the_time_that_passed_until_the_restart(tmp_path: Path) -> None:
    path = tmp_path / "statistics.hlog"
    hlog.save(path, SOME, now_epoch_s=NOW_S)

    again = hlog.load(path, now_epoch_s=NOW_S + 25.0)

    assert [each.age_s for each in again.of("atlas, 70b")[TTFT]] == pytest.approx([35.0, 25.0])


def test_what_a_clock_set_back_makes_the_future_counts_as_of_now(tmp_path: Path) -> None:
    path = tmp_path / "statistics.hlog"
    hlog.save(path, SOME, now_epoch_s=NOW_S)

    again = hlog.load(path, now_epoch_s=NOW_S - 3600.0)

    assert {each.age_s for _, _, each in again} == {0.0}
    assert sum(each.events.count for _, _, each in again) == 5


def test_a_router_that_has_seen_nothing_leaves_a_file_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "statistics.hlog"

    hlog.save(path, Snapshot({}), now_epoch_s=NOW_S)

    assert told(hlog.load(path, now_epoch_s=NOW_S)) == {}


def test_two_logs_in_one_file_are_one(tmp_path: Path) -> None:
    first = hlog.written(snapshot(250), now_epoch_s=NOW_S)
    second = hlog.written(snapshot(300), now_epoch_s=NOW_S + 60.0)

    both = loaded(first + second, tmp_path, now_epoch_s=NOW_S + 60.0)

    assert [(each.age_s, each.events.filled()) for each in both.of("eu")[TTFT]] == [
        (60.0, histogram(250).filled()),
        (0.0, histogram(300).filled()),
    ]


def test_the_log_drawn_in_the_docstring_is_one(tmp_path: Path) -> None:
    drawn = re.search(r"(?:^    .*\n)+", hlog.__doc__ or "", re.MULTILINE)
    assert drawn is not None

    read = loaded(textwrap.dedent(drawn[0]), tmp_path)

    assert told(read) == told(snapshot(380, 395, 402, 412, cut=[2000], series=Series("ttft", 5)))


@pytest.mark.parametrize("now_epoch_s", [-1.0, 5.0, float("nan"), float("inf"), 1e12])
def test_a_clock_that_cannot_be_right_is_refused(now_epoch_s: float, tmp_path: Path) -> None:
    path = tmp_path / "statistics.hlog"

    with pytest.raises(ConfigurationError, match="give seconds since 1970"):
        hlog.save(path, SOME, now_epoch_s=now_epoch_s)

    assert not path.exists()


def test_a_clock_that_cannot_be_right_reads_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="give seconds since 1970"):
        loaded(hlog.written(SOME, now_epoch_s=NOW_S), tmp_path, now_epoch_s=float("nan"))


def test_a_first_start_finds_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hlog.load(tmp_path / "none.hlog", now_epoch_s=NOW_S)


def test_an_interval_shorter_than_the_resolution_of_a_log_stays_one(tmp_path: Path) -> None:
    taken = Snapshot({"eu": {TTFT: [interval(250, length_s=1e-5)]}})

    again = loaded(hlog.written(taken, now_epoch_s=NOW_S), tmp_path)

    assert [each.length_s for _, _, each in again] == [0.001]


# -- others read ours, we read theirs


def test_the_librarys_reader_finds_our_intervals_and_their_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "statistics.hlog"
    hlog.save(path, SOME, now_epoch_s=NOW_S)

    reader: Any = HistogramLogReader(str(path), HdrHistogram(1, 3_600_000_000_000, 3))
    found: list[Any] = []
    while (each := reader.get_next_interval_histogram()) is not None:
        found.append(each)
    reader.close()

    assert [(each.get_tag(), each.total_count) for each in found] == [
        ("atlas%2C%2070b/ttft", 2),
        ("atlas%2C%2070b/tpot", 2),
        ("atlas%2C%2070b/ttft", 1),
        ("atlas%2C%2070b/ttft/censored", 2),
        ("swift/ttft/size-5/censored", 1),
    ]
    assert [each.get_max_value() / 1e6 for each in found] == pytest.approx([301, 4.11, 261, 2007, 903], rel=2e-3)
    assert [each.get_start_time_stamp() for each in found[:2]] == [(NOW_S - 20.0) * 1e3, (NOW_S - 10.0) * 1e3]


def test_the_maximum_of_a_line_is_in_milliseconds() -> None:
    text = hlog.written(SOME, now_epoch_s=NOW_S).decode()

    assert re.findall(r"^Tag=[^,]*/(tpot|ttft),[^,]*,10.000,([^,]*),", text, re.MULTILINE) == [
        ("ttft", "301.000"), ("tpot", "4.110"), ("ttft", "261.000"),
    ]  # fmt: skip


def test_a_line_of_the_librarys_writer_is_read_where_its_tag_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "theirs.hlog"
    with path.open("w") as file:
        writer: Any = HistogramLogWriter(file)
        writer.output_comment("[Logged by something else]")
        writer.output_log_format_version()
        writer.output_base_time(NOW_S * 1e3)
        writer.output_legend()
        theirs: Any = HdrHistogram(1, 60_000_000_000, 2)
        theirs.record_value(412_000_000, 3)
        file.write("Tag=eu/ttft,")
        writer.output_interval_histogram(theirs, start_time_stamp_sec=5.0, end_time_stamp_sec=15.0)

    read = hlog.load(path, now_epoch_s=NOW_S + 20.0)

    (_, series, each), *more = read
    assert (series, each.age_s, each.length_s, more) == (TTFT, pytest.approx(5.0), 10.0, [])
    assert each.events.count == 3
    assert each.events.highest_s(each.events.filled()[0][0]) == pytest.approx(0.412, rel=0.02)


@pytest.mark.parametrize(
    ("head", "start", "age_s"),
    [
        ("#[BaseTime: 1764000000.000 (seconds since epoch)]", "0.127", 10.0 - 0.127 - 5.0),
        ("#[StartTime: 1764000000.000 (seconds since epoch), Mon Nov 24 17:00:00 CET 2025]", "0.127", 4.873),
        ("#[StartTime: 1764000000.000 (seconds since epoch), whenever]", "1764000001.000", 4.0),
        ("#[A comment of a grüßende person]", "1764000001.000", 4.0),
        ('"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\r\n', "1764000001", 4.0),
    ],
)
def test_times_are_those_the_java_tools_would_read(head: str, start: str, age_s: float, tmp_path: Path) -> None:
    read = loaded(f"{head}\n{line(start=start, length='5.0')}", tmp_path)

    assert [each.age_s for _, _, each in read] == pytest.approx([age_s], abs=1e-3)


# -- what cannot be used


@pytest.mark.parametrize(
    ("content", "number", "said"),
    [
        ("", None, "there is no histogram log in it: give a histogram log that Paceline wrote"),
        ("#[Logged by something else]\n", 1, "there is no histogram log in it"),
        ("root:x:0:0:root:/root:/bin/bash\n", 1, "the line is none of a histogram log"),
        ("\x7fELF\x02\x01\x01\x00\n", 1, "the line is none of a histogram log"),
        (line() + line(tag=""), 2, "the histogram has no tag, and Paceline's are like Tag=ENDPOINT/ttft"),
        (line(tag="Tag=A,"), 1, "the histogram has the tag 'A'"),
        (line(tag=f"Tag={'A' * 1000},"), 1, f"the histogram has the tag '{'A' * 60}', and"),
        (line(start="nan"), 1, "the line is none"),
        (line(start="-1.0"), 1, "the line is none"),
        (line(length="0.000"), 1, "lasts 0.000 s: take another copy, or do without"),
        (line(start="253402300799.0"), 1, "begins at 253402300799.000 s since 1970"),
        ("#\n" + line()[:-12] + "\n", 2, "the histogram"),
        ("#" * 200_000, 1, "the line is longer than 131,072 bytes"),
        ("#[Logged with Paceline, format 2]\n", 1, "has format 2, and this Paceline reads format 1"),
        ("#[Logged with Paceline, format 1]\n" * 2, 2, "a log begins where the one before has not ended"),
        ("#[Logged with Paceline, format 1]\n" + line(), 2, "the log breaks off, its last line is missing"),
        ("#[End of Paceline's log: 0 histograms, CRC-32 00000000]\n", 1, "a log ends that has not begun"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_line(
    content: str, number: int | None, said: str, tmp_path: Path
) -> None:
    fault = refused(content, tmp_path)

    where = f"{tmp_path / 'statistics.hlog'}" + ("" if number is None else f", line {number}")
    assert str(fault).startswith(f"{where}: {said}" if said.startswith("the line") else where)
    assert said in str(fault)
    assert fault.line == number


@pytest.mark.parametrize(
    ("pattern", "other"),
    [
        (r"Tag=swift.*\n", ""),
        (r"Tag=swift", "Tag=swiff"),
        (r"0.000,10.000", "0.000,11.000"),
        (r"5 histograms", "6 histograms"),
        (r"\n", "\r\n"),
    ],
)
def test_a_log_that_was_changed_is_refused(pattern: str, other: str, tmp_path: Path) -> None:
    text = hlog.written(SOME, now_epoch_s=NOW_S).decode()
    changed = re.sub(pattern, other, text)
    assert changed != text

    assert "the log was changed after it was written" in str(refused(changed, tmp_path))


def test_a_log_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    content = hlog.written(SOME, now_epoch_s=NOW_S)

    for length in range(len(content) - 1):
        refused(content[:length], tmp_path)


@settings(max_examples=500)
@given(st.data())
def test_a_changed_byte_is_noticed_or_does_not_matter(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    content = bytearray(hlog.written(SOME, now_epoch_s=NOW_S))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    try:
        read = loaded(bytes(content), tmp_path_factory.getbasetemp())
    except CorruptStatistics:
        return

    assert told(read, digits=3) == told(SOME, digits=3)


@settings(max_examples=300)
@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([line().encode(), b"\n", b"\r\n"]))))
def test_any_bytes_are_a_log_or_the_one_error(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    try:
        read = loaded(b"".join(parts), tmp_path_factory.getbasetemp())
    except CorruptStatistics:
        return

    assert set(read.endpoints) <= {"eu"}


# -- limits


def test_a_log_larger_than_any_is_refused_before_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hlog_reader, "MOST_BYTES", 10_000)

    fault = refused("#" * 100 + "\n" + "#" * 99_999, tmp_path)

    assert "larger than 10,000 bytes, or inflates to more" in str(fault)


def test_what_a_log_inflates_to_counts_as_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hlog_reader, "MOST_BYTES", 10_000)
    one = hlog.written(snapshot(*range(1, 2000)), now_epoch_s=NOW_S)
    lines = [each for each in one.decode().splitlines(keepends=True) if each.startswith("Tag=")]

    fault = refused("".join(lines * 20), tmp_path)

    assert fault.line is not None
    assert len(lines[0]) * fault.line < 10_000 / 2


def test_more_histograms_than_memory_should_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = hlog.written(SOME, now_epoch_s=NOW_S)
    monkeypatch.setattr(snapshots_module, "MOST_HISTOGRAMS", 4)

    fault = refused(content, tmp_path)

    assert "more than 4 histograms" in str(fault)
