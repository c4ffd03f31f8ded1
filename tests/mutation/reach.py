"""Which tests run which line, and how long each takes: measured once, with the code as it is."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs
import coverage
import msgspec
import pytest

from .mutants import Mutant
from .trial import PRELOADED_IS_FINE, forked

AT_MOST_S = 15.0
"""Seconds of tests that one mutant is put to, the likeliest to notice first."""


class Reach(msgspec.Struct):
    """Tests by what they reach.

    lines: indices into *tests*, by file and line. seconds: of each of *tests*.
    """

    tests: list[str]
    seconds: list[float]
    lines: dict[str, dict[int, list[int]]]

    def of(self, mutant: Mutant) -> Sequence[str]:
        """The tests that run what the mutant changes, the likeliest to notice first.

        These are the ones written for its file, then those that run much of it in little time. What runs on import, a
        default or a constant, is tested by all that run anything of the file.
        """
        lines = self.lines.get(str(mutant.path), {})
        there = {test for line in range(mutant.line, mutant.to_line + 1) for test in lines.get(line, ())}
        run = Counter(test for tests in lines.values() for test in tests)
        chosen: list[str] = []
        left_s = AT_MOST_S

        def likeliest(test: int) -> tuple[bool, float]:
            return not self._is_own(test, mutant.path), self.seconds[test] / run[test]

        for test in sorted(there or run, key=likeliest):
            left_s -= self.seconds[test]
            if left_s < 0 and chosen:
                break
            chosen.append(self.tests[test])
        return chosen

    def seconds_of(self, tests: Iterable[str]) -> float:
        """How long these take one after the other."""
        known = dict(zip(self.tests, self.seconds, strict=True))
        return sum(known[test] for test in tests)

    def _is_own(self, test: int, path: Path) -> bool:
        return f"test_{path.stem}" in self.tests[test]


@attrs.define(eq=False)
class _Stopwatch:
    """A plugin of pytest: how long the tests take."""

    seconds: dict[str, float] = attrs.field(factory=dict[str, float])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def measured(tests: Sequence[str], files: Sequence[Path], kept: Path) -> Reach:
    """Run *tests* once, unless nothing has changed since, and keep what they reach of *files* in the folder *kept*.

    Raises:
        RuntimeError: a test fails as it is.
    """
    kept.mkdir(exist_ok=True)
    data, answer = kept / "coverage", kept / "reach.json"
    if answer.exists() and all(_is_older(file, answer) for file in (*Path().glob("tests/**/*.py"), *files)):
        return msgspec.json.decode(answer.read_bytes(), type=Reach)

    def run() -> int:
        os.environ["COVERAGE_FILE"] = str(data)
        watch = _Stopwatch()
        packages = (f"--cov=paceline.{top}" for top in sorted({file.parts[0] for file in files}))
        options = ["-q", "-x", *packages, "--cov-config", os.devnull, "--cov-context=test", "--cov-report="]
        ended = pytest.main([*options, *PRELOADED_IS_FINE, "-p", "no:cacheprovider", *tests], [watch])
        answer.write_bytes(msgspec.json.encode(_read(data, files, watch.seconds)))
        return ended

    if forked(run, at_most_s=1800.0) != 0:
        raise RuntimeError("the tests must pass before mistakes are made")
    return msgspec.json.decode(answer.read_bytes(), type=Reach)


def _is_older(one: Path, other: Path) -> bool:
    return one.stat().st_mtime < other.stat().st_mtime


def _read(data: Path, files: Sequence[Path], seconds: Mapping[str, float]) -> Reach:
    measured = coverage.CoverageData(str(data))
    measured.read()
    tests = sorted(seconds)
    number = {test: place for place, test in enumerate(tests)}
    lines: dict[str, dict[int, list[int]]] = {}
    for where in measured.measured_files():
        path = next((file for file in files if Path(where).resolve() == file.resolve()), None)
        if path is not None:
            lines[str(path)] = {
                line: sorted({number[name.partition("|")[0]] for name in names if name})
                for line, names in measured.contexts_by_lineno(where).items()
            }
    return Reach(tests, [seconds[test] for test in tests], lines)
