"""Which of a call's candidates can do what it asks for.

Asked once, when a call is admitted, and so before any policy: whatever is chosen later is chosen among those that can.
What a set of candidates comes to is worked out once and kept, for it never changes while a router lives.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from .errors import OperationUnmet
from .operation import Operation, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from .route import Route
    from .target import Target

    Sieve: TypeAlias = "Callable[[tuple[Target, ...]], Able]"

SETS = 64
"""Of candidates, whose result is kept."""


class Able(msgspec.Struct, frozen=True):
    """The candidates that can do an operation, and the names of the others, told."""

    targets: tuple[Target, ...]
    dropped: str


def sieves(targets: Iterable[Target]) -> dict[Operation, Sieve]:
    """For each operation that some of *targets* cannot do, what tells those that can."""
    every = tuple(targets)
    return {
        operation: _sieve(operation)
        for operation in Operation
        if any(operation not in target.endpoint.operations for target in every)
    }


def _sieve(operation: Operation) -> Sieve:
    @lru_cache(maxsize=SETS)
    def able(candidates: tuple[Target, ...]) -> Able:
        can = {target: operation in target.endpoint.operations for target in candidates}
        return Able(
            tuple(target for target in candidates if can[target]),
            ", ".join(target.name for target in candidates if not can[target]),
        )

    return able


def unmet(operation: Operation, route: Route, candidates: Iterable[Target]) -> OperationUnmet:
    """The error of a call that none of its candidates can do."""
    can = "; ".join(f"{target.name}: {told(target.endpoint.operations)}" for target in candidates)
    return OperationUnmet(f"no endpoint of {route.name!r} can do {operation.value}; what they can do: {can}")
