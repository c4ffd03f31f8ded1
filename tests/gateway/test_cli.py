"""The command line: what it is told, what it refuses, and with which exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paceline.gateway import cli
from paceline.gateway.demo.options import Options


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "required: COMMAND"),
        (("dance",), "invalid choice: 'dance'"),
        (("demo", "--seconds", "0"), "--seconds: must be a number from 1 to 3600, not '0'"),
        (("demo", "--seconds", "nan"), "must be a number"),
        (("demo", "--seconds", "soon"), "must be a number"),
        (("demo", "--rate", "1e9"), "--rate: must be a number from 0.1 to 100"),
        (("demo", "--seed", "x"), "--seed: invalid int value"),
        (("demo", "--json", "no/such/folder/x.json"), "does not exist: make it first"),
        (("demo", "--json", "."), ". is a folder"),
        (("demo", "--colour"), "unrecognized arguments: --colour"),
    ],
)
def test_bad_arguments_are_refused(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(capsys, *arguments)


def test_options_have_their_defaults() -> None:
    assert Options.of(cli.parser().parse_args(["demo"])) == Options(
        seconds=24.0, seed=1, rate=30.0, trace=None, json=None
    )


@pytest.mark.parametrize(("flag", "told"), [("--version", "paceline 0."), ("--help", "demo")])
def test_questions_about_the_program_are_answered(capsys: pytest.CaptureFixture[str], flag: str, told: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([flag])

    assert end.value.code == 0
    assert told in capsys.readouterr().out


def test_a_bad_trace_is_an_error_before_anything_starts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["demo", "--trace", str(tmp_path / "none.csv")]) == 2
    assert "paceline demo: " in (told := capsys.readouterr().err)
    assert "none.csv cannot be read" in told


def test_a_missing_extra_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "NEEDS", ("no_such_package",))

    assert cli.main(["demo"]) == 2
    assert "pip install 'paceline[gateway]'" in capsys.readouterr().err


def test_the_package_runs_as_a_module_without_importing_the_extra() -> None:
    program = (
        "import runpy, sys; sys.modules['rich'] = None; "
        "runpy.run_module('paceline.gateway', run_name='__main__', alter_sys=True)"
    )

    ended = subprocess.run([sys.executable, "-c", program, "--version"], check=False, capture_output=True, text=True)  # noqa: S603

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("paceline 0.")
