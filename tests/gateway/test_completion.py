"""What every command has: help with examples and exit codes, completion by the shell, and manners at a closed pipe."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paceline.gateway import cli, completion

OURS = ("demo", "bench", "top", "report")


def commands() -> dict[str, argparse.ArgumentParser]:
    return completion.commands_of(cli.parser())


def script(capsys: pytest.CaptureFixture[str], shell: str) -> str:
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", OURS)
def test_help_has_examples_and_exit_codes(command: str) -> None:
    told = commands()[command].format_help()

    assert "\nexamples:\n" in told
    assert "\nexit codes: 0 " in told


def examples() -> list[str]:
    lines = [line for command in OURS for line in (commands()[command].epilog or "").splitlines()]
    return [line.strip() for line in lines if line.startswith("  paceline ")]


@pytest.mark.parametrize("example", examples())
def test_examples_are_understood(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCH_KEY", "k")
    line = re.split(r" {3}| && | \| ", example)[0]

    given = cli.parser().parse_args(shlex.split(line)[1:])

    assert callable(given.run)


def test_there_is_an_example_for_each() -> None:
    assert {example.split()[1] for example in examples()} == set(OURS)


def test_the_programs_own_help_has_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])

    told = capsys.readouterr().out
    assert all(f"\n    {command}" in told for command in commands())
    assert "exit codes: 0 it went well; 1 it failed; 2 what was given cannot be used; 130 Ctrl-C; 143 SIGTERM." in told


# -- completion


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_script_has_every_command(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    told = script(capsys, shell)

    assert all(command in told for command in commands())
    assert "prompt-tokens" in told


def completed(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> set[str]:
    """What bash would offer for the last of *words*."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    (folder / "completion.bash").write_text(script(capsys, "bash"))
    asked = (
        "source completion.bash; "
        f"COMP_WORDS=({shlex.join(['paceline', *words])}); COMP_CWORD={len(words)}; "
        "$(complete -p paceline | sed 's/.*-F \\([^ ]*\\).*/\\1/'); printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    ended = subprocess.run([bash, "-c", asked], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("be",), {"bench"}),
        (("top", "--s"), {"--sort"}),
        (("top", "--sort", ""), {"configured", "ttft", "load", "errors"}),
        (("completion", ""), set(completion.SHELLS)),
        (("bench", "fl"), {"fleet.toml"}),
        (("bench", "--json", "fl"), {"fleet.toml"}),
    ],
)
def test_bash_completes_commands_options_choices_and_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], offered: set[str]
) -> None:
    (tmp_path / "fleet.toml").touch()

    assert completed(capsys, tmp_path, *words) == offered


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute"), ("tcsh", "-n")])
def test_the_shell_can_read_its_script(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shell: str, check: str
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    path = tmp_path / "script"
    path.write_text(script(capsys, shell))

    ended = subprocess.run([program, check, str(path)], capture_output=True, text=True, check=False)  # noqa: S603

    assert (ended.returncode, ended.stderr) == (0, "")


def test_without_shtab_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(completion, "find_spec", nothing)

    assert cli.main(["completion", "bash"]) == 2
    assert "pip install 'paceline[gateway]'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("completion", "bash"), ("report", "--help")])
def test_a_reader_who_has_gone_is_no_traceback(arguments: tuple[str, ...]) -> None:
    program = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "paceline.gateway", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    told = program.stderr.read().decode()
    program.stderr.close()

    assert program.wait(30.0) in {0, 1}
    assert "Traceback" not in told
