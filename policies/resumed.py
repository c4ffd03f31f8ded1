"""One answer that broke off after its beginning was shown, until it is whole or nobody can complete it.

Each leg is asked for like a first attempt, by everything inside of `Resume`, and is paid for, timed and bounded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ..router.budget import Extra
from ..router.errors import AttemptFailed, DeadlineExceeded, DeadlineInsufficient, NoEndpoint, StreamInterrupted
from .join import Unjoinable

if TYPE_CHECKING:
    from ..router.budget import Permit
    from ..router.call import Call
    from ..router.errors import CallError
    from ..router.ledger import Attempt
    from ..router.pipeline import Handler
    from ..router.target import Target
    from .resume import Resume
    from .resumption import Leg, Resumption
    from .said import Said

GOES_ON = "after %s, with %d characters delivered, goes on by %r at %s"
COST = "the leg at %s that broke off took %d tokens in and %d out, reckoned where they were not told"


class Resumed:
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
                try:
                    await self._next(self._in_time(leg.call.with_(permit=permit)), leg.emit)
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
        told = failed if str(failed) else "its reply does not begin with the words it was told to repeat"
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
