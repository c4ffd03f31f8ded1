"""Keep the endpoints that can answer in time, and prefer among them.

"The fastest endpoint" is the wrong question: a person notices whether the answer came in time, not whether it might
have come 80 ms sooner. So each candidate is asked for its chance, P(latency <= what is left), from its measured
distribution leaning on its profile. Those that reach the target chance are kept, and among those one may prefer the
fastest, the cheapest or the best.

What "latency" means is the call's priority: TTFT; or for TOTAL and THROUGHPUT, TTFT + tokens * time per token, for as
many tokens as `expectation.likely_lengths` says. Where a route promises an end beside the beginning, TTFT asks for
both, and the less of the two chances counts: who starts at once and writes for ever does not make it. What is left is
the route's objective, or the deadline if that is nearer. An endpoint that has become slow within its last few calls,
or fails, loses its chance at once, long before its window shows it. One of which nothing is known is kept as a
candidate for a probe, never as a favourite.

What is known grows old. An endpoint of which too little was heard lately is neither preferred nor forgotten: it is
tried, by one call at a time (`trials`). That is a call which would go there, if what was heard still held; or one that
can afford it, with a good chance to make it there even if it had less time, by as much as the best endpoint would need;
or any, where nobody makes it, since there is no promise to be broken. Others never pay for knowledge.

The fastest is the one at which a call costs least: its own time at the load of this instant, and what it delays the
calls that are under way there (`crowding`). Whoever takes the one that was fastest a moment ago crowds it.

If none can make it, the user decides: the best chance there is, or a refusal before anything is sent.

Stands inside `Regions`, whose order breaks ties, and outside `Slots`, which picks among the tied.

Sources: Peña, "Latency-based LLM routing" (latency-budget routing); P(T <= t) instead of one aggregate percentile;
exploration that is bounded and paid for by slack, as in conservative bandits (Wu et al. 2016).
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.errors import DeadlineInsufficient, NoEndpoint
from ..router.pipeline import Layer
from ..router.remembered import Remembered
from .expectation import Ask, sizes
from .preference import CHEAPEST, Prefer, Preference, good_enough, nearer
from .ranking import Ranking
from .trials import Trials

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

EQUAL_CHANCES = 0.05
"""Chances this close are a tie: they are estimates."""

MOST_JUDGED = 64
"""Candidates that are judged at a time where only speed counts. Of a thousand, the best of 64 drawn at random is among
the fastest 5 % in 96 cases of a hundred, and judging all of them would hold up every call meanwhile by milliseconds."""

MOST_TRIED = 8
"""Endpoints that are looked at for whether a call would go there, or can afford to."""

QUICK = 2.0
"""Times what the best endpoint is expected to take, up to which a trial was no disappointment."""

KEPT = "%d of %d can make %.3f s, %s first"
NONE_IN_TIME = "none can make %.3f s, the best chance is %.2f"
LATE = "the objective was missed %.3f s ago, so the quickest first: %s"
TRIES = "tries %s, of which little or nothing was heard for a while"
NOTHING_KNOWN = "nothing is known yet of %d endpoints"


class Otherwise(enum.Enum):
    """What to do when no endpoint makes it."""

    BEST_EFFORT = "best_effort"
    """Try the ones with the best chance."""
    REFUSE = "refuse"
    """Raise `DeadlineInsufficient`, with nothing sent; but first try one of which nothing is known, if there is one."""


Asked: TypeAlias = "tuple[tuple[Target, ...], int, Ask, int, int | None, tuple[int, float] | None]"
"""Candidates, how many of them are tied, the ask, the route's and the request's least quality, and the tokens where
price matters."""


@attrs.frozen(kw_only=True)
class LatencyBudget:
    """Keeps the candidates with P(latency <= budget) of at least *target*.

    target: the chance an endpoint must have. Default 0.9; above 0, up to 1.
    prefer: among those kept. Default the fastest.
    otherwise: when none has that chance. Default best effort.
    explore_after_s: seconds without a sample after which an endpoint is tried again, by one stream at a time, until
        three have told how fast it is now; and the longest pause between trials that disappoint. Default 10.0; above
        0; None: never, it counts as fast as it was.
    tied_within: share by which a kept endpoint may be slower than the best and still count as equal. Default 0.25; at
        least 0.

    The least quality is the request's ``min_quality`` or the route's, whichever is higher. Raises `NoEndpoint` when
    none has it.
    """

    layer: ClassVar[Layer] = Layer.CHOICE

    target: float = attrs.field(default=0.9, validator=check.share)
    prefer: Prefer = attrs.field(default=Prefer.FASTEST, validator=check.one_of(Prefer))
    otherwise: Otherwise = attrs.field(default=Otherwise.BEST_EFFORT, validator=check.one_of(Otherwise))
    tied_within: float = attrs.field(default=0.25, validator=check.at_least_zero)
    explore_after_s: float | None = attrs.field(default=10.0, validator=check.if_given(check.positive))

    _preference: Preference = attrs.field(
        default=attrs.Factory(lambda self: Preference(self.prefer, self.tied_within), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )
    _ranked: Remembered[Asked, Ranking] = attrs.field(
        factory=Remembered[Asked, Ranking], init=False, repr=False, eq=False
    )
    _trials: Trials = attrs.field(
        default=attrs.Factory(lambda self: Trials(self.explore_after_s), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        now_s = call.clock()
        ranking = self._ranking(call, now_s)
        chosen = ranking.applied(call, "LatencyBudget", now_s)
        if ranking.stale and not call.ledger.attempts:
            chosen = self._trying(chosen, ranking, now_s)
        await next(chosen, emit)

    def _trying(self, call: Call, ranking: Ranking, now_s: float) -> Call:
        """The call with an endpoint in front of which little is known, if there is one to be tried now."""
        tried = self._trials.begin(ranking.stale, ranking.quick_s, now_s)
        if tried is None:
            return call
        call.ledger.note(now_s, "LatencyBudget", TRIES, tried.name)
        others = (other for other in call.candidates if other is not tried)
        return call.with_(candidates=(tried, *others), tied=1)

    def _ranking(self, call: Call, now_s: float) -> Ranking:
        ask = Ask.of(call, now_s)
        tokens = sizes(call, now_s) if self.prefer is CHEAPEST else None  # they matter to the price alone
        candidates = call.candidates
        if not candidates:
            raise NoEndpoint("no candidate is left to judge")
        asked = (candidates, call.tied, ask, call.route.min_quality, call.request.min_quality, tokens)
        pulse = candidates[0].pulse
        ranking = self._ranked.get(asked, pulse, now_s)
        if ranking is None:
            ranking = self._judge(call, ask, now_s)
            if self.otherwise is Otherwise.BEST_EFFORT:  # a refusal hangs on who has a call under way, at this instant
                self._ranked.keep(asked, ranking, pulse, now_s)
        return ranking

    def _judge(self, call: Call, ask: Ask, now_s: float) -> Ranking:
        candidates = self._drawn(good_enough(call), call)
        old = self._old(ask, candidates, now_s)
        kept: list[Target] = []
        short: list[tuple[float, Target]] = []
        unknown: list[Target] = []
        doubtful: list[tuple[float, Target]] = []
        chances: list[tuple[str, float | None]] = []
        for target in candidates:
            p = ask.chance(target, now_s)
            chances.append((target.name, p))
            if p is None and 1.0 - target.outlook(now_s).failing >= self.target:
                unknown.append(target)
            elif target in old:
                doubtful.append((p or 0.0, target))
            elif p is not None and p >= self.target:
                kept.append(target)
            else:
                short.append((p or 0.0, target))
        facts: tuple[object, ...]
        if kept:
            doubtful = [pair for pair in doubtful if pair[0] >= self.target]
            ordered, tied = self._preference.ordered(call, ask, kept, now_s)
            words, facts = KEPT, (len(kept), len(candidates), ask.within_s, ordered[0].name)
        elif short and not (self.otherwise is Otherwise.REFUSE and self._probes(unknown)):
            ordered, tied = self._best_effort(ask, short, now_s)
            words, facts = NONE_IN_TIME, (ask.within_s, max(p for p, _ in short))
            if ask.within_s < 0.0:
                words, facts = LATE, (-ask.within_s, ordered[0].name)
        else:
            ordered, tied = [], 0
            words, facts = NOTHING_KNOWN, (len(unknown),)
        equals = nearer([*ordered[:tied], *unknown], call.candidates[: call.tied])
        first = set(equals)
        others = (target for target in (*ordered, *unknown) if target not in first)
        doubtful.sort(key=lambda pair: -pair[0])
        order = (*equals, *others, *(target for _, target in doubtful))
        ranking = Ranking(order, len(equals), words, facts, chances=tuple(chances))
        if not doubtful:
            return ranking
        worth = self._worth_a_trial(call, ask, kept, doubtful, now_s)
        return replace(ranking, stale=worth, quick_s=QUICK * ask.expected_s(equals[0], now_s))

    def _old(self, ask: Ask, candidates: Sequence[Target], now_s: float) -> Collection[Target]:
        """Those of which too little was heard lately, as long as others are known better."""
        if not ask.streamed or self.otherwise is Otherwise.REFUSE:
            return ()
        return self._trials.old(candidates, now_s)

    def _worth_a_trial(
        self, call: Call, ask: Ask, kept: list[Target], doubtful: list[tuple[float, Target]], now_s: float
    ) -> tuple[Target, ...]:
        """Those to be tried, the most promising first.

        Where nobody makes it, all of them: there is no promise to be broken. Else those that would be preferred, if
        what was heard of them still holds, and those that a call can afford to be disappointed by.
        """
        if not kept:
            return tuple(target for _, target in doubtful)
        able = [target for _, target in doubtful[:MOST_TRIED]]
        ordered, tied = self._preference.ordered(call, ask, [*kept, *able], now_s)
        hurried = ask.with_less(ask.expected_s(kept[0], now_s))
        return tuple(
            target
            for place, target in enumerate(ordered)
            if target in able and (place < tied or (hurried.chance(target, now_s) or 0.0) >= self.target)
        )

    def _drawn(self, candidates: tuple[Target, ...], call: Call) -> tuple[Target, ...]:
        """Those to judge, in their order: all, unless there are very many and the fastest of some will do."""
        count, tied = len(candidates), min(call.tied, len(candidates))
        if count <= MOST_JUDGED or self.prefer is not Prefer.FASTEST or self.otherwise is Otherwise.REFUSE:
            return candidates
        if tied >= MOST_JUDGED:
            places = sorted(call.dice.sample(range(tied), MOST_JUDGED))
        else:
            places = [*range(tied), *sorted(call.dice.sample(range(tied, count), MOST_JUDGED - tied))]
        return tuple(candidates[place] for place in places)

    @staticmethod
    def _probes(unknown: Sequence[Target]) -> bool:
        """Whether one of which nothing is known may be asked now: it has no call under way yet."""
        return any(target.in_flight == 0 for target in unknown)

    def _best_effort(self, ask: Ask, short: list[tuple[float, Target]], now_s: float) -> tuple[list[Target], int]:
        """None makes it: those with the best chance first.

        Raises:
            DeadlineInsufficient: it is to be refused.
        """
        best = max(p for p, _ in short)
        if self.otherwise is Otherwise.REFUSE:
            raise DeadlineInsufficient(
                f"no endpoint has a chance of {self.target:.0%} to answer within {ask.within_s:.3f} s, "
                f"the best has {best:.0%}: give more time, or let LatencyBudget try with otherwise=BEST_EFFORT"
            )
        if best < EQUAL_CHANCES:  # hopeless in time, so at least be quick
            return self._preference.fastest_first(ask, [target for _, target in short], now_s)
        near = [target for p, target in short if p >= best - EQUAL_CHANCES]
        far = sorted((pair for pair in short if pair[0] < best - EQUAL_CHANCES), key=lambda pair: -pair[0])
        return near + [target for _, target in far], len(near)
