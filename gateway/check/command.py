"""The command ``paceline check``: from its options to its exit code."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from ...router.errors import PacelineError
from ...router.plugins import Catalogue
from ..config import TRIAL, Configuration, ConfigurationRefused, read_file, trial
from ..ending import BAD_INPUT, FAILED
from . import table
from .findings import Findings, Wrong
from .inspection import look_into
from .live import call_each

if TYPE_CHECKING:
    from .options import CheckOptions


def run(options: CheckOptions) -> int:
    """Read, look into it, show, and give the exit code."""
    if options.show:
        print(TRIAL, end="")
        return 0

    catalogue = Catalogue.installed()

    def anew() -> Configuration:
        return trial(catalogue) if options.config is None else read_file(options.config, catalogue=catalogue)

    code = 0
    try:
        found = look_into(anew)
        code = 0 if all(route.kept for route in found.routes) else FAILED
        if options.live:
            live = asyncio.run(call_each(anew().endpoints, options.within_s))
            found = msgspec.structs.replace(found, live=live, ok=all(each.ok for each in live))
            code = code if found.ok else FAILED
    except ConfigurationRefused as refused:
        mistakes = [Wrong.of(mistake) for mistake in refused.mistakes]
        found, code = Findings(source=refused.source, ok=False, mistakes=mistakes), BAD_INPUT
    except PacelineError as failure:
        print(f"paceline check: {failure}", file=sys.stderr)
        return FAILED
    if options.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    else:
        table.show(found, Console(highlight=False))
    return code
