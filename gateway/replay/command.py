"""The command ``paceline replay``: from its options to its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import msgspec
from rich.console import Console

from ...router.errors import ConfigurationError
from ..ending import BAD_INPUT, FAILED, complain
from . import table
from .comparison import compare
from .recording import read
from .run import without_network

if TYPE_CHECKING:
    from .options import ReplayOptions


def run(options: ReplayOptions) -> int:
    """Replay, show, and give the exit code."""
    try:
        recording = read(options.traffic)
        for path in filter(None, (options.config, options.against)):
            without_network(path, recording, seed=1)  # so that what is wrong is told at once, and all of it
        comparison = compare(recording, options.config, options.against, range(1, options.seeds + 1))
    except ConfigurationError as fault:
        return complain("replay", fault, BAD_INPUT)
    except OSError as fault:
        return complain("replay", f"{fault.filename} cannot be read: {fault.strerror}", BAD_INPUT)
    if options.json is not None:
        try:
            options.json.write_bytes(msgspec.json.format(msgspec.json.encode(attrs.asdict(comparison)), indent=2))
        except OSError as fault:
            return complain("replay", f"{options.json} cannot be written: {fault.strerror}", FAILED)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)  # a file or a pipe has no edge
    table.show(comparison, recording, console)
    return FAILED if comparison.is_broken else 0
