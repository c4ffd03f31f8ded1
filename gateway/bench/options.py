"""The options of ``paceline bench``, checked before anything starts."""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from ..arguments import number, whole, writable
from .plan import Plan

ABOUT = """\
Measure how fast your own endpoints are, from here: time to first token, tokens per second, whole answers, errors.

Every endpoint gets the same calls at the same pace, in turns, each call once: no retry, no fallback. They are real
calls and cost money: what they cost at most is shown first, and a run that is not nearly free asks before it starts.
Prompts are made up, and no two are alike. Ctrl-C ends the run and shows what there is.
"""

EXAMPLES = """\
examples:
  paceline bench fleet.toml                              30 calls to each endpoint, one a second
  paceline bench fleet.toml --endpoint east-mini --calls 200 --rate 4
  paceline bench fleet.toml --prompt-tokens 4000 --max-tokens 32 --json before.json
  paceline bench fleet.toml --seconds 600 --rate 0.2 --hlog today.hlog --yes && paceline report today.hlog

exit codes: 0 every endpoint has answered; 1 one has not, the question was declined, or a file could not be written;
2 what was given cannot be used; 130 Ctrl-C, 143 SIGTERM, both after showing what had ended.
"""

DEFAULTS = Plan()


@attrs.frozen(kw_only=True)
class BenchOptions:
    """What was asked for on the command line.

    config: file of the endpoints. endpoints: names of those to measure; empty: all. plan: what is sent.
    yes: do not ask before it costs money. json, hlog: files for the figures, and for the distributions.
    """

    config: Path
    endpoints: tuple[str, ...] = ()
    plan: Plan = DEFAULTS
    yes: bool = False
    json: Path | None = None
    hlog: Path | None = None

    @classmethod
    def of(cls, given: argparse.Namespace) -> BenchOptions:
        """From a parsed command line."""
        calls = given.calls if given.seconds is None else max(1, round(given.seconds * given.rate))
        plan = Plan(
            calls=calls,
            rate=given.rate,
            prompt_tokens=given.prompt_tokens,
            max_tokens=given.max_tokens,
            at_once=given.at_once,
            timeout_s=given.timeout,
            seed=given.seed,
        )
        return cls(
            config=given.config,
            endpoints=tuple(given.endpoint),
            plan=plan,
            yes=given.yes,
            json=given.json,
            hlog=given.hlog,
        )


def describe_bench(parser: argparse.ArgumentParser) -> None:
    """Add the options to the bench's own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = ABOUT, EXAMPLES
    parser.add_argument("config", type=Path, metavar="CONFIG", help="configuration file (TOML) of the endpoints")
    parser.add_argument(
        "--endpoint", action="append", default=[], metavar="NAME",
        help="measure this one; may be given several times (default all)",
    )  # fmt: skip
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--calls", type=whole(1, 100_000), default=DEFAULTS.calls, metavar="N",
        help=f"calls to each endpoint (default {DEFAULTS.calls})",
    )  # fmt: skip
    length.add_argument(
        "--seconds", type=number(0.1, 86_400), metavar="S", help="or: go on for so long, at the rate below"
    )
    parser.add_argument(
        "--rate", type=number(0.001, 1000), default=DEFAULTS.rate, metavar="R",
        help=f"calls a second to each endpoint (default {DEFAULTS.rate:g})",
    )  # fmt: skip
    parser.add_argument(
        "--prompt-tokens", type=whole(1, 200_000), default=DEFAULTS.prompt_tokens, metavar="N",
        help=f"about so many tokens a prompt (default {DEFAULTS.prompt_tokens})",
    )  # fmt: skip
    parser.add_argument(
        "--max-tokens", type=whole(1, 100_000), default=DEFAULTS.max_tokens, metavar="N",
        help=f"tokens an answer may have (default {DEFAULTS.max_tokens})",
    )  # fmt: skip
    parser.add_argument(
        "--at-once", type=whole(1, 10_000), default=DEFAULTS.at_once, metavar="N",
        help=f"calls in flight at one endpoint; more wait here (default {DEFAULTS.at_once})",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=number(0.1, 3600), default=DEFAULTS.timeout_s, metavar="S",
        help=f"seconds a call may take (default {DEFAULTS.timeout_s:g})",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=DEFAULTS.seed, metavar="N",
        help=f"of the order and the prompts (default {DEFAULTS.seed})",
    )  # fmt: skip
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask, whatever it costs")
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the figures to a file as well")
    parser.add_argument(
        "--hlog", type=writable, metavar="FILE", help="write the distributions to a file, for paceline report"
    )
