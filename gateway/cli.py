"""The command line. Each command brings its own options, and is imported only when it is the one.

Exit codes: 0 it went well; 1 it failed, or nobody reads what it says; 2 what was given cannot be used; 130 and 143 a
signal ended it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec

from .bench.options import BenchOptions, describe_bench
from .check.options import CheckOptions, describe_check
from .completion import complete, describe_completion
from .demo.options import Options, describe
from .ending import BAD_INPUT, FAILED
from .replay.options import ReplayOptions, describe_replay
from .report.options import ReportOptions, describe_report
from .serve.options import ServeOptions, describe_serve
from .top.options import TopOptions, describe_top

SIGINT_CODE = 128 + signal.SIGINT
ABOUT = """\
Routes calls to large language models by latency.
"""

EXAMPLES = """\
Each command has its own help: paceline bench --help

exit codes: 0 it went well; 1 it failed; 2 what was given cannot be used; 130 Ctrl-C; 143 SIGTERM.
"""

NEEDS = ("rich",)
"""What the commands import beyond the core: the extra ``gateway``."""


def parser() -> argparse.ArgumentParser:
    """The whole command line. A new command gets its place here, and its options from its own package."""
    top = argparse.ArgumentParser(
        prog="paceline", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=f"paceline {version('paceline')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo = commands.add_parser("demo", help="the same traffic and faults, by round robin and by Paceline")
    describe(demo)
    demo.set_defaults(run=_demo)
    serve = commands.add_parser("serve", help="the router as a server of OpenAI's and Anthropic's API")
    describe_serve(serve)
    serve.set_defaults(run=_serve)
    check = commands.add_parser("check", help="what a configuration file makes, or every mistake in it")
    describe_check(check)
    check.set_defaults(run=_check)
    bench = commands.add_parser("bench", help="how fast your own endpoints are, measured live")
    describe_bench(bench)
    bench.set_defaults(run=_bench)
    watch = commands.add_parser("top", help="what a gateway does at this moment, in the terminal")
    describe_top(watch)
    watch.set_defaults(run=_top)
    report = commands.add_parser("report", help="what saved statistics (.hlog) say of each endpoint's latency")
    describe_report(report)
    report.set_defaults(run=_report)
    replay = commands.add_parser("replay", help="what another configuration would have done with recorded traffic")
    describe_replay(replay)
    replay.set_defaults(run=_replay)
    completion = commands.add_parser("completion", help="a script that lets a shell complete all this")
    describe_completion(completion)
    completion.set_defaults(run=_completion)
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
        code = run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return SIGINT_CODE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to be written has a place to go
        return FAILED
    return code


def _demo(given: argparse.Namespace) -> int:
    from .demo.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(Options.of(given))


def _serve(given: argparse.Namespace) -> int:
    from .serve.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(ServeOptions.of(given))


def _check(given: argparse.Namespace) -> int:
    from .check.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(CheckOptions.of(given))


def _bench(given: argparse.Namespace) -> int:
    from .bench.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(BenchOptions.of(given))


def _top(given: argparse.Namespace) -> int:
    from .top.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(TopOptions.of(given))


def _report(given: argparse.Namespace) -> int:
    from .report.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(ReportOptions.of(given))


def _replay(given: argparse.Namespace) -> int:
    from .replay.command import run  # noqa: PLC0415  it imports what the extra brings

    return run(ReplayOptions.of(given))


def _completion(given: argparse.Namespace) -> int:
    return complete(parser(), given.shell)
