"""Ask a second endpoint when the first is slower to speak than it nearly ever is, and that will probably be sooner.

One call in a hundred hits a pause, a cold cache, a lost packet. Waiting for it is waiting for nothing: another endpoint
asked a moment later speaks first nearly always, since it is seldom unlucky at the same time: a chance of p becomes p².
The moment is the 95th percentile of the chosen endpoint's own time to first token, for a prompt of this size, or later
if a call that has waited so long will mostly speak before another one could (`lateness`). So one call in twenty is
hedged at most; and never more than the router's `Budget` allows, for when *every* answer is late a second request makes
it later.

The percentile is what was measured of the endpoint, not what is expected of it at this moment: a silence that grows
must not put off its own end. Losers are measured as well, as what they are (at least this long), or the percentile
would sink with every race. Where too little was measured, the first leg is late when it would be at half of the others.

A second leg that cannot be sent at that moment, because the budget is spent or nobody has a slot free, is tried again a
little later. So a budget that is too small for all goes to the calls that are late by much: those that were only just
late have spoken by then.

The second leg goes to another endpoint, of another failure domain and region if one there is nearly as fast, and only
into a slot that is free at that instant: it never stands in a queue. The first progress wins (`race`), nobody waits for
the loser, and after the first progress has reached the caller there is no second leg.

Stands inside `Retry`, as one try, and outside everything that chooses an endpoint. Do not use it where an answer costs
more than its delay, or has effects: both legs may run to their end at the vendors, and be billed.

Sources: Dean and Barroso, "The Tail at Scale" (2013); Finagle's BackupRequestFilter (own percentile, own budget).
"""

from __future__ import annotations

from statistics import median_high
from typing import TYPE_CHECKING, ClassVar

import attrs
import msgspec
from msgspec.structs import replace

from ..router import check
from ..router.budget import Extra
from ..router.pipeline import Layer
from ..router.remembered import Remembered
from .lateness import worth_it_after_s
from .preference import least_quality
from .queues import has_room
from .race import Race
from .slots import MOSTLY_FAILING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..router.call import Call
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

AS_FAST = 1.5
"""Times the fastest one's expected first token, up to which being elsewhere counts for more than being faster."""

LOOK_AGAIN = 0.25
"""A second leg that could not be sent is tried again after so many times what made the first one late."""

SOONEST_S = 0.001
"""Seconds after which it is tried again at the soonest, however little makes the first one late."""

FEW = 10
"""Endpoints whose delays tell what is usual."""

MOST_LOOKED_AT = 32
"""Endpoints that are compared at most; of more, so many are drawn. The best of 32 is good enough for a second leg."""

ASKS = "%s takes more than %.3f s, as it seldom does; asks %s as well"
NOBODY = "%s takes more than %.3f s, as it seldom does; no other endpoint is known, well and free"
SPENT = "%s takes more than %.3f s, as it seldom does; the budget for second legs is spent"


