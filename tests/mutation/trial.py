"""Put one mutant before the tests that ought to notice it.

Nothing is written to the disk: a forked process is given the changed source when it imports the module, and runs the
tests in itself. So a trial costs what its tests take, and not another start of Python and of every library; and no
mutant can be left behind in the tree.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

import attrs
import pytest

from .mutants import Mutant

FORK = multiprocessing.get_context("fork")

PRELOADED = ("aiohttp", "anyio", "attrs", "hypothesis.stateful", "hdrh.histogram", "msgspec", "tenacity")
"""What is imported once for all trials. Of Paceline nothing may be: it has to be imported with its mistake."""

PRELOADED_IS_FINE = ("-W", "ignore::pytest.PytestAssertRewriteWarning")

QUIET = ("-q", "-x", "--no-cov", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", *PRELOADED_IS_FINE)


def preload() -> None:
    """Import what every trial needs."""
    for name in PRELOADED:
        importlib.import_module(name)


def is_noticed(mutant: Mutant, tests: Sequence[str], at_most_s: float) -> bool:
    """Whether one of *tests* fails, or they take longer than *at_most_s*."""

    def run() -> int:
        _hush()
        sys.meta_path.insert(0, _Mistaken(mutant))
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        return pytest.main([*QUIET, *files], [_Only({test: place for place, test in enumerate(tests)})])

    return forked(run, at_most_s) != 0


def forked(run: Callable[[], int], at_most_s: float) -> int | None:
    """What *run* answers in a process of its own; None if it takes longer."""
    process = FORK.Process(target=lambda: sys.exit(run()))
    process.start()
    process.join(at_most_s)
    if process.is_alive():
        process.kill()
        process.join()
        return None
    return process.exitcode


def _hush() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


@attrs.define(eq=False)
class _Only:
    """A plugin of pytest: these tests and no others, in this order."""

    places: dict[str, int]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.places), key=lambda item: self.places[item.nodeid]
        )


@attrs.define(eq=False)
class _Mistaken(MetaPathFinder, Loader):
    """Finds the module of a mutant, and loads it with the mistake in it."""

    mutant: Mutant

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """As `MetaPathFinder`."""
        mine = fullname == ".".join(("paceline", *self.mutant.path.with_suffix("").parts))
        return spec_from_loader(fullname, self, origin=str(self.mutant.path)) if mine else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As `Loader`."""

    def exec_module(self, module: ModuleType) -> None:
        """As `Loader`."""
        exec(compile(self.mutant.source, str(self.mutant.path), "exec"), module.__dict__)  # noqa: S102
