"""What a strategy of balancing is: one synchronous question.

    choose(targets, call, now_s) -> Target

`Slots` asks it on every call, of the endpoints that are tied. It need not look whether there is a free slot: an answer
that cannot take the call is asked for again, this time of those that can. So a strategy may look at two endpoints of a
thousand, and most should. It may not wait, do I/O or look at a clock; chance comes from ``call.dice``.

Each multiplies its shares by `Target.weight`, so that an endpoint which has just come back is not given everything at
once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router.call import Call
    from ...router.target import Target


@runtime_checkable
class Balancer(Protocol):
    """A way to pick one of several. One object serves one router."""

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        """One of *targets*, of which there is at least one."""
        ...
