"""What the benchmarks share: their command line, their tables, and how they tell what came out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import apart
from benchmarks.command import judged, parser, table, tell
from benchmarks.machine import machine


def test_every_benchmark_takes_quick_and_a_file_for_json(tmp_path: Path) -> None:
    chosen = parser("overhead", "How much?").parse_args(["--quick", "--json", str(tmp_path / "a.json")])

    assert chosen.quick
    assert chosen.json == tmp_path / "a.json"


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


@pytest.mark.parametrize(("value", "said"), [(4.0, "within the aim"), (8.0, "missed, 2.0 times the aim")])
def test_a_missed_aim_says_by_how_much(value: float, said: str) -> None:
    assert judged(value, 4.0) == said


def test_what_came_out_is_printed_and_written_with_the_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.json"

    tell("How much?", ["So much."], {"us": 3}, json_file=file, libraries=["aiohttp"])

    said, written = capsys.readouterr().out, json.loads(file.read_text(encoding="utf-8"))
    assert said.startswith("How much?\n\nSo much.\n\ndate 20")
    assert written["us"] == 3
    assert {"date", "processor", "python", "paceline", "aiohttp"} <= written["machine"].keys()


def test_a_library_that_is_not_installed_has_no_version() -> None:
    assert "no-such-library" not in machine("no-such-library")


def test_a_process_apart_answers_line_by_line_until_it_is_closed() -> None:
    other = apart.Apart("benchmarks.chaos_servers")

    urls = other.ask("urls").split()
    other.close()

    assert other.absent == ""
    assert len(set(urls)) == 3


def test_a_process_apart_that_ends_says_why_there_is_none() -> None:
    other = apart.Apart("benchmarks.no_such_module")
    other.close()

    assert other.absent == "its process ended"


def test_what_has_ended_does_not_answer() -> None:
    other = apart.Apart("benchmarks.machine")  # says nothing, and ends

    with pytest.raises((apart.Absent, BrokenPipeError)):
        other.ask("anything")

    other.close()


def test_a_fresh_process_gives_what_it_prints_or_why_it_failed() -> None:
    assert apart.fresh("-c", "print(6 * 7)") == "42\n"
    with pytest.raises(apart.Absent, match="ZeroDivisionError"):
        apart.fresh("-c", "1 / 0")


def test_a_library_that_is_missing_is_absent() -> None:
    with pytest.raises(apart.Absent, match="not installed"):
        apart.library("no_such_library")
