"""When an answer that has begun is taken to have stalled: by the time between two pieces of progress, and by its pace.

Comments, pings and empty chunks keep a connection warm and mean nothing: only progress counts. How long a pause is
normal differs by an order of magnitude (one vendor sends tokens, another paragraphs, a third holds blocks back for its
content filter), so each endpoint is judged by its own habit: by the longest gap of each of its answers of late.

    a gap has lasted too long above  min(most_s, max(least_s, times * quantile of the endpoint's longest gaps))

Answers that were given up are in the window as what they are: at least so long. A high quantile would follow them to
the top just where it is needed; the third quarter stays what it is while fewer than one answer in four stalls, and an
endpoint of which more do is one for the breaker. (At the ninetieth percentile, in `tests/scenarios`, one answer in
twenty that stalls is enough to lift it now and then, by mere chance.) A habit outlasts the window: what was learned
last holds until something else can be learned.

A trickle has no gaps. So there is a least pace as well, in tokens a second, reckoned at four characters a token from
what came and the time the endpoint took over it. The gap that is still open does not count, so a vendor that sends a
paragraph every few seconds is not slow.

The attempt's own watchdog keeps both (`router.patience`): it is the endpoint that is blamed, and the cut is recorded.

Sources: failure detectors that learn from the gaps between heartbeats, Hayashibara et al., "The phi accrual failure
detector" (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ..router import check
from ..router.errors import ConfigurationError
from ..router.remembered import KEPT_S
from ..router.request import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from ..router.target import Target


@attrs.frozen(kw_only=True)
class Stall:
    """What counts as a stall: a `Patience`, and as such the same for all calls of a router.

    quantile: of the longest gaps of an endpoint's answers. Default 0.75; above 0, below 1.
    times: how many times that quantile a gap may last. Default 5; above 0.
    least_s: seconds that any gap may last. Default 2; above 0. Takes precedence over *quantile* and *times*.
    most_s: seconds that no gap may last. Default 15; at least *least_s*. Takes precedence over all of those, and stands
        alone before *fewest* answers were known. The endpoint's own ``gap_s`` takes precedence over it when it
        is less.
    fewest: answers that must be known of an endpoint to learn from them. Default 10; at least 1.
    least_tokens_per_s: pace below which an answer is given up. Default 1; above 0; None: no pace is too slow.
    over_s: seconds of the endpoint's time that the pace is taken over. Default 10; above 0.
    """

    quantile: float = attrs.field(default=0.75, validator=check.inner_share)
    times: float = attrs.field(default=5.0, validator=check.positive)
    least_s: float = attrs.field(default=2.0, validator=check.positive)
    most_s: float = attrs.field(default=15.0, validator=check.positive)
    fewest: int = attrs.field(default=10, validator=check.count(1))
    least_tokens_per_s: float | None = attrs.field(default=1.0, validator=check.if_given(check.positive))
    over_s: float = attrs.field(default=10.0, validator=check.positive)

    _known: dict[Target, tuple[float, float]] = attrs.field(
        factory=dict["Target", "tuple[float, float]"], init=False, repr=False, eq=False
    )
    """Seconds, and until when they are good for."""
    _habits: dict[Target, float] = attrs.field(factory=dict["Target", float], init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self.most_s < self.least_s:
            raise ConfigurationError(f"Stall: most_s ({self.most_s:g}) must be at least least_s ({self.least_s:g})")

    def gap_s(self, target: Target, now_s: float, /) -> float:
        """Seconds without progress after which an answer of *target* has stalled; at most 0.05 s old."""
        known = self._known.get(target)
        if known is None or now_s >= known[1]:
            known = self._known[target] = self._learned_s(target, now_s), now_s + KEPT_S
        return known[0]

    def _learned_s(self, target: Target, now_s: float) -> float:
        gaps = target.learned.gap.fold(now_s)
        usual_s = gaps.quantile(self.quantile) if gaps.samples >= self.fewest else None
        if usual_s is not None:
            self._habits[target] = min(self.most_s, max(self.least_s, self.times * usual_s))
        return self._habits.get(target, self.most_s)

    def is_too_slow(self, characters: int, taken_s: float, /) -> bool | None:
        """Whether so much, in so many seconds of the endpoint's, is below the least pace; None: not long enough."""
        if self.least_tokens_per_s is None or taken_s < self.over_s:
            return None
        return characters / CHARACTERS_PER_TOKEN < self.least_tokens_per_s * taken_s
