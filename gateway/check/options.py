"""The options of ``paceline check``."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import attrs

ABOUT = """\
Read a configuration file, tell every mistake in it at once, and show what it makes: the stack of policies, and for each
route where its calls go, when all is well, when every endpoint fails and when none says a word. That is rehearsed
with the configured policies, without a network. Routes that are bound to regions are shown with the proof that they
stay there.

Exit codes: 0 it can be used; 1 an endpoint did not answer (--live); 2 it cannot be used.
"""

DEFAULT_WITHIN_S = 20.0
LONGEST_S = 600.0


@attrs.frozen(kw_only=True)
class CheckOptions:
    """What was asked for on the command line.

    config: the file; None: the simulated fleet that is served without one. live: call each endpoint once.
    within_s: seconds such a call may take. json: print the findings as JSON. show: print the simulated fleet's file.
    """

    config: Path | None = None
    live: bool = False
    within_s: float = DEFAULT_WITHIN_S
    json: bool = False
    show: bool = False

    @classmethod
    def of(cls, given: argparse.Namespace) -> CheckOptions:
        """From a parsed command line."""
        return cls(
            config=given.config, live=given.live, within_s=given.within, json=given.json, show=given.show_simulated
        )


def describe_check(parser: argparse.ArgumentParser) -> None:
    """Add the options to the check's own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = ABOUT
    parser.add_argument(
        "config", type=Path, nargs="?", metavar="CONFIG", help="the file; without one, the simulated fleet"
    )
    parser.add_argument("--live", action="store_true", help="send one small call to each endpoint")
    parser.add_argument(
        "--within",
        type=_seconds,
        default=DEFAULT_WITHIN_S,
        metavar="SECONDS",
        help="that such a call may take (default: %(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.add_argument(
        "--show-simulated", action="store_true", help="print the simulated fleet as a file to begin with, and end"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0 and up to {LONGEST_S:g}, not {text!r}")
    return seconds
