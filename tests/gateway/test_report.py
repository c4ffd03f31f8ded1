"""``paceline report``: what saved statistics say, to a person and as JSON, and what it says of files it cannot read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from paceline.gateway import cli
from paceline.gateway.report import figures, table
from paceline.router.errors import CorruptStatistics
from paceline.router.statistics import hlog
from paceline.router.statistics.hdr import MILLISECONDS_TO_AN_HOUR, TEN_MICROSECONDS_TO_A_MINUTE, Histogram, Scale
from paceline.router.statistics.interval import Interval, Series
from paceline.router.statistics.snapshot import Snapshot

NOON_S = 1_764_000_000.0
"""2025-11-24 16:00:00 UTC."""

TTFT = Series("ttft")


def interval(
    *units: int, cut: Iterable[int] = (), age_s: float = 0.0, scale: Scale = MILLISECONDS_TO_AN_HOUR
) -> Interval:
    events, censored = Histogram(scale), Histogram(scale)
    for value in units:
        events.record(value)
    for value in cut:
        censored.record(value)
    return Interval(age_s=age_s, length_s=10.0, events=events, censored=censored)


def saved(path: Path, known: Mapping[str, Mapping[Series, Sequence[Interval]]], *, now_epoch_s: float = NOON_S) -> Path:
    hlog.save(path, Snapshot(known), now_epoch_s=now_epoch_s)
    return path


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Statistics of two endpoints."""
    return saved(
        tmp_path / "fleet.hlog",
        {
            "swift": {Series("slot_wait"): [interval(cut=[2000])]},
            "atlas": {
                Series("tpot"): [interval(370, 370, scale=TEN_MICROSECONDS_TO_A_MINUTE)],
                Series("ttft", 5): [interval(250)],
                TTFT: [interval(*range(1, 101), age_s=10.0), interval(cut=[30_000, 30_000])],
            },
        },
    )


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert cli.main(["report", *map(str, arguments)]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    assert cli.main(["report", *map(str, arguments)]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("paceline report: ")
    assert told.err.count("\n") == 1
    return told.err


def figures_of(tmp_path: Path, *files: Path) -> list[dict[str, Any]]:
    path = tmp_path / "figures.json"
    assert cli.main(["report", *map(str, files), "--json", str(path)]) == 0
    written = json.loads(path.read_bytes())
    assert written["files"] == [str(file) for file in files]
    return written["rows"]


def test_a_person_reads_endpoint_by_endpoint_what_each_distribution_is(
    capsys: pytest.CaptureFixture[str], fleet: Path
) -> None:
    shown = printed(capsys, fleet)

    assert [line.rstrip() for line in shown.splitlines()] == [
        f"{fleet}: 2025-11-24 15:59:40 to 2025-11-24 16:00:00 UTC.",
        "",
        "atlas",
        "metric    prompt count cut off    p50    p90    p95    p99    max covers",
        "ttft      all      100       2 51.0ms 92.0ms 97.0ms >30.0s >30.0s    20s",
        "ttft      1k-4k      1       0  250ms  250ms  250ms  250ms  250ms    10s",
        "tpot      all        2       0 3.71ms 3.71ms 3.71ms 3.71ms 3.71ms    10s",
        "",
        "swift",
        "metric    prompt count cut off    p50    p90    p95    p99    max covers",
        "slot_wait all        0       1 >2.00s >2.00s >2.00s >2.00s >2.00s    10s",
        "",
        *table.NOTES,
    ]


def test_the_json_has_the_same_figures_in_seconds(tmp_path: Path, fleet: Path) -> None:
    rows = figures_of(tmp_path, fleet)

    assert [(row["endpoint"], row["metric"], row["size"]) for row in rows] == [
        ("atlas", "ttft", None), ("atlas", "ttft", 5), ("atlas", "tpot", None), ("swift", "slot_wait", None),
    ]  # fmt: skip
    first, _, third, last = rows
    assert first == {
        "endpoint": "atlas", "metric": "ttft", "size": None, "count": 100, "censored": 2,
        "p50_s": 0.051, "p90_s": 0.092, "p95_s": 0.097, "p99_s": None, "max_s": 0.1,
        "longest_censored_s": 29.952,
        "from_epoch_s": NOON_S - 20.0, "until_epoch_s": NOON_S, "covered_s": 20.0,
    }  # fmt: skip
    assert third["p50_s"] == pytest.approx(0.0037, rel=0.01)
    assert (last["p50_s"], last["max_s"]) == (None, None)


def test_files_are_added_up_before_quantiles_are_taken(tmp_path: Path) -> None:
    one = saved(tmp_path / "one.hlog", {"atlas": {TTFT: [interval(*range(1, 51))]}})
    other = saved(tmp_path / "other.hlog", {"atlas": {TTFT: [interval(*range(51, 101))]}}, now_epoch_s=NOON_S + 600.0)

    (row,) = figures_of(tmp_path, one, other)

    assert (row["count"], row["p50_s"], row["p90_s"], row["max_s"]) == (100, 0.05, 0.09, 0.1)
    assert (row["until_epoch_s"] - row["from_epoch_s"], row["covered_s"]) == (610.0, 20.0)


def test_time_that_two_processes_covered_at_once_counts_once(tmp_path: Path) -> None:
    files = [
        saved(tmp_path / f"{place}.hlog", {"atlas": {TTFT: [interval(250)]}}, now_epoch_s=NOON_S + later_s)
        for place, later_s in enumerate((0.0, 4.0, 0.0))
    ]

    (row,) = figures_of(tmp_path, *files)

    assert (row["count"], row["covered_s"]) == (3, 14.0)


def test_a_name_does_to_the_terminal_what_letters_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    name = "[red]Köln\x1b[2J\u202e\udcff"
    file = saved(tmp_path / "one.hlog", {name: {TTFT: [interval(250)]}})

    shown = printed(capsys, file)

    assert "\n[red]Köln\\x1b[2J\\u202e\\udcff\n" in "\n".join(line.rstrip() for line in shown.splitlines())
    assert figures_of(tmp_path, file)[0]["endpoint"] == "[red]Köln\x1b[2J\u202e\\udcff"


def test_a_pipe_gets_whole_lines_and_a_terminal_lines_that_fit(fleet: Path) -> None:
    report = figures.read([fleet])
    pipe, terminal = StringIO(), StringIO()

    table.show(report, Console(file=pipe, width=40))
    table.show(report, Console(file=terminal, width=40, force_terminal=True))

    assert max(len(line.rstrip()) for line in pipe.getvalue().splitlines()) > 70
    assert "3.71ms" in terminal.getvalue()


def test_a_metric_of_a_later_paceline_comes_last(tmp_path: Path) -> None:
    file = saved(tmp_path / "one.hlog", {"atlas": {Series(name): [interval(1)] for name in ("clock", "ttft")}})

    assert [row["metric"] for row in figures_of(tmp_path, file)] == ["ttft", "clock"]


def test_nothing_known_is_said_to_be_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    one, other = (saved(tmp_path / name, {}) for name in ("one.hlog", "other.hlog"))

    assert printed(capsys, one) == f"{one}: no latencies.\n"
    assert printed(capsys, one, other) == "2 files: no latencies.\n"


def test_a_bad_file_among_good_ones_shows_nothing_but_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, fleet: Path
) -> None:
    bad = tmp_path / "bad.hlog"
    bad.write_bytes(fleet.read_bytes()[:-5])
    figures_file = tmp_path / "figures.json"

    told = refused(capsys, fleet, bad, "--json", figures_file)

    assert f"{bad}, line " in told
    assert "its last line is missing" in told
    assert not figures_file.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no histogram log in it"),
        (b"TIMESTAMP,ContextTokens\n1,2\n", "line 1: the line is none of a histogram log"),
        (b"Tag=A,0.0,1.0,1.0,HISTFAAA\n", "line 1: the histogram has the tag 'A'"),
        (bytes(range(256)) * 600, "line 1: the line is none of a histogram log"),
    ],
)
def test_a_file_of_something_else_is_refused(
    content: bytes, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "other.bin"
    file.write_bytes(content)

    assert said in refused(capsys, file)


def test_a_file_that_cannot_be_opened_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "none.hlog cannot be read: No such file or directory" in refused(capsys, tmp_path / "none.hlog")
    assert f"{tmp_path} cannot be read: " in refused(capsys, tmp_path)


def test_a_file_given_twice_is_refused(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    assert "would be counted twice" in refused(capsys, fleet, fleet.parent / "." / fleet.name)


def test_figures_that_cannot_be_written_are_a_failure(
    capsys: pytest.CaptureFixture[str], fleet: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    assert "loop cannot be written: " in refused(capsys, fleet, "--json", tmp_path / "loop", code=1)


@pytest.mark.parametrize(("arguments", "said"), [((), "required: FILE"), (("x", "--json", "."), ". is a folder")])
def test_bad_arguments_are_refused(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["report", *arguments])

    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_more_distributions_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch, fleet: Path) -> None:
    monkeypatch.setattr(figures, "MOST_SERIES", 3)

    with pytest.raises(CorruptStatistics, match="more than 3 distributions: report fewer files"):
        figures.read([fleet])


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0037, "3.70ms"), (0.0412, "41.2ms"), (0.412, "412ms"), (1.0, "1.00s"), (12.34, "12.3s"), (3600.0, "3600s")],
)
def test_latencies_have_three_digits(seconds: float, told: str) -> None:
    assert table.latency(seconds) == told


@pytest.mark.parametrize(("seconds", "told"), [(10.0, "10s"), (119.0, "119s"), (600.0, "10min"), (12_600.0, "3.5h")])
def test_time_is_told_in_the_largest_unit_there_are_two_of(seconds: float, told: str) -> None:
    assert table.duration(seconds) == told
