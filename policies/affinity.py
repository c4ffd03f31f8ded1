"""Send calls with the same long beginning to the same endpoint, where it is in the vendor's prompt cache.

Vendors keep what they have worked out of a prompt for some minutes, and a prompt that begins with the same text takes
up from there: the first token comes sooner, and the cached tokens cost a tenth to a half. But the cache is that of one
endpoint, and a balancer spreads calls over all of them, so that each has to warm up for itself, and forgets before the
next call comes.

So each prefix has an order of preference among the endpoints (`rendezvous`), and its calls go to the first of them, as
long as that costs less than it gains:

* It must not be crowded: while it has calls in flight, an endpoint is given no more than *load* times its fair share of
  the calls of late, nor twice that of those in flight. What does not fit goes to the next in the same order, which so
  becomes the prefix's second home. A prefix with a third of all traffic has as many homes as that takes.
* It must not be slow: a first token from a warm cache there must have come sooner, of late, than one from a cold cache
  at another endpoint, drawn at random.
* The cache must be warm indeed: where usage shows that it hardly ever is (`warmth`), one prefix in sixteen goes on as
  before, to notice a change, and the other calls are balanced as if this policy were not there.

A *prefix* is the text of the first 4,096 characters of the prompt, about 1,024 tokens, which is the least that OpenAI
and Anthropic cache. Shorter prompts are passed on as they are. If what your calls share is longer (one system prompt
for all of them, and then documents that come again), say how many characters tell them apart.

It chooses among endpoints that are equals, and among those that differ from the first of them in nothing but how fast
they seem: an endpoint looks slow whose caches happen to be cold. It excludes none. Stands inside `LatencyBudget`, which
keeps those that make it in time, and outside `Slots`, which takes the slot. Do not use it where prompts share nothing,
or in front of a single endpoint.

Sources: Thaler and Ravishankar (1998); consistent hashing with bounded loads, Mirrokni, Thorup and Zadimoghaddam
(2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.errors import ConfigurationError
from ..router.ledger import Decision
from ..router.pipeline import Layer
from ..router.remembered import KEPT_S
from .balancers.power_of_two import expected_s
from .prompt_prefix import Prefixes
from .queues import has_room
from .recent_calls import RecentCalls
from .rendezvous import GROUPS, Rendezvous
from .warmth import Warmth

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

BY = "Affinity"

ONE_IN = 16
"""Prefixes of which one goes on to be sent home where that does not pay."""

FEW = 4.0
"""Calls that are no load, of late or at once."""

CROWDED = 2.0
"""Times a fair share's bound that may be in flight at one endpoint: of few calls at once, chance makes up most."""

HOME = "%s is home to this prefix"
AWAY = "%s, as %s is full, crowded or slow"


NOBODY: tuple[tuple[Target, ...], tuple[Target, ...]] = ((), ())


