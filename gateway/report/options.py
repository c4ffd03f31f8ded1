"""The options of ``paceline report``."""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from ..arguments import writable

ABOUT = """\
Show what saved statistics (.hlog) say of the latency of each endpoint: by metric, and by class of prompt size.

Several files are merged without loss, as of several processes, or of one process at several times. Intervals that two
files share are counted twice, so give files of one process that lie at least a window apart.
"""

EXAMPLES = """\
examples:
  paceline report router.hlog
  paceline report worker-1.hlog worker-2.hlog worker-3.hlog --json all.json

exit codes: 0 it is shown; 1 the JSON could not be written; 2 a file cannot be read, or is none of these.
"""


@attrs.frozen(kw_only=True)
class ReportOptions:
    """What was asked for on the command line.

    files: to read, one at least. json: file for the figures.
    """

    files: tuple[Path, ...]
    json: Path | None = None

    @classmethod
    def of(cls, given: argparse.Namespace) -> ReportOptions:
        """From a parsed command line."""
        return cls(files=tuple(given.files), json=given.json)


def describe_report(parser: argparse.ArgumentParser) -> None:
    """Add the options to the report's own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = ABOUT, EXAMPLES
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="statistics that a router saved")
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the figures to a file as well")
