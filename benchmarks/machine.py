"""What a measurement was made on, and when: a figure without its machine and versions says nothing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("paceline", "anyio", "attrs", "hdrhistogram", "msgspec", "tenacity")


def machine(*more: str) -> dict[str, str]:
    """The date, processor, cores, Python and the libraries that matter here, with *more* of them where installed."""
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    return about | {name: version(name) for name in (*LIBRARIES, *filter(_is_installed, more))}


def _is_installed(library: str) -> bool:
    try:
        version(library)
    except PackageNotFoundError:
        return False
    return True


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
