"""`Recorder`: what is written, what never is, and what becomes of files that grow."""

import asyncio
import json
import logging
import random
from pathlib import Path

import pytest

from paceline.gateway.replay.recorder import Recorder
from paceline.gateway.replay.recording import read
from paceline.router import Router
from paceline.router.errors import ConfigurationError
from paceline.router.testing import run, virtual_clock

from .traffic import CHAT, SECRET_WORDS, files_of, fleet, question, record


def test_every_call_is_a_line_with_its_attempts(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"

    sent = record(path, "quick", "flaky", seconds=20.0)

    header, *lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert header["paceline"] == 1
    assert [each["name"] for each in header["endpoints"]] == ["quick", "flaky"]
    assert len(lines) == sent
    retried = next(line for line in lines if line.get("retries"))
    assert retried["retries"] == ["provider_error"]
    assert [attempt["outcome"] for attempt in retried["attempts"]] == ["failed", "ok"]
    assert retried["attempts"][0]["reason"] == "provider_error"
    assert retried["attempts"][1]["ttft_s"] > 0.05
    assert retried["decisions"]
    assert retried["cost"] == pytest.approx((retried["prompt_tokens"] + 2 * retried["tokens_out"]) / 1e6)


def test_no_prompt_answer_or_user_is_written(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"

    record(path, "quick", seconds=10.0)

    text = path.read_text()
    assert not any(word in text for word in [*SECRET_WORDS.split(), "somebody", "the first word"])


def test_files_are_bounded_and_only_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"

    record(path, "quick", seconds=120.0, most_bytes=20_000, keep=2)

    files = files_of(path)
    assert [file.name for file in files] == ["traffic.jsonl.2", "traffic.jsonl.1", "traffic.jsonl"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert all(file.stat().st_size < 20_000 + 64 * 1024 for file in files)


def test_rotated_files_are_read_as_one_recording_in_order(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    sent = record(path, "quick", seconds=60.0, most_bytes=20_000, keep=100)

    recording = read(files_of(path))

    assert len(recording.calls) == sent
    times_s = [call.at_s for call in recording.calls]
    assert times_s == sorted(times_s)
    assert times_s[-1] == pytest.approx(60.0, abs=5.0)


def test_what_was_recorded_before_moves_on(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    record(path, "quick", seconds=5.0)
    before = path.read_bytes()

    record(path, "quick", seconds=5.0)

    assert (tmp_path / "traffic.jsonl.1").read_bytes() == before


def test_a_call_whose_caller_left_is_recorded_as_that(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    endpoints = fleet("slow")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with Recorder(path=path, endpoints=endpoints, clock=loop.time) as recorder:
            async with Router(endpoints, [CHAT], clock=loop.time, listeners=[recorder]) as router:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await router.complete(question(random.Random(1)))

    run(main)

    (call,) = read([path]).calls
    assert (call.outcome, call.total_s, call.in_time) == ("cancelled", pytest.approx(0.1), False)
    assert [(each.outcome, each.ttft_s) for each in call.attempts] == [("cancelled", None)]


class FullDisk:
    """A file that takes its header and nothing more."""

    closed = False

    def write(self, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self.closed = True


def test_a_full_disk_ends_the_recording_and_disturbs_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    endpoints, disk = fleet("quick"), FullDisk()

    async def main() -> None:
        recorder = Recorder(path=tmp_path / "traffic.jsonl", endpoints=endpoints, clock=virtual_clock)
        recorder._file.close()  # type: ignore[union-attr]
        recorder._file = disk  # type: ignore[assignment]
        async with Router(endpoints, [CHAT], clock=asyncio.get_running_loop().time, listeners=[recorder]) as router:
            for _ in range(3):
                await router.complete(question(random.Random(1)))
                await asyncio.sleep(2.0)
        recorder.close()

    with caplog.at_level(logging.ERROR, "paceline"):
        run(main)

    assert disk.closed
    assert [record.message for record in caplog.records] == [
        f"recording to {tmp_path / 'traffic.jsonl'} has ended: No space left on device"
    ]


def test_options_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="most_bytes must be a whole number of at least 1"):
        Recorder(path=tmp_path / "x", endpoints=[], most_bytes=0)
    with pytest.raises(ConfigurationError, match="keep"):
        Recorder(path=tmp_path / "x", endpoints=[], keep=-1)
