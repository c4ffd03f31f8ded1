"""Go on with an answer that broke off, or has stalled, after the caller has seen its beginning.

Until the first word an answer can be tried again anywhere and nobody knows. After it, somebody is reading. Then an
answer that breaks off is an error (a truncated answer never passes for a whole one), unless the route says what to do:

* `Splice`: another endpoint continues it, and the caller notices a pause at most. Plain text only.
* `Restart`: the caller is told to discard it, and gets another. For callers who know the chunk that says so.
* `Refuse`: it ends in the error. The default.

This is the one policy that repeats anything after the commit point, and these are the terms: a bounded number of
times, each paid from the router's `Budget`, within the call's deadline, somewhere else if there is a somewhere else,
and either the whole answer comes out or one error that says how much was delivered. The tokens of all legs are added up
in the usage that the caller is told.

It also notices sooner that an answer has stalled (`Stall`), on streams and on answers taken whole. Of the latter the
caller has seen nothing, so what broke off is repeated by `Retry` and `Fallback`, inside, and not resumed here.

Stands outside of `Fallback` and `Retry`: those give up what is committed, and each resumption asks all of them anew
where to go. Do not use it where answers have effects, or must come from one model; and mind that the seam of a spliced
answer can be read, if not seen.

Source: the continuation of an interrupted stream is LLM lore rather than literature; the terms are gRPC A6's for
retries (commit point, one budget, one deadline), kept after the commit point as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.budget import Extra
from ..router.errors import (
    AttemptFailed,
    ConfigurationError,
    DeadlineExceeded,
    DeadlineInsufficient,
    NoEndpoint,
    StreamInterrupted,
)
from ..router.pipeline import Layer
from .join import Unjoinable
from .resumption import Refuse, Resumption
from .said import Said
from .splice import Splice
from .stall import Stall, Watch

if TYPE_CHECKING:
    from ..router.budget import Permit
    from ..router.call import Call
    from ..router.errors import CallError
    from ..router.fleet import Fleet
    from ..router.ledger import Attempt
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target
    from .resumption import Leg


GOES_ON = "after %s, with %d characters delivered, goes on by %r at %s"
COST = "the leg at %s that broke off took %d tokens in and %d out, reckoned where they were not told"


def _copied(given: Mapping[str, Resumption | Refuse]) -> Mapping[str, Resumption | Refuse]:
    checked: object = given  # whatever the types promise
    return MappingProxyType(dict(given)) if isinstance(checked, Mapping) else given


def _ways(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    given: object = value  # whatever the types promise
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"Resume: {attribute.name} must be ways by route, such as {{'chat': Splice()}}")
    for way in cast("Mapping[object, object]", given).values():
        _way(instance, attribute, way)


def _way(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, type) or not isinstance(value, Resumption | Refuse):
        raise ConfigurationError(f"Resume: {attribute.name} must be Splice(), Restart() or Refuse(), not {value!r}")


@attrs.frozen(kw_only=True)
class Resume:
    """What becomes of answers that break off after their beginning has reached the caller.

    routes: the way to go on, by the name of the route. Default: none. Takes precedence over *otherwise*.
    otherwise: the way of all other routes. Default `Refuse()`.
    at_most: resumptions of one call. Default 2; at least 1. The router's budget and the call's deadline take precedence
        when they allow fewer.
    stall: what counts as a stall, on the routes that go on. Default `Stall()`; None: what endpoints' limits say.

    The same model goes on, elsewhere, before another model of the route does, and the same endpoint only where there is
    no other and it has not stalled. Raises `StreamInterrupted`, with all that was delivered, when the answer could not
    be completed; `DeadlineExceeded` likewise when time was up.
    """

    layer: ClassVar[Layer] = Layer.RESUME

    routes: Mapping[str, Resumption | Refuse] = attrs.field(
        factory=dict[str, "Resumption | Refuse"], converter=_copied, validator=_ways
    )
    otherwise: Resumption | Refuse = attrs.field(factory=Refuse, validator=_way)
    at_most: int = attrs.field(default=2, validator=check.count(1))
    stall: Stall | None = attrs.field(factory=Stall, validator=check.if_given(check.one_of(Stall)))

    def fits(self, fleet: Fleet) -> None:
        """Refuse names that the router does not know.

        Raises:
            ConfigurationError: a route, or a model of a `Splice`, is none of the fleet's.
        """
        routes = {route.name for route in fleet.every_route}
        models = {target.model for target in fleet}
        for route in self.routes:
            _must_be_one_of(routes, route, "route")
        for way in (*self.routes.values(), self.otherwise):
            if isinstance(way, Splice):
                for model in sorted(way.prefill):
                    _must_be_one_of(models, model, "model")

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        way = self.routes.get(call.route.name, self.otherwise)
        if isinstance(way, Refuse):
            await next(call, emit)
            return
        if not call.ledger.streamed:
            await next(*self.watched(call, emit))
            return
        said = Said(emit)
        try:
            await next(*self.watched(call, said.emit))
        except AttemptFailed as failure:
            if not call.ledger.committed or said.refused is not None:
                raise
            broke_off = failure
        else:
            return
        await _Resumed(self, way, call, said, next).finish(broke_off)

    def watched(self, call: Call, emit: Emit) -> tuple[Call, Emit]:
        """The view of a leg that is watched for stalls, and what it is to push its chunks into."""
        if self.stall is None:
            return call, emit
        watch = Watch(self.stall, call.clock, emit)
        return replace(call, patience=watch), watch.emit


class _Resumed:
    """An answer that broke off, until it is whole or nobody can complete it."""

    __slots__ = ("_call", "_legs", "_looked_at", "_model", "_next", "_out", "_said", "_settings", "_way")

    def __init__(self, settings: Resume, way: Resumption, call: Call, said: Said, next: Handler) -> None:
        self._settings = settings
        self._way = way
        self._call = call
        self._said = said
        self._next = next
        self._legs = 0
        self._looked_at = 0
        """Attempts whose end was taken down."""
        self._model: str | None = None
        """Whose answer it is."""
        self._out: set[str] = set()
        """Models that could not be asked at all."""

    async def finish(self, failure: AttemptFailed) -> None:
        """Go on until the answer is whole.

        Raises:
            StreamInterrupted, DeadlineExceeded: it is not, and will not be.
        """
        said, ledger = self._said, self._call.ledger
        self._take_down(self._call, said_before=0)
        while True:
            leg, permit = self._another(failure)
            sent, said_before = len(ledger.attempts), len(said.text)
            with permit:
                view, watched = self._settings.watched(self._in_time(leg.call.with_(permit=permit)), leg.emit)
                try:
                    await self._next(view, watched)
                    return await leg.end()
                except (AttemptFailed, NoEndpoint, DeadlineInsufficient, Unjoinable) as failed:
                    if said.refused is not None:
                        raise
                    failure = self._after(failed, failure)
                except DeadlineExceeded as late:
                    raise self._too_late() from late
            if len(ledger.attempts) == sent:
                self._out.add(leg.call.target.model)
            else:
                self._take_down(leg.call, said_before=said_before)

    def _another(self, failure: AttemptFailed) -> tuple[Leg, Permit]:
        """Another leg, and what it is paid with.

        Raises:
            StreamInterrupted: there is to be none; *failure* itself, if there has been none before.
        """
        call, said = self._call, self._said
        cause = failure.__cause__ if isinstance(failure, StreamInterrupted) else failure
        hindrance = self._way.hinders(call, said)
        if hindrance is not None:
            self._give_up(failure, hindrance)
        if self._legs >= self._settings.at_most:
            self._give_up(failure, "it has been resumed as often as it may be")
        if not failure.retryable or (isinstance(cause, AttemptFailed) and not (cause.elsewhere or cause.other_model)):
            self._give_up(failure, "no other endpoint could do better")
        targets = self._targets()
        if not targets or call.clock() >= call.deadline_s:
            self._give_up(failure, "no other endpoint is left" if not targets else "no time is left")
        try:
            leg = self._way.leg(call.with_(candidates=targets), said)
        except Unjoinable:
            self._give_up(failure, "its last words cannot be told from those before")
        permit = call.permit_for(Extra.RESUMPTION)
        if permit is None:
            self._give_up(failure, "the budget for attempts beyond the first is spent")
        self._legs += 1
        call.note("Resume", GOES_ON, failure.reason, said.characters, self._way, targets[0].model)
        return leg, permit

    def _in_time(self, view: Call) -> Call:
        """The reader waits in the middle of an answer: a leg that does not speak is left, if there is another."""
        stall = self._settings.stall
        if stall is None:
            return view
        return view.with_(start_by_s=view.clock() + stall.most_s, may_leave=self._may_leave)

    def _may_leave(self) -> bool:
        """A leg has not spoken for as long as no pause may last. Whether there is somebody else to ask."""
        call = self._call
        can_pay = call.budget.can(Extra.RESUMPTION, call.clock())
        return can_pay and self._legs < self._settings.at_most and bool(self._targets())

    def _targets(self) -> tuple[Target, ...]:
        """Endpoints of one model that may be asked: untried ones, those of the same model before others."""
        last = {attempt.endpoint: attempt for attempt in self._call.ledger.attempts}
        able = [target for target in self._call.candidates if target.model not in self._out]
        fresh = [target for target in able if target.endpoint not in last]
        found = fresh or [target for target in able if _may_be_asked_again(last[target.endpoint])]
        models = {target.model for target in found}
        model = self._model if self._model in models else next(iter(found)).model if found else None
        return tuple(target for target in found if target.model == model)

    def _take_down(self, view: Call, *, said_before: int) -> None:
        """A leg has broken off: enter what it cost, and whether its text is part of the answer."""
        ledger, said = self._call.ledger, self._said
        spoke = [attempt for attempt in ledger.attempts[self._looked_at :] if attempt.first_progress_s is not None]
        self._looked_at = len(ledger.attempts)
        if not spoke:
            return
        attempt = spoke[-1]
        self._model = self._model or attempt.endpoint.model
        usage = said.leg_broke_off(attempt, view.prompt_tokens)
        self._call.note("Resume", COST, attempt.endpoint.name, usage.input_tokens, usage.output_tokens)
        if self._way.keeps and said.characters > said_before:
            ledger.spliced.append(attempt)

    def _after(self, failed: CallError | Unjoinable, before: AttemptFailed) -> AttemptFailed:
        """The failure that counts from now on."""
        if isinstance(failed, AttemptFailed):
            return failed
        told = "its reply does not begin with the words it was told to repeat" if str(failed) == "" else str(failed)
        self._call.note("Resume", "that was of no use: %s", told)
        return before

    def _give_up(self, failure: AttemptFailed, why: str) -> NoReturn:
        self._call.note("Resume", "gives up: %s", why)
        if self._legs == 0:
            raise failure
        raise StreamInterrupted(
            f"the answer broke off, and could not be completed: {why}; {failure.__cause__ or failure}",
            delivered=self._said.characters,
            usage=self._said.spent,
        ) from failure

    def _too_late(self) -> DeadlineExceeded:
        characters = self._said.characters
        return DeadlineExceeded(
            f"the deadline passed while an answer that had broken off was resumed; {characters} characters had been "
            "delivered",
            delivered=characters,
            usage=self._said.spent,
        )


def _may_be_asked_again(attempt: Attempt) -> bool:
    return attempt.error is not None and attempt.error.same and attempt.error.retryable


def _must_be_one_of(names: set[str], name: str, what: str) -> None:
    if name not in names:
        raise ConfigurationError(f"Resume: no {what} is named {name!r}; there are {', '.join(sorted(names))}")
