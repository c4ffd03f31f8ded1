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
what came and the time the endpoint took over it; the caller's own time does not count, nor does the gap that is still
open, so a vendor that sends a paragraph every few seconds is not slow.

The attempt's own watchdog keeps both (`router.patience`): it is the endpoint that is blamed, and the cut is recorded.

Sources: failure detectors that learn from the gaps between heartbeats, Hayashibara et al., "The phi accrual failure
detector" (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import msgspec

from ..router import check
from ..router.errors import ConfigurationError
from ..router.remembered import KEPT_S
from ..router.request import CHARACTERS_PER_TOKEN

if TYPE_CHECKING:
    from ..router.chunk import Chunk
    from ..router.clock import Clock
    from ..router.pipeline import Emit
    from ..router.target import Target
    from .said import Said


@attrs.frozen(kw_only=True)
class Stall:
    """What counts as a stall.

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

    def after_s(self, target: Target, now_s: float) -> float:
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


class Watch(msgspec.Struct):
    """A `Patience`, and an ``emit``: watches the answer of one leg as it comes.

    passes_to: the ``emit`` it stands before.
    said: is told of each chunk, and whether *passes_to* raised; None: nobody is. (One step a chunk rather than two.)
    characters, taken_s: what came, and the endpoint's time it took, in the current stretch of time.
    ready_s: when the caller was ready for more; None: nothing has come yet.
    is_too_slow: it has brought less than it must, over the last stretch of time.
    """

    settings: Stall
    clock: Clock
    passes_to: Emit
    said: Said | None = None
    characters: int = 0
    taken_s: float = 0.0
    ready_s: float | None = None
    is_too_slow: bool = False

    def _begin_anew(self) -> None:
        self.characters = 0
        self.taken_s = 0.0
        self.ready_s = None
        self.is_too_slow = False

    def gap_s(self, target: Target, now_s: float, /) -> float:
        """Seconds between two pieces of progress from this endpoint."""
        return self.settings.after_s(target, now_s)

    async def emit(self, chunk: Chunk) -> None:
        """Pass a chunk on, and take down how long the endpoint took over it."""
        says_something = True if chunk.text else chunk.finish_reason is None and chunk.is_progress
        if chunk.discard:
            self._begin_anew()
        elif says_something and self.ready_s is not None:
            self.taken_s += self.clock() - self.ready_s
            self.characters += length(chunk)
            if self.taken_s >= self.settings.over_s:
                self._judge()
        said = self.said
        if said is not None:
            chunk = said.take(chunk)
        try:
            await self.passes_to(chunk)
        except Exception as error:
            if said is not None:
                said.refused = error
            raise
        if says_something:
            self.ready_s = self.clock()

    def _judge(self) -> None:
        least = self.settings.least_tokens_per_s
        tokens = self.characters / CHARACTERS_PER_TOKEN
        self.is_too_slow = least is not None and tokens < least * self.taken_s
        self.taken_s, self.characters = 0.0, 0


def length(chunk: Chunk) -> int:
    """Characters of a chunk, of whatever kind."""
    arguments = sum(len(delta.arguments) for delta in chunk.tool_calls) if chunk.tool_calls else 0
    return len(chunk.text) + len(chunk.reasoning) + len(chunk.refusal) + arguments
