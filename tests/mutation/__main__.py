"""Would the tests notice a mistake? Make every small one there is, one at a time, and count those that pass.

    make mutation                                          all files of pyproject's [tool.paceline-mutation]
    make mutation ARGS="policies/hedge.py"                 one file
    make mutation ARGS="--share 0.2 --seed 1"              a fifth of the mutants of each file, drawn at random
    make mutation ARGS="--again"                           only those that no test had noticed the last time

A mutant is put to the tests that run the changed line (see `reach`), and counts as noticed if one of them fails or they
run far longer than they did. What passes all of them is printed: it wants a test, or less code, or is no mistake at
all. Results are kept in ``.mutation``, line by line; delete it to begin anew.
"""

from __future__ import annotations

import argparse
import random
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from .mutants import Mutant, mutants
from .reach import Reach, measured
from .trial import is_noticed, preload

KEPT = Path(".mutation")
RESULTS = KEPT / "results.jsonl"

SLOWER, AND_S = 5.0, 10.0
"""Times as long, and so many seconds more, after which tests count as hanging."""


Key: TypeAlias = "tuple[str, str, str]"
"""Which mutant: the file, and the changed lines as they were and as they are."""


class Result(msgspec.Struct, frozen=True):
    """What became of a mutant."""

    path: str
    before: str
    after: str
    noticed: bool

    @property
    def key(self) -> Key:
        """Which mutant it was."""
        return self.path, self.before, self.after


def _key(mutant: Mutant) -> Key:
    return str(mutant.path), mutant.before, mutant.after


def main() -> None:
    """The program."""
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["paceline-mutation"]
    asked = _arguments()
    every = [path for glob in settings["files"] for path in sorted(Path().glob(glob))]
    files = asked.files or every
    preload()
    tests = [str(path) for glob in settings["tests"] for path in sorted(Path().glob(glob))]
    reach = measured(tests, every, KEPT)
    survived = {result.key for result in _kept() if not result.noticed} if asked.again else None
    dice = random.Random(asked.seed)
    results: list[Result] = []
    for path in files:
        some = [mutant for mutant in mutants(path) if asked.share >= 1.0 or dice.random() < asked.share]
        of_file = list(_tried(some, reach, survived))
        results += of_file
        _tell(str(path), of_file)
    _tell("all", results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="files to make mistakes in; default: those of pyproject")
    parser.add_argument("--share", type=float, default=1.0, help="of the mutants of each file, 0 to 1; default 1")
    parser.add_argument("--seed", type=int, default=1, help="of the dice that draw the share")
    parser.add_argument("--again", action="store_true", help="only what had not been noticed the last time")
    return parser.parse_args()


def _tried(some: Sequence[Mutant], reach: Reach, only: set[Key] | None) -> Iterator[Result]:
    for mutant in some:
        if only is not None and _key(mutant) not in only:
            continue
        tests = reach.of(mutant)
        noticed = bool(tests) and is_noticed(mutant, tests, SLOWER * reach.seconds_of(tests) + AND_S)
        if not noticed:
            _print(f"{mutant.path}:{mutant.line}  {mutant.operator}\n  - {mutant.before}\n  + {mutant.after}")
        result = Result(*_key(mutant), noticed)
        with RESULTS.open("ab") as kept:
            kept.write(msgspec.json.encode(result) + b"\n")
        yield result


def _kept() -> Sequence[Result]:
    """The last result of each mutant."""
    if not RESULTS.exists():
        return []
    results = [msgspec.json.decode(line, type=Result) for line in RESULTS.read_bytes().splitlines()]
    return list({result.key: result for result in results}.values())


def _tell(what: str, results: Sequence[Result]) -> None:
    count = Counter(result.noticed for result in results)
    if results:
        _print(f"{what:<40} {count[True]:>5} of {len(results):>5} noticed  {count[True] / len(results):>6.1%}")


def _print(words: str) -> None:
    print(words, flush=True)  # noqa: T201  a program prints


if __name__ == "__main__":
    main()
