"""Rendezvous hashing: every key has an order of preference among the endpoints, and everyone works out the same.

Each endpoint is given a number for each key, and the highest comes first. When one comes or goes, only the keys that it
was first for move, and to as many others as there are: nothing else knows about it. Two routers that never met send a
key to the same endpoint.

Keys are put into 4,096 groups, and a group's order is worked out when it is first asked for. So asking costs a look
into a dict, whatever the number of endpoints. Only the first 32 are kept: who may use none of these works it out anew.

Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998), called HRW.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..router.target import Target

GROUPS = 4096
FIRST = 32


def in_order(targets: Iterable[Target], group: int) -> list[Target]:
    """*targets* as *group* prefers them."""
    return sorted(targets, key=lambda target: _weight(target.name, group), reverse=True)


def _weight(name: str, group: int) -> bytes:
    return blake2b(name.encode(), digest_size=8, salt=group.to_bytes(4, "big")).digest()


class Rendezvous:
    """Orders of preference among the endpoints of one router."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        self._first: dict[int, tuple[Target, ...]] = {}

    def order(self, targets: tuple[Target, ...], key: int) -> Sequence[Target]:
        """The 32 endpoints of the fleet that *key* prefers, in its order; *targets*, if none of the 32 is of them."""
        group = key % GROUPS
        first = self._first.get(group)
        if first is None:
            first = self._first[group] = tuple(in_order(targets[0].outliers.targets, group)[:FIRST])
        if first[0] in targets or any(target in targets for target in first):
            return first
        return in_order(targets, group)
