"""The power of two choices: draw two at random, take the one that costs the call less.

It needs no global view, costs the same for ten endpoints and for a thousand, and spreads load nearly as evenly as
looking at all: the fullest of n bins holds about ln ln n / ln 2 balls more than the mean, where a blind throw gives it
ln n / ln ln n. And unlike "always the best" it does not send everybody to the winner of the moment, which is what makes
stale news dangerous.

The cost is the expected first token times the slots that would be in use, so that a busy endpoint has to be that much
faster. Failures of late are part of what is expected. An endpoint of which nothing is believed costs nothing and goes
first; `Slots` sees to it that few calls are under way to it.

Sources: Mitzenmacher, "The power of two choices" (1996); the load of Finagle's PeakEwma (cost times pending).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ...router.call import Call
    from ...router.target import Target

ALIKE = 0.95
"""Costs this close are a tie, and chance decides: they are estimates, and herds follow small differences."""


@attrs.frozen
class PowerOfTwo:
    """The cheaper of two, by expected seconds times load; either, if they cost nearly the same."""

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        """As `Balancer`."""
        return cheaper_of_two(targets, cost, call, now_s, alike=ALIKE)


def cheaper_of_two(
    targets: Sequence[Target],
    cost: Callable[[Target, Call, float], float],
    call: Call,
    now_s: float,
    *,
    alike: float = 1.0,
) -> Target:
    """The one of two different ones, drawn at random, that costs the call less.

    alike: either of them, if the less costs at least this share of the more.
    """
    if len(targets) == 1:
        return targets[0]
    first, second = draw_two(len(targets), call.dice)
    one, other = targets[first], targets[second]
    one_cost, other_cost = cost(one, call, now_s), cost(other, call, now_s)
    return other if other_cost < alike * one_cost else one


def draw_two(count: int, dice: random.Random) -> tuple[int, int]:
    """Two different places below *count*, at least 2, every pair and order equally likely."""
    first = int(dice.random() * count)
    second = int(dice.random() * (count - 1))
    return first, second if second != first else count - 1


def cost(target: Target, call: Call, now_s: float) -> float:
    """Expected seconds times the slots that would be in use; more while it is eased in after an ejection."""
    outlook = target.outlook(now_s, call.size)  # `expected_s`, written out: it is asked twice a call
    believed_s = outlook.ttft_s if call.request.stream else outlook.total_s
    seconds = ((believed_s or 0.0) + outlook.failure_s) * (target.slots.used + 1)
    return seconds if target.health is None else seconds / target.health.weight(now_s)  # `Target.weight`, likewise


def expected_s(target: Target, call: Call, now_s: float) -> float:
    """Seconds a call may expect, failures of late reckoned in; 0.0 where nothing is believed and nothing has failed.

    They are to the first token, or to the end where the answer is asked for in one piece.
    """
    outlook = target.outlook(now_s, call.size)
    believed_s = outlook.ttft_s if call.request.stream else outlook.total_s
    return (believed_s or 0.0) + outlook.failure_s
