"""Reading what was recorded: whole, cut off, foreign."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paceline.gateway.replay.recording import BadRecording, Recording, read

from .traffic import record


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("recorded") / "traffic.jsonl"
    record(path, "quick", seconds=5.0)
    return path.read_bytes()


def test_a_last_line_that_was_cut_off_is_left_out_and_counted(recorded: bytes, tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    path.write_bytes(recorded[:-20])

    recording = read([path])

    assert recording.cut == 1
    assert len(recording.calls) == recorded.count(b"\n") - 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "does not begin with the line"),
        (b"time,tokens\n1,2\n", "does not begin with the line"),
        (b"\xff\xfe\x00", "does not begin with the line"),
        (b'{"paceline": 99, "began": "2026-11-21T00:00:00Z", "endpoints": []}\n', "format 99"),
        (b'{"paceline": 1, "began": "2026-11-21T00:00:00Z", "endpoints": []}\n', "no call"),
        (b'{"paceline": 1, "began": "2026-11-21T00:00:00", "endpoints": []}\n', "no zone"),
        (b'{"paceline": 1, "began": "2026-11-21T00:00:00Z", "endpoints": []}\n{"at_s": "now"}\n', "line 2"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_place(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(content)

    with pytest.raises(BadRecording, match=told):
        read([path])


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    recorded: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(recorded) - 1))
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(recorded[:place] + data.draw(st.binary(max_size=3)) + recorded[place + 1 :])

    found = _read(path)

    assert str(path) in found if isinstance(found, str) else found.calls


def _read(path: Path) -> Recording | str:
    try:
        return read([path])
    except BadRecording as refused:
        return str(refused)


def test_files_of_several_processes_are_laid_side_by_side(recorded: bytes, tmp_path: Path) -> None:
    first, second = tmp_path / "0.jsonl", tmp_path / "1.jsonl"
    header, lines = recorded.split(b"\n", 1)
    began = json.loads(header)
    for path, seconds in ((first, 0), (second, 60)):
        path.write_bytes(json.dumps(began | {"began": f"2026-11-21T00:0{seconds // 60}:00Z"}).encode() + b"\n" + lines)

    alone, both = read([first]).calls, read([second, first]).calls

    assert len(both) == 2 * len(alone)
    assert both[len(alone)].at_s == pytest.approx(alone[0].at_s + 60.0)
