"""``paceline bench`` as a program: real servers on loopback, files, questions, signals, exit codes."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from paceline.gateway import cli
from paceline.gateway.bench.figures import Outcome
from paceline.gateway.config import read_file
from tests.gateway.top.terminal import terminal
from tests.providers.loopback import WHOLE, Say, Vendor, replies, streams


@contextmanager
def vendors(*say: Say) -> Generator[list[Vendor]]:
    """Servers on loopback, in a thread of this process, so that the command has an event loop of its own."""
    made, up, ended = [Vendor(each) for each in say], threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            began = [asyncio.Event() for _ in made]
            for vendor, begun in zip(made, began, strict=True):
                group.create_task(_serve(vendor, begun, ended))
            for begun in began:
                await begun.wait()
            up.set()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert up.wait(20.0)
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(20.0)


async def _serve(vendor: Vendor, begun: asyncio.Event, ended: asyncio.Event) -> None:
    async with vendor.serving():
        begun.set()
        await ended.wait()


def config(path: Path, made: list[Vendor], extra: str = "") -> Path:
    tables = [
        f'[[endpoint]]\nname = "v{number}"\nprovider = "compatible"\nbase_url = "{vendor.url}"\nmodel = "m"\n{extra}\n'
        for number, vendor in enumerate(made)
    ]
    path.write_text("\n".join(tables))
    return path


SHORT = ("--calls", "5", "--rate", "50", "--max-tokens", "4", "--prompt-tokens", "40")


def test_ones_own_endpoints_are_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with vendors(streams(WHOLE), streams(WHOLE)) as made:
        fleet, json, log = config(tmp_path / "fleet.toml", made), tmp_path / "b.json", tmp_path / "b.hlog"

        code = cli.main(["bench", str(fleet), *SHORT, "--json", str(json), "--hlog", str(log)])

    shown = capsys.readouterr()
    outcome = msgspec.json.decode(json.read_bytes(), type=Outcome)
    assert code == 0
    assert [(each.endpoint, each.sent, each.success) for each in outcome.endpoints] == [("v0", 5, 1.0), ("v1", 5, 1.0)]
    assert outcome.endpoints[0].output_tokens == 5 * 2
    assert (outcome.source, outcome.interrupted, outcome.rate_per_s) == (str(fleet), False, 50.0)
    assert "It costs at most 0.0000" in shown.err
    assert "v0" in shown.out
    assert [len(vendor.bodies) for vendor in made] == [5, 5]
    assert {body["max_tokens"] for body in made[0].bodies} == {4}
    assert cli.main(["report", str(log)]) == 0
    assert "v1" in capsys.readouterr().out


def test_the_line_to_paste_is_understood_where_it_is_pasted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with vendors(streams(WHOLE)) as made:
        cli.main(["bench", str(config(tmp_path / "fleet.toml", made)), *SHORT])
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "profile = {" in line]

        pasted = read_file(config(tmp_path / "new.toml", made, extra=line.strip()))

    assert pasted.endpoints[0].profile is not None
    assert 0 < pasted.endpoints[0].profile.ttft_s < 5.0


def test_one_that_never_answers_is_a_failure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    refuses = replies({"error": {"message": "no such key"}}, status=401)
    with vendors(streams(WHOLE), refuses) as made:
        code = cli.main(["bench", str(config(tmp_path / "fleet.toml", made)), *SHORT])

    assert code == 1
    assert "v1: 5 x authentication, at first: " in capsys.readouterr().out
    assert len(made[1].bodies) == 5  # each was sent once


def test_only_the_named_ones_are_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with vendors(streams(WHOLE), streams(WHOLE)) as made:
        fleet = config(tmp_path / "fleet.toml", made)
        assert cli.main(["bench", str(fleet), *SHORT, "--endpoint", "v1"]) == 0
        assert cli.main(["bench", str(fleet), *SHORT, "--endpoint", "v7"]) == 2

    assert [len(vendor.bodies) for vendor in made] == [0, 5]
    assert "no endpoint is named v7; there are v0, v1" in capsys.readouterr().err


def test_so_many_seconds_are_so_many_calls(tmp_path: Path) -> None:
    with vendors(streams(WHOLE)) as made:
        fleet = config(tmp_path / "fleet.toml", made)
        assert cli.main(["bench", str(fleet), "--seconds", "0.2", "--rate", "40"]) == 0

    assert len(made[0].bodies) == 8


def test_a_bad_configuration_is_told_with_every_mistake(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.toml"
    fleet.write_text('[[endpoint]]\nname = "a"\nprovider = "simulated"\nmodle = "m"\n[[route]]\nname = "chat"\n')

    assert cli.main(["bench", str(fleet)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("paceline bench: ")
    assert any("modle" in line for line in told)
    assert any("models is missing" in line for line in told)


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["bench", str(tmp_path / "none.toml")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_and_the_figures_are_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with vendors(streams(WHOLE)) as made:
        fleet = config(tmp_path / "fleet.toml", made)
        parsed = cli.parser().parse_args(["bench", str(fleet), *SHORT, "--json", str(gone / "b.json")])
        gone.rmdir()
        code = parsed.run(parsed)

    shown = capsys.readouterr()
    assert code == 1
    assert "b.json cannot be written: No such file or directory" in shown.err
    assert "v0" in shown.out


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--calls", "0", "must be a whole number from 1 to 100,000, not '0'"),
        ("--calls", "many", "not 'many'"),
        ("--at-once", "-1", "whole number"),
        ("--prompt-tokens", "1e3", "whole number"),
        ("--max-tokens", "9" * 5000, "whole number"),
        ("--rate", "0", "must be a number from 0.001 to 1000"),
        ("--timeout", "nan", "must be a number"),
    ],
)
def test_what_cannot_be_is_refused(capsys: pytest.CaptureFixture[str], option: str, value: str, told: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["bench", "fleet.toml", f"{option}={value}"])

    assert end.value.code == 2
    assert told in capsys.readouterr().err


# -- money


DEAR = "price_in_per_m = 500.0\nprice_out_per_m = 500.0"


def test_what_costs_money_is_not_sent_where_nobody_can_be_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vendors(streams(WHOLE)) as made, Path("/dev/null").open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        fleet = config(tmp_path / "fleet.toml", made, DEAR)
        assert cli.main(["bench", str(fleet), *SHORT]) == 2
        assert "say --yes" in (told := capsys.readouterr().err)
        assert "It costs at most 0.1100 at the configured prices." in told
        assert made[0].bodies == []
        assert cli.main(["bench", str(fleet), *SHORT, "--yes"]) == 0
        assert len(made[0].bodies) == 5


@pytest.mark.parametrize(("answer", "code", "sent"), [(b"y\n", 0, 5), (b"n\n", 1, 0), (b"\n", 1, 0), (b"\x04", 1, 0)])
def test_somebody_is_asked_before_it_costs_money(tmp_path: Path, answer: bytes, code: int, sent: int) -> None:
    with (
        vendors(streams(WHOLE)) as made,
        terminal("bench", str(config(tmp_path / "fleet.toml", made, DEAR)), *SHORT) as screen,
    ):
        screen.until("Go on? [y/N]")
        screen.press(answer)
        assert screen.code() == code

    assert len(made[0].bodies) == sent
    assert ("nothing was sent" in screen.said) == (sent == 0)


def test_ctrl_c_at_the_question_sends_nothing(tmp_path: Path) -> None:
    with (
        vendors(streams(WHOLE)) as made,
        terminal("bench", str(config(tmp_path / "fleet.toml", made, DEAR)), *SHORT) as screen,
    ):
        screen.until("Go on? [y/N]")
        screen.interrupt()
        assert screen.code() == 130

    assert "Traceback" not in screen.said
    assert made[0].bodies == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_what_had_ended_is_shown_and_kept(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    json = tmp_path / "b.json"
    with (
        vendors(streams(WHOLE)) as made,
        terminal(
            "bench", str(config(tmp_path / "fleet.toml", made)), "--calls", "1000", "--rate", "20", "--json", str(json)
        ) as screen,
    ):
        screen.until("/1000")
        screen.until("5/1000")
        screen.process.send_signal(number)
        assert screen.code() == code

    outcome = msgspec.json.decode(json.read_bytes(), type=Outcome)
    assert outcome.interrupted
    assert 5 <= outcome.endpoints[0].sent < 1000
    assert "Ended before its time" in screen.said
    assert "profile = {" in screen.said
    assert "Traceback" not in screen.said
