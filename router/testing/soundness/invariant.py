"""What holds of every policy whatever happens around it, and what to do where it does not."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import attrs


class Invariant(enum.Enum):
    """A rule, in one sentence."""

    CANCELLATION = "a cancellation is passed on, at once"
    NOTHING_LEFT = "nothing is held, and nothing runs, once a call is over"
    COMMIT = "after the first progress has reached the caller nothing is repeated"
    PAID = "every attempt beyond a call's first is paid for"
    DEADLINE = "the deadline is kept, and never moved"
    UNEDITED = "a call is a view: nobody edits it"
    SAME_CALL = "what is passed on is this call"
    ONE_ERROR = "a call that fails ends in one typed error"
    ANSWERED = "who returns has an answer"
    EMIT = "chunks come one at a time, and none comes after the end"
    ONE_SEED = "one seed, one run"

    @property
    def mend(self) -> str:
        """What to do about a policy that breaks it."""
        return MENDS[self]


MENDS = {
    Invariant.CANCELLATION: (
        "let CancelledError pass. Catch AttemptFailed, or Exception, never BaseException, and put what must be tidied "
        "into 'finally'; do not wait there"
    ),
    Invariant.NOTHING_LEFT: (
        "hold a slot in a 'with lease:' block and give back a permit in 'finally'. End tasks of your own before you "
        "return; one that may take a moment belongs to 'call.legs.end(task)'"
    ),
    Invariant.COMMIT: (
        "ask 'call.ledger.committed' before 'next' is called another time, and if it is, raise the failure you have"
    ),
    Invariant.PAID: (
        "ask 'call.permit_for(Extra.RETRY)' before another try, raise the failure you have if that is None, pass the "
        "permit on with 'call.with_(permit=permit)', and release it in 'finally'"
    ),
    Invariant.DEADLINE: (
        "before each wait and each try look whether 'call.clock()' plus the wait is below 'call.start_by_s', and raise "
        "the failure you have if it is not. Time can only be made shorter, with 'call.with_(deadline_s=...)'"
    ),
    Invariant.UNEDITED: (
        "pass on a view of your own: 'call.with_(candidates=...)', or msgspec.structs.replace for another request, "
        "made by attrs.evolve with copies of what it holds"
    ),
    Invariant.SAME_CALL: (
        "pass on the call you were given, or 'call.with_(candidates=...)' with a selection of its own candidates. "
        "Never make a Call: the ledger, the slot, the permit and the deadline come with the one you have"
    ),
    Invariant.ONE_ERROR: (
        "raise what 'next' raised, or an error of paceline.router.errors. Where you run tasks, raise the error of "
        "one of them and not the group"
    ),
    Invariant.ANSWERED: (
        "where 'next' has raised, raise that or call 'next' again; a call without an answer is a failure"
    ),
    Invariant.EMIT: (
        "wait for each 'emit', let one leg speak at a time, and end whatever could still emit before you return"
    ),
    Invariant.ONE_SEED: (
        "take the time from 'call.clock()' and chance from 'call.dice', and iterate over no set of strings"
    ),
}
"""By invariant, what to do."""


@attrs.frozen
class Breach:
    """An invariant that was broken, and what was seen of it."""

    invariant: Invariant
    seen: str

    def __str__(self) -> str:
        return f"{self.invariant.value}: {self.seen}"


class Unsound(AssertionError):
    """A policy breaks what every policy has to keep.

    policy: its name. scene: in which. breaches: at least one, in the order in which they were seen.
    """

    def __init__(self, policy: str, scene: str, breaches: Sequence[Breach]) -> None:
        first, *others = breaches
        lines = [
            f"{policy} is not sound. What must hold: {first.invariant.value}.",
            f"  scene: {scene}",
            f"  seen:  {first.seen}",
            f"  mend:  {first.invariant.mend}.",
            *(f"  also:  {other}" for other in others),
        ]
        super().__init__("\n".join(lines))
        self.policy = policy
        self.scene = scene
        self.breaches = tuple(breaches)
