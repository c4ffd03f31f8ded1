"""Files of calls: read as the Azure traces are written, and refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from paceline.gateway.demo.trace import BadTrace, Row, read, replay

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
DAY = "2023-11-16 18:15:"


def written(folder: Path, *lines: str, ends: str = "\r\n") -> Path:
    path = folder / "calls.csv"
    path.write_bytes(ends.join(lines).encode())
    return path


def test_windows_line_ends_and_seven_digits_and_no_last_newline_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, f"{DAY}46.6805900,374,44", f"{DAY}50.9951690,396,109")

    first, second = read(path)

    assert (first.prompt_tokens, first.answer_tokens) == (374, 44)
    assert second.at_s - first.at_s == pytest.approx(4.314579)
    assert second == Row(second.at_s, 396, 109)


def test_a_byte_order_mark_and_plain_line_ends_and_whole_seconds_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeff" + HEADER, f"{DAY}46,1,2", "", f"{DAY}47,3,4", "", ends="\n")

    assert [row.answer_tokens for row in read(path)] == [2, 4]


def test_time_is_compressed_to_the_rate_and_gaps_keep_their_proportions(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, *(f"{DAY}{second},10,20" for second in ("00.0", "10.0", "40.0", "50.0", "59.0")))

    traffic = replay(path, seconds=2.0, rate=2.0, seed=1)

    assert [call.at_s for call in traffic.calls] == pytest.approx([0.0, 2 * 10 / 59, 2 * 40 / 59, 2 * 50 / 59])
    assert "first 4 calls of calls.csv" in traffic.told
    assert "compressed 30 times" in traffic.told


def test_a_file_with_too_few_calls_is_stretched_over_the_run(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, f"{DAY}00.0,10,20", f"{DAY}01.0,10,20")

    traffic = replay(path, seconds=20.0, rate=30.0, seed=1)

    assert [call.at_s for call in traffic.calls] == pytest.approx([0.0, 10.0])
    assert "stretched 10 times" in traffic.told


def test_a_single_call_arrives_at_once(tmp_path: Path) -> None:
    traffic = replay(written(tmp_path, HEADER, f"{DAY}00.0,10,20"), seconds=20.0, rate=30.0, seed=1)

    assert [call.at_s for call in traffic.calls] == [0.0]


def test_only_as_much_is_read_as_is_needed(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, f"{DAY}00.0,10,20", f"{DAY}01.0,10,20", "nonsense")

    assert len(replay(path, seconds=1.0, rate=1.0, seed=1).calls) == 1


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((), "is empty"),
        ((HEADER,), "no calls"),
        (("time,in,out", f"{DAY}00.0,10,20"), "line 1: the columns are 'time,in,out', expected TIMESTAMP"),
        ((HEADER, f"{DAY}00.0,10,20", f"{DAY}01.0,10"), "line 3: 2 fields, expected 3"),
        ((HEADER, "yesterday,10,20"), "line 2: TIMESTAMP is 'yesterday'"),
        ((HEADER, f"{DAY}00x5,10,20"), "line 2: TIMESTAMP is"),
        ((HEADER, f"{DAY}00.0,ten,20"), "line 2: ContextTokens is 'ten'"),
        ((HEADER, f"{DAY}00.0,10,-3"), "line 2: GeneratedTokens is '-3'"),
        ((HEADER, f"{DAY}00.0,10,0"), "line 2: GeneratedTokens is '0'"),
        ((HEADER, f"{DAY}05.0,10,20", f"{DAY}04.0,10,20"), "line 3: .* is before the line above"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(BadTrace, match=told):
        replay(written(tmp_path, *lines), seconds=10.0, rate=1.0, seed=1)


def test_what_is_no_readable_text_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\x7fELF\x00\xd0\xd0")

    with pytest.raises(BadTrace, match="comma-separated text"):
        list(read(binary))
    with pytest.raises(BadTrace, match=r"missing\.csv cannot be read: No such file"):
        list(read(tmp_path / "missing.csv"))
    with pytest.raises(BadTrace, match="cannot be read: Is a directory"):
        list(read(tmp_path))
