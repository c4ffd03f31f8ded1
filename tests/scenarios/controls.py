"""Balancers as they are found elsewhere, with the fault a scenario is about: what ours is measured against."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from paceline.policies.slots import draw_two
from paceline.router import Layer

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler, Target


class LeastRequest:
    """The one with the fewest calls in flight, of two drawn. An endpoint that fails at once never has any."""

    layer: ClassVar[Layer] = Layer.SLOT

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        first, second = draw_two(len(call.candidates), call.dice)
        chosen = min(call.candidates[first], call.candidates[second], key=lambda target: target.in_flight)
        await next(call.with_(candidates=(chosen,)), emit)


class PeakEwma:
    """Peak EWMA times calls in flight, of two drawn; failures are timed as if they were answers."""

    layer: ClassVar[Layer] = Layer.SLOT

    TAU_S = 10.0

    def __init__(self) -> None:
        self._costs: dict[Target, tuple[float, float]] = {}

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        began_s = call.clock()
        first, second = draw_two(len(call.candidates), call.dice)
        chosen = min(
            call.candidates[first],
            call.candidates[second],
            key=lambda target: self._estimate(target, began_s) * (target.in_flight + 1),
        )
        try:
            await next(call.with_(candidates=(chosen,)), emit)
        finally:
            now_s = call.clock()
            self._observe(chosen, now_s - began_s, now_s)

    def _estimate(self, target: Target, now_s: float) -> float:
        cost, at_s = self._costs.get(target, (0.0, now_s))
        return cost * math.exp((at_s - now_s) / self.TAU_S)

    def _observe(self, target: Target, took_s: float, now_s: float) -> None:
        cost, at_s = self._costs.get(target, (0.0, now_s))
        weight = math.exp((at_s - now_s) / self.TAU_S)
        self._costs[target] = (took_s if took_s > cost else cost * weight + took_s * (1.0 - weight), now_s)


class MeanOfRecentSuccesses:
    """The least mean of the last ten answers; one without an answer counts as no time at all."""

    layer: ClassVar[Layer] = Layer.SLOT

    def __init__(self) -> None:
        self._last: dict[Target, deque[float]] = {}

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        began_s = call.clock()
        chosen = min(call.candidates, key=self._mean)
        await next(call.with_(candidates=(chosen,)), emit)
        self._last.setdefault(chosen, deque(maxlen=10)).append(call.clock() - began_s)

    def _mean(self, target: Target) -> float:
        last = self._last.get(target)
        return sum(last) / len(last) if last else 0.0
