"""The command ``paceline report``: from its options to its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from ...router.errors import CorruptStatistics
from ..ending import BAD_INPUT, FAILED, complain
from ..printable import printable
from . import figures, table

if TYPE_CHECKING:
    from .options import ReportOptions


def run(options: ReportOptions) -> int:
    """Read, show, and give the exit code. Nothing is shown unless every file could be read to its end."""
    if len({path.resolve() for path in options.files}) < len(options.files):
        return _complain("a file is given twice, and would be counted twice: give it once", BAD_INPUT)
    try:
        report = figures.read(options.files)
    except CorruptStatistics as fault:
        return _complain(str(fault), BAD_INPUT)
    except OSError as fault:
        return _complain(f"{fault.filename} cannot be read: {fault.strerror}", BAD_INPUT)
    if options.json is not None:
        try:
            options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
        except OSError as fault:
            return _complain(f"{options.json} cannot be written: {fault.strerror}", FAILED)
    table.show(report, Console(highlight=False))
    return 0


def _complain(message: str, code: int) -> int:
    return complain("report", printable(message), code)