@attrs.frozen(kw_only=True)
class Hedge:
    """A second leg when the first is late; the first progress wins.

    quantile: of the first endpoint's own times to first token, at which the second leg starts at the earliest. Default
        0.95; above 0, below 1.
    least_s: seconds to wait at least. Default 0.01; at least 0. Takes precedence over *quantile*.
    fewest: first tokens an endpoint must have been seen to give within the window, for its quantile to be believed.
        Default 50; at least 1.

    The router's `Budget` takes precedence over all of them: by default second legs are kept to 6 % of the calls, and
    six, in any ten seconds. An answer asked for in one piece is never hedged: it is silent until its end. While it
    races, a call runs in tasks of its own, and so does the caller's ``emit``, with a copy of the caller's context.

    Raises what the winner raises after it has spoken; else, when all legs have failed, the first leg's failure.
    """

    layer: ClassVar[Layer] = Layer.HEDGE

    quantile: float = attrs.field(default=0.95, validator=check.inner_share)
    least_s: float = attrs.field(default=0.01, validator=check.at_least_zero)
    fewest: int = attrs.field(default=50, validator=check.count(1))

    _delays: Remembered[tuple[Target, int], Delay] = attrs.field(
        factory=Remembered["tuple[Target, int]", "Delay"], init=False, repr=False, eq=False
    )
    _usual: Remembered[tuple[str, int], Delay] = attrs.field(
        factory=Remembered["tuple[str, int]", "Delay"], init=False, repr=False, eq=False
    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if len(call.candidates) < 2 or not call.request.stream or call.ledger.committed:
            return await next(call, emit)
        race = Race(call, emit, next)
        second = _SecondLeg(self, call, race)
        try:
            await race.run(replace(call, witness=second))
        finally:
            second.is_over = True

    def late_after_s(self, target: Target, size: int, now_s: float) -> float | None:
        """Seconds after which an endpoint that has said nothing is late; None if too little is known of it."""
        ttft = target.learned.ttft
        if ttft.overall.samples(now_s) < self.fewest:
            return None
        learned = ttft.of(size).as_of(now_s)
        late_s = None if learned is None else worth_it_after_s(learned, self.quantile)
        return None if late_s is None else max(self.least_s, late_s)

    def delay_s(self, target: Target, size: int, among: Sequence[Target], now_s: float) -> float | None:
        """The same, kept for a moment. One of which too little is known is late when half of *among* would be."""
        kept = self._delays.get((target, size), target.pulse, now_s)
        if kept is None:
            kept = Delay(self.late_after_s(target, size, now_s))
            self._delays.keep((target, size), kept, target.pulse, now_s)
        return self._usual_s(size, among, now_s) if kept.after_s is None else kept.after_s

    def _usual_s(self, size: int, among: Sequence[Target], now_s: float) -> float | None:
        """The median of what is known of a few, by the model of the first; None: of none of them."""
        asked, pulse = (among[0].model, size), among[0].pulse
        kept = self._usual.get(asked, pulse, now_s)
        if kept is None:
            few = (self.late_after_s(target, size, now_s) for target in among[:FEW])
            known_s = [late_s for late_s in few if late_s is not None]
            kept = Delay(median_high(known_s) if known_s else None)
            self._usual.keep(asked, kept, pulse, now_s)
        return kept.after_s


class Delay(msgspec.Struct, frozen=True):
    """Seconds of silence after which an endpoint is late; None: nobody knows."""

    after_s: float | None


class _SecondLeg:
    """The second leg of one race, as long as it may still come.

    is_over: as of `timers.Waking`: it may not.
    """

    __slots__ = ("_call", "_due_s", "_first", "_late_s", "_race", "_refused", "_settings", "is_over")

    _first: Target
    _late_s: float

    def __init__(self, settings: Hedge, call: Call, race: Race) -> None:
        self._settings = settings
        self._call = call
        self._race = race
        self._refused: str | None = None
        self._due_s: float | None = None
        """When the first is late; None: it is not known to be, or that is past."""
        self.is_over = False

    def sent(self, target: Target, attempt: Attempt, /) -> None:
        """As of `Witness`: from now on the first leg may become late, with this attempt or another one it makes."""
        call, sent_s = self._call, attempt.sent_s
        if call.witness is not None:
            call.witness.sent(target, attempt)
        self._due_s = None
        late_s = self._settings.delay_s(target, attempt.size, call.candidates, sent_s)
        if late_s is not None and sent_s + late_s < call.start_by_s:
            self._first, self._late_s = target, late_s
            self._wake_at(sent_s + late_s)

    def _wake_at(self, at_s: float) -> None:
        self._due_s = at_s
        self._call.timers.wake(self, at_s)

    def wake(self) -> None:
        """Perhaps the first is late. It is not, where this was meant for an attempt before the last."""
        now_s = self._call.clock()
        if self._due_s is not None and now_s >= self._due_s and self._race.is_open:
            self._due_s = None
            self._start(self._first, self._late_s, now_s)

    def _start(self, first: Target, late_s: float, now_s: float) -> None:
        """The first is late: ask a second, in one step, if there is one and it can be paid."""
        call = self._call
        target = self._choose(now_s)
        permit = None if target is None else call.permit_for(Extra.HEDGE)
        if target is None or permit is None:
            self._refuse(NOBODY if target is None else SPENT, first, late_s, now_s)
            return
        lease = target.slots.acquire_over_limit(target.slots_for(call.prompt_tokens))  # not over it: it has room now
        call.note("Hedge", ASKS, first.name, late_s, target.name)
        self._race.start(call.with_(candidates=(target,), lease=lease, permit=permit), lease, permit)

    def _refuse(self, words: str, first: Target, late_s: float, now_s: float) -> None:
        """Not now. A little later those that were only just late have spoken, and leave what there is to the others."""
        if words is not self._refused:
            self._refused = words
            self._call.note("Hedge", words, first.name, late_s)
        self._wake_at(now_s + max(self._settings.least_s, LOOK_AGAIN * late_s, SOONEST_S))

    def _choose(self, now_s: float) -> Target | None:
        """The endpoint for the second leg: apart from all that was tried, then free and fast. None if there is none."""
        call = self._call
        able = [target for target in call.candidates if self._may_be_asked(target, now_s)]
        if len(able) > MOST_LOOKED_AT:
            able = call.dice.sample(able, MOST_LOOKED_AT)
        expected_s: dict[Target, float] = {}
        for target in able:
            outlook = target.outlook(now_s, call.size)
            known_s = outlook.ttft_s if outlook.known and outlook.failing < MOSTLY_FAILING else None
            if known_s is not None and now_s + known_s < call.start_by_s:
                expected_s[target] = known_s + outlook.failure_s
        if not expected_s:
            return None
        limit_s = AS_FAST * min(expected_s.values())
        tried = [attempt.endpoint for attempt in call.ledger.attempts]
        domains, regions = {endpoint.domain for endpoint in tried}, {endpoint.region for endpoint in tried}

        def rank(target: Target) -> tuple[bool, bool, float]:
            load = expected_s[target] * (target.slots.in_flight + 1)
            return target.endpoint.domain in domains, target.region in regions, load

        return min((target for target in expected_s if expected_s[target] <= limit_s), key=rank)

    def _may_be_asked(self, target: Target, now_s: float) -> bool:
        call = self._call
        return (
            has_room(target, call)
            and (call.residency is None or target.region in call.residency)
            and target.endpoint.quality >= least_quality(call)
            and target.opens_at_s(now_s) <= now_s
            and not call.ledger.tried(target.endpoint)
        )
