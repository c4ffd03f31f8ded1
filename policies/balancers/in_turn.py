"""Round robin: whoever has waited longest for its turn.

Fair where endpoints and calls are alike, and blind to everything: a slow endpoint gets its full share to be slow with.
Unlike the policy `RoundRobin`, a baseline that takes no slots, this keeps to the endpoints that have one free.

Whose turn it is hangs on who came last, not on a place in a list, so that it stays fair while endpoints come and go
among the candidates. An endpoint that has just come back lets turns pass, by the chance of its weight.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router.call import Call
    from ...router.target import Target


def _no_turns() -> defaultdict[str, dict[str, int]]:
    return defaultdict(dict)


@attrs.frozen
class InTurn:
    """The candidates in turn, for each route on its own."""

    _last: defaultdict[str, dict[str, int]] = attrs.field(factory=_no_turns, init=False, repr=False, eq=False)
    """Number of the turn each endpoint had last, by route and name."""

    _numbers: Iterator[int] = attrs.field(factory=itertools.count, init=False, repr=False, eq=False)

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        """As `Balancer`."""
        last = self._last[call.route.name]
        in_turn = sorted(targets, key=lambda target: last.get(target.name, -1))
        chosen = next((target for target in in_turn if self._takes_it(target, call, now_s, last)), in_turn[0])
        last[chosen.name] = next(self._numbers)
        return chosen

    def _takes_it(self, target: Target, call: Call, now_s: float, last: dict[str, int]) -> bool:
        """Whether it takes its turn; one that lets it pass waits for the next."""
        if call.dice.random() < target.weight(now_s):
            return True
        last[target.name] = next(self._numbers)
        return False
