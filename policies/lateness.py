"""When a silence is worth a second request: not before another one would probably be sooner than more patience.

That an endpoint is slower than in nineteen of twenty cases is no reason to ask another. Most of those calls are a
little late, and speak long before a second one could. It is worth it when the first has waited so long that what is
left of its silence is probably longer than all of another's. Both are read from one distribution. Of a call that has
waited *w* seconds, T - w is still to come, given that T > w; another one takes T anew. So the delay is the first of a
few quantiles, from the one that is configured on, at which

    P(T' < T - w | T > w)  >=  a fifth

Where times differ only a little but for a few that hang, that is the configured quantile or just after it. Where the
tail is the rest of a bell, it is later, and half of the requests are saved for the calls that hang.

Sources: Dean and Barroso, "The Tail at Scale" (2013); that *when* and *whether* to ask again are one question: Kaler,
He, Elnikety, "Optimal Reissue Policies for Reducing Tail Latency" (2017).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..router.statistics.latency import Distribution

WORTH = 1.0 / 5.0
"""Chance to be sooner, from which on a second request is worth it."""

LATER = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Shares of what is beyond the quantile at which the delay is looked for."""

LEFT = (1.0 / 6.0, 1.0 / 2.0, 5.0 / 6.0)
"""Quantiles of what is still to come that its chance is reckoned from."""


def worth_it_after_s(ttft: Distribution, quantile: float) -> float | None:
    """Seconds of silence after which a second request is worth it, at the *quantile* at least; None: nobody knows."""
    after_s: float | None = None
    for share in LATER:
        reached = quantile + (1.0 - quantile) * share
        later_s = ttft.quantile(reached)
        if later_s is None:
            return after_s
        after_s = later_s
        if _chance_to_be_sooner(ttft, reached, after_s) >= WORTH:
            break
    return after_s


def _chance_to_be_sooner(ttft: Distribution, reached: float, after_s: float) -> float:
    """P(T' < T - after_s | T > after_s); what was cut off so far out that nobody knows it will take for ever."""
    left_s: list[float] = []
    for share in LEFT:
        ends_s = ttft.quantile(reached + (1.0 - reached) * share)
        left_s.append(math.inf if ends_s is None else ends_s - after_s)
    return sum(1.0 if each == math.inf else ttft.within(each) for each in left_s) / len(left_s)
