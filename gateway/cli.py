"""The command line. Each command brings its own options, and is imported only when it is the one.

Exit codes: 0 it went well; 1 it failed; 2 what was given cannot be used; 130 and 143 a signal ended it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec

from .demo.options import Options, describe
from .replay.options import ReplayOptions, describe_replay
from .report.options import ReportOptions, describe_report

BAD_INPUT = 2
SIGINT_CODE = 128 + signal.SIGINT

NEEDS = ("rich",)
"""What the commands import beyond the core: the extra ``gateway``."""


def parser() -> argparse.ArgumentParser:
    """The whole command line. A new command gets its place here, and its options from its own package."""
    top = argparse.ArgumentParser(prog="paceline", description="Routes calls to large language models by latency.")
    top.add_argument("--version", action="version", version=f"paceline {version('paceline')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo = commands.add_parser("demo", help="the same traffic and faults, by round robin and by Paceline")
    describe(demo)
    demo.set_defaults(run=_demo)
    report = commands.add_parser("report", help="what saved statistics (.hlog) say of each endpoint's latency")
    describe_report(report)
    report.set_defaults(run=_report)
    replay = commands.add_parser("replay", help="what another configuration would have done with recorded traffic")
    describe_replay(replay)
    replay.set_defaults(run=_replay)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; default, what the program was called with. Gives the exit code."""
    given = parser().parse_args(arguments)
    missing = [package for package in NEEDS if find_spec(package) is None]
    if missing:
        print(f"paceline needs {', '.join(missing)}: pip install 'paceline[gateway]'", file=sys.stderr)
        return BAD_INPUT
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except KeyboardInterrupt:
        return SIGINT_CODE


def _demo(given: argparse.Namespace) -> int:
    from .demo.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(Options.of(given))


def _report(given: argparse.Namespace) -> int:
    from .report.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(ReportOptions.of(given))


def _replay(given: argparse.Namespace) -> int:
    from .replay.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(ReplayOptions.of(given))
