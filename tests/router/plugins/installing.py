"""Packages as pip leaves them, put on the path for one test: a module, and the metadata that offers things of it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

Offers: TypeAlias = Mapping[str, Mapping[str, str]]
"""Entry points: what stands where, by name, by group."""

Install: TypeAlias = Callable[[str, Offers, str], None]
"""``install(package, offers, source)``: the module has the package's name, with underscores."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install made-up packages, until the test is over."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def it(package: str, offers: Offers, source: str = "") -> None:
        module = package.replace("-", "_")
        monkeypatch.delitem(sys.modules, module, raising=False)
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        metadata = tmp_path / f"{module}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = [
            line
            for group, entries in offers.items()
            for line in (f"[{group}]", *(f"{name} = {where}" for name, where in entries.items()))
        ]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")

    return it
