"""Two windows as if the same share of their calls had gone to each endpoint.

When more calls go to a slow endpoint the p95 rises, though no endpoint has become slower. To tell the two apart both
windows are brought to one mix, the mean of theirs, by weighting their calls: what a window's tail loses on the way is
the mix's doing, and what is left between the two is not.

That is Kitagawa's standardisation, with the mean of both populations as its standard. It is done by weights, after
DiNardo, Fortin and Lemieux, because the tail of a mix is not the mix of its tails.

Sources: Kitagawa, "Components of a difference between two rates" (1955); DiNardo, Fortin and Lemieux, "Labor market
institutions and the distribution of wages" (1996).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

FEWEST = 10
"""Calls an endpoint must have in both windows to be compared with itself. One that has not is all mix."""

FEWEST_IN_COMMON = 50
"""Calls of such endpoints that each window must have, or there is no tail to compare."""

Weights: TypeAlias = list[float]


def of_one_mix(before: Sequence[str], now: Sequence[str]) -> tuple[Weights, Weights] | None:
    """Weights of the calls of two windows, given who answered each; None if the two have too little in common."""
    counts = Counter(before), Counter(now)
    common = [name for name in counts[0] if min(counts[0][name], counts[1][name]) >= FEWEST]
    wholes = [sum(count[name] for name in common) for count in counts]
    if min(wholes) < FEWEST_IN_COMMON:
        return None
    mix = {name: 0.5 * sum(count[name] / whole for count, whole in zip(counts, wholes, strict=True)) for name in common}
    first, second = ({name: share / count[name] for name, share in mix.items()} for count in counts)
    return [first.get(name, 0.0) for name in before], [second.get(name, 0.0) for name in now]
