"""The unit, judged by systemd itself where that is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paceline.gateway.config import Settings
from paceline.gateway.serve.workers import BEYOND_GRACE_S

from .files import GUIDE, UNIT


def test_the_unit_waits_longer_than_calls_may_take() -> None:
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)

    assert float(stop_s) > Settings().grace_s + BEYOND_GRACE_S
    assert f"{float(stop_s) - Settings().grace_s:g} s more" in GUIDE


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is on this machine."""
    path = tmp_path / "paceline.service"
    path.write_text(UNIT.replace("/opt/paceline/bin/paceline", sys.executable))
    return path


analyze = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(analyze is None, reason="systemd-analyze is not installed")


def _analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert analyze is not None
    return subprocess.run([analyze, *arguments], capture_output=True, text=True, check=False)  # noqa: S603


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    ended = _analyzed("verify", "--man=no", str(unit))

    assert [line for line in ended.stderr.splitlines() if "paceline.service" in line] == []
    assert ended.returncode == 0


@needs_systemd
def test_the_unit_is_as_confined_as_the_guide_says(unit: Path) -> None:
    ended = _analyzed("security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"exposure level for paceline.service: ([\d.]+)", ended.stdout)

    assert found is not None
    assert f"exposure {found[1]} of 10" in " ".join(GUIDE.split())
