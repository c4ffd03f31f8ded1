"""The container's recipe: what it copies is built here; the image itself is not, that takes a container engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from .files import GUIDE, RECIPE, ROOT


def test_what_the_recipe_copies_is_enough_to_build_the_program(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for path in " ".join(re.findall(r"^COPY (?!--from)(.*) /src", RECIPE, re.MULTILINE)).split():
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, source / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, source)

    wheel_of = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps"]
    built = subprocess.run(  # noqa: S603  pip, of this environment
        [*wheel_of, "-w", str(tmp_path), str(source)], capture_output=True, text=True, check=False
    )

    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert "paceline/gateway/cli.py" in zipfile.ZipFile(wheel).namelist()


def test_the_extras_that_are_installed_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    for told in re.findall(r"'[./\w]*\[([\w,]+)\]'", RECIPE + GUIDE):
        assert set(told.split(",")) <= set(extras)


def test_the_container_is_not_roots() -> None:
    (user,) = re.findall(r"^USER (\d+):\d+$", RECIPE, re.MULTILINE)

    assert int(user) > 0
    assert f"({user})" in GUIDE
