"""``paceline serve`` as a program: it starts, tells where, takes signals, and ends with the right code."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paceline.gateway import cli
from paceline.gateway.replay.recording import read
from paceline.gateway.serve.command import configured
from paceline.gateway.serve.options import ServeOptions

WITHIN_S = 60.0


class Program:
    """A running ``paceline serve``. url: of its API, without ``/v1``. said: on standard error until it listened."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        while "try: " not in self.said and process.stderr is not None:
            line = process.stderr.readline()
            if not line:
                raise RuntimeError(f"it ended: {self.said}")
            self.said += line
        found = re.search(r"at (http://\S+)/v1", self.said)
        assert found is not None
        self.url = found[1]

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=WITHIN_S) as response:  # noqa: S310  loopback
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def ask(self, **fields: object) -> tuple[int, bytes]:
        body = {"model": "chat", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, **fields}
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{self.url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=WITHIN_S) as response:  # noqa: S310
            return response.status, response.read()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Its exit code, and what else it said on either output."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=WITHIN_S)
        return self.process.returncode, out, err


@contextmanager
def program(*arguments: str, **environment: str) -> Generator[Program]:
    command = [sys.executable, "-m", "paceline.gateway", "serve", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603
        command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **environment}
    ) as process:
        try:
            yield Program(process)
        finally:
            if process.poll() is None:
                process.kill()


CONFIG = """
[gateway]
port = 0
[[endpoint]]
name = "one"
model = "m"
provider = "simulated"
[[route]]
name = "chat"
models = ["m"]
"""


def test_calls_are_recorded_for_replay_by_each_process_in_a_file_of_its_own(tmp_path: Path) -> None:
    alone, shared = tmp_path / "alone.jsonl", tmp_path / "shared.jsonl"
    with program("--port", "0", "--quiet", "--record", str(alone)) as served:
        assert served.ask()[0] == 200
        served.end()
    with program("--port", "0", "--quiet", "--record", str(shared), "--workers", "2") as served:
        assert served.ask()[0] == 200
        served.end()

    assert [call.outcome for call in read([alone]).calls] == ["answered"]
    assert [call.outcome for call in read(sorted(tmp_path.glob("shared-*.jsonl"))).calls] == ["answered"]
    assert len(list(tmp_path.glob("shared-*.jsonl"))) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_a_file_it_serves_a_simulated_fleet_and_ends_when_told(number: int) -> None:
    with program("--port", "0") as served:
        assert "simulated fleet" in served.said
        assert "curl" in served.said
        assert served.ask()[0] == 200
        assert served.get("/readyz")[0] == 200
        code, out, _ = served.end(number)

    assert code == 0
    line = json.loads(out.splitlines()[0])
    assert (line["outcome"], line["route"], line["status"]) == ("answered", "chat", 200)


def test_a_call_in_flight_ends_before_the_program_does(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    slow = CONFIG.replace('provider = "simulated"', 'provider = { kind = "simulated", behaviour = { ttft_ms = 1500 } }')
    config.write_text(slow, encoding="utf-8")
    with program(str(config), "--quiet") as served:
        with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=WITHIN_S) as client:
            body = b'{"model":"chat","messages":[{"role":"user","content":"x"}],"max_tokens":2,"stream":true}'
            head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            _until(lambda: b"paceline_gateway_calls_in_flight 1.0" in served.get("/metrics")[1])
            served.process.send_signal(signal.SIGTERM)
            heard = b""
            while data := client.recv(65536):
                heard += data
        code, out, err = served.end(0)

    assert heard.startswith(b"HTTP/1.1 200")
    assert b"data: [DONE]" in heard
    assert code == 0
    assert out == ""
    assert "ending" in err


def test_a_change_of_the_file_is_taken_up_and_a_bad_one_refused(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with program(str(config), "--quiet") as served:
        config.write_text(CONFIG.replace('"one"', '"two"'), encoding="utf-8")
        served.process.send_signal(signal.SIGHUP)
        _until(lambda: b'"two"' in served.get("/readyz")[1])
        config.write_text("[gateway", encoding="utf-8")
        served.process.send_signal(signal.SIGHUP)
        _until(lambda: b'"two"' in served.get("/readyz")[1])
        assert served.ask()[0] == 200
        code, _, err = served.end()

    assert code == 0
    assert "is served now" in err
    assert "refused" in err


def test_the_file_is_taken_up_by_every_one_of_several_processes(tmp_path: Path) -> None:
    config = tmp_path / "paceline.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with program(str(config), "--workers", "2", "--quiet") as served:
        _until(lambda: len(_children(served.process.pid)) == 2)
        config.write_text(CONFIG.replace('"one"', '"two"'), encoding="utf-8")
        served.process.send_signal(signal.SIGHUP)
        # Whoever asks meets either of them, by chance: sixteen times the same one is no chance.
        _until(lambda: all(b'"two"' in served.get("/readyz")[1] for _ in range(16)))
        workers = _children(served.process.pid)
        served.process.send_signal(signal.SIGHUP)
        assert served.ask()[0] == 200
        assert _children(served.process.pid) == workers, "the signal itself ends none of them"
        code, _, _ = served.end()

    assert code == 0


def _until(holds: object) -> None:
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        if callable(holds) and holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came true")


def test_several_processes_share_an_address_and_one_that_dies_is_replaced() -> None:
    with program("--port", "0", "--workers", "2", "--quiet") as served:
        assert "2 processes" in served.said
        assert served.ask()[0] == 200
        first = _children(served.process.pid)
        _until(lambda: len(_children(served.process.pid)) == 2)
        first = _children(served.process.pid)
        os.kill(first[-1], signal.SIGKILL)
        _until(lambda: len(_children(served.process.pid)) == 2 and _children(served.process.pid) != first)
        code, _, err = served.end()

    assert code == 0
    assert "is started again" in err


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def test_a_bad_file_is_an_error_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[gateway]\nprot = 1\n", encoding="utf-8")

    assert cli.main(["serve", str(config)]) == 2
    assert "port" in capsys.readouterr().err


def test_an_open_door_is_an_error_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 2  # noqa: S104  that is the point
    assert "keys" in capsys.readouterr().err


def test_an_address_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert cli.main(["serve", "--port", str(taken.getsockname()[1])]) == 1
    assert "address already in use" in capsys.readouterr().err.lower()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--port", "70000"), "--port: must be a whole number from 0 to 65,535"),
        (("--port", "x"), "--port: must be a whole number"),
        (("--workers", "0"), "--workers: must be a whole number from 1 to 256"),
        (("a.toml", "b.toml"), "unrecognized arguments: b.toml"),
    ],
)
def test_bad_arguments_are_refused(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["serve", *arguments])

    assert end.value.code == 2
    assert told in capsys.readouterr().err


def test_the_command_line_takes_precedence_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.replace("port = 0", "port = 1234\nworkers = 2"), encoding="utf-8")

    alone = configured(ServeOptions(config=config, host="::1", port=4321, workers=1)).settings
    several = configured(ServeOptions(config=config, worker=1)).settings

    assert (alone.bind.host, alone.bind.port, alone.workers, alone.watch_bind) == ("::1", 4321, 1, None)
    assert several.watch_bind is not None
    assert several.watch_bind.port == 1236, "each worker is watched at a port of its own"
