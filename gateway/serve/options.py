"""The options of ``paceline serve``."""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from ..arguments import whole, writable

MOST_WORKERS = 256

ABOUT = """\
Serve OpenAI's and Anthropic's API over a router, so that a program gets latency routing by another base URL.

Without CONFIG it serves a fleet of simulated endpoints, to be tried at once and without a key. What is given here
takes precedence over the file. SIGTERM and Ctrl-C drain: calls in flight end, new ones are told to come back.
SIGHUP, or a change of the file, takes up what it says now.

Lines of JSON about calls, one each, go to standard output; words for people go to standard error.
"""


@attrs.frozen(kw_only=True)
class ServeOptions:
    """What was asked for on the command line. None: as the file says.

    config: the file; None: the simulated fleet. host, port, workers: as in `Settings`. quiet: no line per call.
    record: file for calls and attempts, for `paceline replay`. remember: file for what is measured (`memory`).
    worker: which of several processes this is, from 0; None: the one that was started by hand.
    """

    config: Path | None = None
    host: str | None = None
    port: int | None = None
    workers: int | None = None
    quiet: bool = False
    record: Path | None = None
    remember: Path | None = None
    worker: int | None = None

    def own(self, path: Path | None) -> Path | None:
        """The file that stands for *path* in this process: each of several workers has its own."""
        return path if path is None or self.worker is None else path.with_stem(f"{path.stem}-{self.worker}")

    @classmethod
    def of(cls, given: argparse.Namespace) -> ServeOptions:
        """From a parsed command line."""
        return cls(
            config=given.config,
            host=given.host,
            port=given.port,
            workers=given.workers,
            quiet=given.quiet,
            record=given.record,
            remember=given.remember,
            worker=given.worker,
        )


def describe_serve(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = ABOUT
    parser.add_argument(
        "config", type=Path, nargs="?", metavar="CONFIG", help="a TOML file; without one, a simulated fleet"
    )
    parser.add_argument("--host", metavar="ADDRESS", help="where to listen (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=whole(0, 65535), metavar="N", help="which port; 0 takes a free one (default 8080)"
    )
    parser.add_argument(
        "--workers", type=whole(1, MOST_WORKERS), metavar="N", help="processes that share the address (default 1)"
    )
    parser.add_argument("--quiet", action="store_true", help="write no line about each call")
    parser.add_argument(
        "--record", type=writable, metavar="FILE", help="write down calls and attempts, without content, for replay"
    )
    parser.add_argument(
        "--remember",
        type=writable,
        metavar="FILE",
        help="begin with the latencies that FILE tells, an .hlog, and keep it up to date: a restart forgets nothing",
    )
    parser.add_argument("--worker", type=whole(0, MOST_WORKERS), help=argparse.SUPPRESS)
