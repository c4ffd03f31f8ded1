"""Send each call to the next endpoint in turn, whatever is known about it.

The simplest balancer there is, and the control that everything else is measured against. It is fair when endpoints
and calls are alike. Language models are neither, and a slow endpoint gets its full share of calls to be slow with.

Use it as a baseline, or in tests that need a known order. For traffic use `LatencyBudget` and `Slots`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import attrs

from ..router.errors import NoEndpoint
from ..router.pipeline import Layer

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler


@attrs.frozen
class RoundRobin:
    """The candidates in turn, for each route on its own. Takes a slot of none: it is blind to load."""

    layer: ClassVar[Layer] = Layer.SLOT

    _turns: dict[str, Iterator[int]] = attrs.field(factory=dict[str, Iterator[int]], init=False, repr=False)

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if not call.candidates:
            raise NoEndpoint("no candidate is left to take a turn")
        turns = self._turns.setdefault(call.route.name, itertools.count())
        chosen = call.candidates[turns.__next__() % len(call.candidates)]
        call.note("RoundRobin", "the turn of %s", chosen.name)
        await next(call.with_(candidates=(chosen,)), emit)
