"""``paceline top`` as a program: in a real terminal, against a real gateway, through its restart, to its exit code."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Self
from urllib.parse import urlsplit

import pytest

from .gateways import gateway
from .terminal import terminal


class Stage:
    """A gateway in a thread of this process, so that the terminal can be played from the test."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._up, self._loop, self._end = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        async def main() -> None:
            async with gateway(self.port) as served:
                self.port = urlsplit(served.url).port or 0
                self._up.set()
                await self._end.wait()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(main())

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(20.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20.0)


@pytest.fixture(scope="module")
def port() -> Generator[int]:
    with Stage() as stage:
        yield stage.port


@contextmanager
def _refusing() -> Generator[str]:
    """A server that asks everybody for a key."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def top(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "paceline.gateway", "top", *arguments],
        check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_keys_do_what_the_foot_says(port: int) -> None:
    with terminal("top", f"127.0.0.1:{port}") as screen:
        screen.until("us-east-mini")
        while_it_runs = screen.settings()
        screen.press(b"s")
        screen.until("slowest first")
        screen.press(b"p")
        screen.until("go on")
        screen.press(b"\x1b[A")  # an arrow is no Escape
        screen.press(b"q")
        assert screen.code() == 0
        assert "\x1b[?1049l" in screen.said  # the screen that was there before is back
        assert screen.settings() != while_it_runs  # and so are the terminal's own ways


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_cleanly(port: int, number: signal.Signals, code: int) -> None:
    with terminal("top", f"127.0.0.1:{port}") as screen:
        screen.until("us-east-mini")
        screen.process.send_signal(number)
        assert screen.code() == code
        assert "\x1b[?1049l" in screen.said
        assert "Traceback" not in screen.said


def test_it_waits_for_a_gateway_and_connects_again_after_a_restart() -> None:
    with ExitStack() as first:
        port = first.enter_context(Stage()).port
        with terminal("top", f"127.0.0.1:{port}", "--every", "0.2") as screen:
            screen.until("us-east-mini")
            first.close()
            screen.until("no answer for")
            with Stage(port):
                screen.until("figures of")  # the head of a gateway that answers
                screen.press(b"q")
                assert screen.code() == 0


def test_a_gateway_that_asks_for_a_key_ends_it() -> None:
    with _refusing() as url, terminal("top", url) as screen:
        assert screen.code() == 2
        assert "--key-env" in screen.said


def test_one_picture_for_scripts(port: int) -> None:
    ended = top(f"127.0.0.1:{port}", "--once")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "us-west-large" in ended.stdout
    assert "no call has ended yet" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert not any(line.endswith(" ") for line in ended.stdout.splitlines())


def test_without_a_gateway_the_one_picture_fails() -> None:
    ended = top("127.0.0.1:9", "--once")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "paceline top: no gateway answers at http://127.0.0.1:9: Connection refused\n"


def test_without_a_terminal_it_says_what_to_do(port: int) -> None:
    ended = top(f"127.0.0.1:{port}")

    assert (ended.returncode, ended.stderr) == (2, "paceline top: this is no terminal: say --once for one picture\n")