def _load(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    check.positive(instance, attribute, value)
    if value <= 1.0:
        raise ConfigurationError(f"Affinity: load must be above 1, such as 1.25, not {value!r}: at 1 nothing fits")


@attrs.frozen(kw_only=True)
class Affinity:
    """Puts the endpoint whose prompt cache is warm before its equals. One object serves one router: it learns.

    characters: of the prompt's text that make up its prefix; at least 1. Default 4,096.
    load: times the fair share of the calls of late up to which an endpoint that is not idle is given them; above 1.
        Default 1.25. Four calls of late, or at once, are no load.
    slower_by: share by which an endpoint may be expected to take longer than another, where usage does not tell what a
        warm cache saves; at least 0. Default 0.5.
    least_hits: share of the answers that must have come from a warm cache for an endpoint to be preferred; 0 to 1; 0:
        always. Default 0.05. Where a vendor does not report cached tokens, it is always preferred.
    """

    layer: ClassVar[Layer] = Layer.CHOICE

    characters: int = attrs.field(default=4096, validator=check.count(1))
    load: float = attrs.field(default=1.25, validator=_load)
    slower_by: float = attrs.field(default=0.5, validator=check.at_least_zero)
    least_hits: float = attrs.field(default=0.05, validator=check.chance)

    _rendezvous: Rendezvous = attrs.field(factory=Rendezvous, init=False, repr=False, eq=False)
    _recent: RecentCalls = attrs.field(factory=RecentCalls, init=False, repr=False, eq=False)
    _warmth: dict[Target, Warmth] = attrs.field(factory=dict["Target", Warmth], init=False, repr=False, eq=False)

    _prefixes: Prefixes = attrs.field(factory=Prefixes, init=False, repr=False, eq=False)
    _first: dict[Target, tuple[tuple[Target, ...], tuple[Target, ...]]] = attrs.field(
        factory=dict["Target", "tuple[tuple[Target, ...], tuple[Target, ...]]"], init=False, repr=False, eq=False
    )
    """The candidates for which an endpoint was put first of late, and their order with it."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        candidates = call.candidates
        key = self._prefixes.of(call.request, self.characters) if len(candidates) > 1 else None
        target = None if key is None else self._home(call, key)
        if target is None:
            await next(call, emit)
        else:
            of, in_order = self._first.get(target, NOBODY)
            if of is not candidates:
                place = candidates.index(target)
                in_order = (target, *candidates[:place], *candidates[place + 1 :])
                self._first[target] = candidates, in_order
            await next(replace(call, candidates=in_order, tied=1), emit)
        self._learn(call, target)

    # -- where

    def _home(self, call: Call, key: int) -> Target | None:
        """The endpoint to prefer; None if there is none, or if it does not pay."""
        now_s, equals = call.clock(), call.candidates
        if call.tied != len(equals):
            equals = _equals(call)
        one = self._recent.one(now_s)
        first: Target | None = None
        for target in self._rendezvous.order(equals, key):
            if target not in equals:
                continue
            first = first or target
            if target.slots.in_flight and (self._is_crowded(target, equals, one) or not has_room(target, call)):
                continue
            warmth = self._warmth.get(target) or self._warmth_of(target)
            if self._is_slow(target, warmth, call, equals, now_s):
                continue
            if warmth.hits < self.least_hits and key // GROUPS % ONE_IN:
                return None
            words, facts = (HOME, (target.name,)) if target is first else (AWAY, (target.name, first.name))
            call.ledger.decisions.append(Decision(now_s, BY, words, facts))
            self._recent.sent(target, one)
            return target
        return None

    def _is_crowded(self, target: Target, equals: Sequence[Target], one: float) -> bool:
        """Whether one more call would be more than its bound, of late or at once. *one*: what a call counts for now."""
        calls, in_flight = self._recent.totals(equals)
        fair = self.load / len(equals)
        return self._recent.of(target) + one > max(fair * (calls + one), FEW * one) or target.slots.in_flight >= max(
            CROWDED * fair * in_flight, FEW
        )

    def _is_slow(self, target: Target, warmth: Warmth, call: Call, equals: Sequence[Target], now_s: float) -> bool:
        """Whether another one, drawn at random, is expected to be sooner from a cold cache. Held for a moment."""
        if now_s < warmth.judged_until_s:
            return warmth.slow
        warmth.judged_until_s = now_s + KEPT_S
        other = equals[int(call.dice.random() * len(equals))]
        other_s = self._warmth_of(other).cold_s or expected_s(other, call, now_s)
        if other is target or not other_s:
            warmth.slow = False
        elif warmth.warm_s is not None:
            warmth.slow = warmth.warm_s > other_s
        else:
            warmth.slow = expected_s(target, call, now_s) > (1.0 + self.slower_by) * other_s
        return warmth.slow

    # -- what comes of it

    def _learn(self, call: Call, home: Target | None) -> None:
        """An answer has come, at *home* or elsewhere."""
        attempt = call.ledger.attempts[-1]
        if home is not None and attempt.endpoint is home.endpoint:
            self._warmth[home].answered(attempt, at_home=True)
            return
        one = self._recent.one(attempt.sent_s)
        for target in call.candidates:
            if target.endpoint is attempt.endpoint:
                self._warmth_of(target).answered(attempt, at_home=False)
                self._recent.sent(target, one)
                if home is not None:
                    self._recent.not_sent(home, one)

    def _warmth_of(self, target: Target) -> Warmth:
        warmth = self._warmth.get(target)
        if warmth is None:
            warmth = self._warmth[target] = Warmth()
        return warmth


def _equals(call: Call) -> tuple[Target, ...]:
    """The tied candidates, and those of the others that differ from the first in nothing but their speed."""
    candidates, tied = call.candidates, call.tied
    kind = _kind(candidates[0])
    return (*candidates[:tied], *(target for target in candidates[tied:] if _kind(target) == kind))


def _kind(target: Target) -> tuple[object, ...]:
    endpoint = target.endpoint
    return target.model, target.region, endpoint.quality, endpoint.price_in_per_m, endpoint.price_out_per_m
