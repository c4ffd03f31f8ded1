"""The demo from end to end, on real sockets and for a few seconds: the numbers add up, and signals end it cleanly."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from paceline.gateway import cli

CONTESTANTS = {"round_robin", "paceline"}


def read(path: Path) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return decoded


def assert_adds_up(run: dict[str, Any]) -> None:
    phases = [run["before"], run["brownout"], run["after"]]
    assert sum(phase["calls"] for phase in phases) == run["all"]["calls"]
    assert sum(phase["calls"] for phase in run["by_route"].values()) == run["all"]["calls"]
    for phase in (run["all"], *phases, *run["by_route"].values()):
        assert sum(phase["by_endpoint"].values()) == phase["ok"]
        assert sum(phase["failures"].values()) == phase["calls"] - phase["ok"]


def test_a_short_demo_gives_both_contestants_the_same_calls(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "figures.json"

    code = cli.main(["demo", "--seconds", "2", "--rate", "6", "--seed", "5", "--json", str(path)])

    told, figures = capsys.readouterr(), read(path)
    assert (code, told.err) == (0, "")
    assert "Who answered how many calls" in told.out
    assert "\x1b" not in told.out
    assert (figures["seed"], figures["seconds"], set(figures["runs"])) == (5, 2.0, CONTESTANTS)
    for run in figures["runs"].values():
        assert_adds_up(run)
    calls = {run["all"]["calls"] for run in figures["runs"].values()}
    assert len(calls) == 1
    assert calls.pop() > 5
    assert figures["runs"]["paceline"]["all"]["success"] == 1.0
    assert set(figures["strain"]) == {"callers", "servers"}
    own, ours = figures["report"]["by_route"], figures["runs"]["paceline"]["by_route"]
    assert {name: route["calls"] for name, route in own.items()} == {name: run["calls"] for name, run in ours.items()}
    assert "Paceline's own report, the whole run: calls by route" in told.out


def test_a_trace_is_replayed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace, path = tmp_path / "calls.csv", tmp_path / "figures.json"
    rows = "\r\n".join(f"2023-11-16 18:15:{second:02}.0000000,20,5" for second in range(4))
    trace.write_text(f"TIMESTAMP,ContextTokens,GeneratedTokens\r\n{rows}")

    assert cli.main(["demo", "--seconds", "1", "--trace", str(trace), "--json", str(path)]) == 0

    assert "the first 4 calls of calls.csv" in capsys.readouterr().out.replace("\n", " ")
    assert [run["all"]["calls"] for run in read(path)["runs"].values()] == [4, 4]


@pytest.mark.skipif(sys.platform == "win32", reason="its loop takes no signal handlers")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_what_it_has(tmp_path: Path, number: signal.Signals, code: int) -> None:
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "paceline.gateway", "demo", "--seconds", "10", "--json", str(path)]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:  # noqa: S603
        assert program.stdout is not None
        assert any("before" in line for line in program.stdout)
        program.send_signal(number)
        out, err = program.communicate(timeout=10)

    assert (program.returncode, err) == (code, "")
    assert number.name in out
    figures = read(path)
    assert figures["interrupted"]
    for run in figures["runs"].values():
        assert_adds_up(run)
        assert run["after"]["calls"] == 0
    for name, route in figures["report"]["by_route"].items():
        assert route["answered"] >= figures["runs"]["paceline"]["by_route"][name]["ok"]
