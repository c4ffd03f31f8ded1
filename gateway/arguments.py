"""Kinds of arguments that more than one command has."""

from __future__ import annotations

import argparse
from pathlib import Path


def writable(text: str) -> Path:
    """A path whose folder exists, so that a run is not made in vain."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {path.parent} does not exist: make it first")
    return path
