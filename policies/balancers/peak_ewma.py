"""Two choices by Peak EWMA: an endpoint costs what its last peak makes one fear, times its load.

Where `PowerOfTwo` expects the median, this one fears the last slow answer and forgets it over ten seconds (`Peak`). It
leaves an endpoint at the first bad sign, and comes back by itself. It is the better choice where endpoints pause for
seconds at a time; where single answers are often slow by chance it keeps running from noise.

A failure counts as 5 s, as three times the 95th percentile or as the vendor's Retry-After, whichever is most, so who
fails at once does not look fast. That is a hint which fades: whether a Retry-After has passed is for others to see to.

Sources: Finagle's PeakEwma; the penalty of linkerd2-proxy's load biaser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .power_of_two import cheaper_of_two, expected_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router.call import Call
    from ...router.target import Target


@attrs.frozen
class PeakEwma:
    """The cheaper of two, by feared seconds times load."""

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        """As `Balancer`."""
        return cheaper_of_two(targets, cost, call, now_s)


def cost(target: Target, call: Call, now_s: float) -> float:
    """Feared seconds times the slots that would be in use; nothing, where nothing was seen.

    An answer in one piece has no first token to watch: for it, as in `PowerOfTwo`, the cost is what is expected.
    """
    feared_s = target.peak.estimate_s(now_s) if call.request.stream else expected_s(target, call, now_s)
    return (feared_s or 0.0) * (target.slots.used + 1) / target.weight(now_s)
