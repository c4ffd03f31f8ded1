"""A real headless Chromium, and a gateway in a process of its own that can be stopped and started again.

The browser is the system's: nothing is downloaded. Where there is none, these tests are left out, and say so.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

PATIENCE_MS = 30_000
ROOT = Path(__file__).parents[3]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stage:
    """The stage's server, in a process of its own."""

    def __init__(self, scene: str) -> None:
        self._scene = scene
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}/dashboard"

    def start(self) -> None:
        """Serve, and wait until it does."""
        command = [sys.executable, "-m", "tests.gateway.dashboard.stage", str(self.port), self._scene]
        self._process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603  our own server
        until_s = time.monotonic() + 60.0
        while time.monotonic() < until_s:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError("the stage did not begin to serve within a minute")

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def stage(scene: str) -> Generator[Stage]:
    """A server that plays *scene*: steady, brownout, nasty or empty."""
    served = Stage(scene)
    served.start()
    try:
        yield served
    finally:
        served.stop()


@attrs.define
class Visit:
    """A page that is looked at, and what its browser had to complain of."""

    page: Page
    errors: list[str]
    hosts: set[str]


@contextmanager
def visit(browser: Browser, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Generator[Visit]:
    """Open the page, and wait until it is live."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    visited = Visit(page, [], set())

    def asked(request: Request) -> None:
        visited.hosts.add(request.url.split("/")[2] if "://" in request.url else request.url.split(":")[0])

    page.on("console", lambda told: visited.errors.append(told.text) if told.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: visited.errors.append(str(error)))
    page.on("request", asked)
    page.set_default_timeout(PATIENCE_MS)
    try:
        page.goto(url)
        page.wait_for_selector("#link[data-state=live]")
        yield visited
    finally:
        context.close()
