"""The options of ``paceline demo``, checked before anything starts."""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from ..arguments import number, writable

DEFAULT_SECONDS = 24.0
LEAST_SECONDS, MOST_SECONDS = 1.0, 3600.0
DEFAULT_SEED = 1
DEFAULT_RATE = 30.0
MOST_RATE = 100.0

ABOUT = """\
Send the same traffic through the same faults twice, by plain round robin and by Paceline, and compare.

Real HTTP servers on loopback speak the OpenAI streaming protocol for three models in three regions, at latencies drawn
from published measurements. In the middle third of the run one region browns out: it is slow, and a fifth of its
calls fail. Ctrl-C ends the run and reports what there is.
"""

EXAMPLES = """\
examples:
  paceline demo                                  about half a minute
  paceline demo --seconds 60 --rate 60 --seed 7 --json demo.json
  paceline demo --trace AzureLLMInferenceTrace_conv.csv

exit codes: 0 it ran to its end; 1 its servers did not start, or a file could not be written; 2 what was given cannot be
used; 130 Ctrl-C, 143 SIGTERM, both after reporting what there is.
"""


@attrs.frozen(kw_only=True)
class Options:
    """What was asked for on the command line.

    seconds: length of the run; answers under way then are waited for. seed: of everything drawn. rate: calls a second.
    trace: file to replay instead of drawing the traffic. json: file for the figures.
    """

    seconds: float = DEFAULT_SECONDS
    seed: int = DEFAULT_SEED
    rate: float = DEFAULT_RATE
    trace: Path | None = None
    json: Path | None = None

    @classmethod
    def of(cls, given: argparse.Namespace) -> Options:
        """From a parsed command line."""
        return cls(seconds=given.seconds, seed=given.seed, rate=given.rate, trace=given.trace, json=given.json)


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the options to the demo's own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = ABOUT, EXAMPLES
    parser.add_argument(
        "--seconds", type=number(LEAST_SECONDS, MOST_SECONDS), default=DEFAULT_SECONDS, metavar="N",
        help=f"length of the run (default {DEFAULT_SECONDS:g})",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, metavar="N", help=f"seed of all chance (default {DEFAULT_SEED})"
    )
    parser.add_argument(
        "--rate", type=number(0.1, MOST_RATE), default=DEFAULT_RATE, metavar="N",
        help=f"calls a second, on the whole (default {DEFAULT_RATE:g})",
    )  # fmt: skip
    parser.add_argument(
        "--trace", type=Path, metavar="FILE",
        help="replay the arrivals and lengths of a CSV file with the columns TIMESTAMP,ContextTokens,GeneratedTokens, "
        "as the Azure LLM inference traces have them: its first calls, scaled to the rate",
    )  # fmt: skip
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the figures to a file as well")
