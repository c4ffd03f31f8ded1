"""Kinds of arguments that more than one command has."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path


def writable(text: str) -> Path:
    """A path whose folder exists, so that a run is not made in vain."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {path.parent} does not exist: make it first")
    return path


def number(least: float, most: float) -> Callable[[str], float]:
    """A number from *least* to *most*."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least:g} to {most:g}, not {text!r}")
        return value

    return number


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number from *least* to *most*."""

    def whole(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(most)) + 3 else None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least:,} to {most:,}, not {text!r}")
        return value

    return whole
