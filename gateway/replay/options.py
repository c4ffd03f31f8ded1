"""The options of ``paceline replay``."""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from ..arguments import whole, writable

DEFAULT_SEEDS, MOST_SEEDS = 5, 100

ABOUT = """\
Play recorded traffic through another configuration in virtual time, and show what it would have done: percentiles,
share within the objective, cost, refusals by rate limits, retries, fallbacks and hedges, each with a 95 % interval.
With --against, the configuration that is in use now is played too, and the difference is shown.

Endpoints do again what they were recorded to do at that time, with prompts of that size, at that load. A new endpoint
behaves as its profile says. Nobody is called, and no key is needed.

exit codes: 0 every objective of the new configuration is kept; 1 one is broken; 2 a file cannot be used.
"""

EXAMPLE = """\
to record: paceline serve gateway.toml --record traffic.jsonl
or, in a program: Router(..., listeners=[Recorder(path="traffic.jsonl", endpoints=endpoints)])
"""


@attrs.frozen(kw_only=True)
class ReplayOptions:
    """What was asked for on the command line.

    traffic: recorded files, the oldest first. config: of what would be. against: of what is. seeds: how many runs of
    each. json: file for the figures.
    """

    traffic: tuple[Path, ...]
    config: Path
    against: Path | None = None
    seeds: int = DEFAULT_SEEDS
    json: Path | None = None

    @classmethod
    def of(cls, given: argparse.Namespace) -> ReplayOptions:
        """From a parsed command line."""
        return cls(
            traffic=tuple(given.traffic),
            config=given.config,
            against=given.against,
            seeds=given.seeds,
            json=given.json,
        )


def describe_replay(parser: argparse.ArgumentParser) -> None:
    """Add the options to the replay's own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = ABOUT, EXAMPLE
    parser.add_argument(
        "--traffic", type=Path, nargs="+", required=True, metavar="FILE", help="recorded calls, the oldest file first"
    )
    parser.add_argument("--config", type=Path, required=True, metavar="NEW.toml", help="the configuration to try")
    parser.add_argument("--against", type=Path, metavar="OLD.toml", help="the configuration that is in use")
    parser.add_argument(
        "--seeds",
        type=whole(1, MOST_SEEDS),
        default=DEFAULT_SEEDS,
        metavar="N",
        help="runs of each (default: %(default)s)",
    )
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the figures to a file as well")
