"""The example plugin package: built, installed beside nothing of ours, used by name, and its own tests pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .loading import EXAMPLES

PROGRAM = """
import asyncio, tomllib
from paceline.router import Request, Router
from paceline.router.plugins import Catalogue
from paceline.router.testing import Scripted, endpoint

TABLE = tomllib.loads('''
policies = [
    "retry",
    {kind = "maintenance", windows = [{endpoints = ["first"], begins = 00:00:00, lasts_s = 86400}]},
    {kind = "slots", balancer = "least-loaded"},
]
''')

async def main():
    catalogue = Catalogue.installed()
    found = catalogue.policies.find("maintenance")
    print(found.name, found.package, found.version)
    fleet = [endpoint(name, Scripted()) for name in ("first", "second")]
    async with Router(fleet, policies=catalogue.stack(TABLE["policies"])) as router:
        print((await router.complete(Request(messages="hello", model="m"))).endpoint)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, and what pip has installed of it in ``installed``."""
    copy = tmp_path_factory.mktemp("example") / "package"
    shutil.copytree(EXAMPLES / "paceline-maintenance", copy, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    target = ["--no-build-isolation", "--target", str(copy / "installed"), str(copy)]
    done = subprocess.run([*pip, *target], capture_output=True, text=True, check=False)  # noqa: S603  our own package
    if done.returncode:
        pytest.skip(f"pip could not build the example here: {done.stderr.strip().splitlines()[-1]}")
    return copy


def python(package: Path, *arguments: str) -> str:
    """What a Python says that finds the installed package."""
    environment = {**os.environ, "PYTHONPATH": str(package / "installed")}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_used_by_name_from_a_configuration_file(package: Path) -> None:
    assert python(package, "-c", PROGRAM).splitlines() == ["maintenance paceline-maintenance 0.1.0", "second"]


def test_its_own_tests_pass(package: Path) -> None:
    assert " passed" in python(package, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_it_says_that_it_is_typed(package: Path) -> None:
    assert (package / "installed" / "paceline_maintenance" / "py.typed").exists()


def test_its_read_me_is_short_and_its_links_lead_to_files() -> None:
    text = (EXAMPLES / "paceline-maintenance" / "README.md").read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 25
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert all((EXAMPLES / "paceline-maintenance" / link).exists() for link in links)
