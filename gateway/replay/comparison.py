"""Recorded traffic, through one configuration or two, by several seeds, side by side with what really happened."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from .figures import Estimate, blocks_of, differences, estimates
from .run import replay

if TYPE_CHECKING:
    from .figures import Block
    from .recording import Recording
    from .run import Replayed

SHARE_IN_TIME = "in_time"


@attrs.frozen(kw_only=True)
class RouteComparison:
    """One route. recorded, old, new: every figure by its name; None: there was no such run.

    difference: of new less old. promised: share of calls that the new configuration promises to be within its
    objective; None: it has no such route.
    """

    route: str
    calls: int
    recorded: dict[str, Estimate]
    old: dict[str, Estimate] | None
    new: dict[str, Estimate]
    difference: dict[str, Estimate] | None
    promised: float | None

    @property
    def is_broken(self) -> bool:
        """Whether the new configuration does not keep what it promises."""
        share = self.new[SHARE_IN_TIME].value
        return self.promised is not None and share is not None and share < self.promised


@attrs.frozen(kw_only=True)
class Comparison:
    """All routes of a recording. length_s: from its first call to its last. seeds: of the runs."""

    routes: tuple[RouteComparison, ...]
    length_s: float
    seeds: tuple[int, ...]

    @property
    def is_broken(self) -> bool:
        """Whether an objective is."""
        return any(route.is_broken for route in self.routes)


def compare(recording: Recording, new: Path, old: Path | None, seeds: Sequence[int]) -> Comparison:
    """Replay and compare. Runs use as many processes as there are processors.

    Raises:
        ConfigurationError: as `replay`.
    """
    configurations = [new] if old is None else [new, old]
    runs = [(path, seed) for path in configurations for seed in seeds]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(len(runs), os.cpu_count() or 1), mp_context=context) as pool:
        done = list(pool.map(_replayed, [(recording, path, seed) for path, seed in runs]))
    of_new, of_old = done[: len(seeds)], done[len(seeds) :]
    length_s = max(call.at_s for call in recording.calls)
    names = sorted({call.route for call in recording.calls})
    return Comparison(
        routes=tuple(_route(name, recording, of_new, of_old, length_s) for name in names),
        length_s=length_s,
        seeds=tuple(seeds),
    )


def _replayed(what: tuple[Recording, Path, int]) -> Replayed:
    return replay(*what)


def _route(
    name: str, recording: Recording, of_new: Sequence[Replayed], of_old: Sequence[Replayed], length_s: float
) -> RouteComparison:
    new, old = _blocks(name, of_new, length_s), _blocks(name, of_old, length_s)
    routes = of_new[0].routes
    return RouteComparison(
        route=name,
        calls=sum(call.route == name for call in recording.calls),
        recorded=estimates(blocks_of(recording.calls, name, length_s)),
        old=estimates(old) if old else None,
        new=estimates(new),
        difference=differences(new, old) if old else None,
        promised=routes[name].objective.success if name in routes else None,
    )


def _blocks(name: str, runs: Sequence[Replayed], length_s: float) -> list[Block]:
    return [block for run in runs for block in blocks_of(run.calls, name, length_s)]
