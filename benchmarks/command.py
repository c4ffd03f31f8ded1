"""The command line that benchmarks share: what is asked for, and how the answer is told.

Every benchmark is ``python -m benchmarks.NAME [--quick] [--json FILE]``. It prints its question, Markdown tables, its
verdicts, and the machine and versions it was run with; a file of JSON has the same figures for other programs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.machine import machine


def parser(name: str, question: str) -> argparse.ArgumentParser:
    """The options that every benchmark has. *name*: of its module."""
    options = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=question)
    options.add_argument("--quick", action="store_true", help="fewer rounds: a first look within half a minute")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return options


def tell(
    question: str,
    paragraphs: Sequence[str],
    figures: Mapping[str, object],
    *,
    json_file: Path | None,
    libraries: Sequence[str] = (),
) -> None:
    """Print what came out, and write the figures as JSON if asked.

    paragraphs: tables and verdicts. libraries: those that matter here beyond the usual ones.
    """
    about = machine(*libraries)
    told = "; ".join(f"{name} {value}" for name, value in about.items())
    print("\n\n".join([question, *paragraphs, told]))
    if json_file is not None:
        data = json.dumps({"question": question, "machine": about, **figures}, indent=2)
        json_file.write_text(data + "\n", encoding="utf-8")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def judged(value: float, aim: float) -> str:
    """Whether an aim that is an upper limit was met, and by how much it was missed."""
    return "within the aim" if value <= aim else f"missed, {value / aim:.1f} times the aim"
