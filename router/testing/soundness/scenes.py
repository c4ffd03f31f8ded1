"""What a policy is put through: what the endpoints do, how the caller takes it, and who stands around the policy.

Instants are sums of quarters of a second, which are exact, so that a deadline can be held to.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs

from ...chunk import Chunk
from ...endpoint import Limits
from ...errors import (
    AttemptFailed,
    AuthenticationFailed,
    ConnectFailed,
    ContextTooLong,
    ProviderError,
    ProviderOverloaded,
    RateLimited,
)
from ..scripted import SILENT, Cut, Fail, Resist, Say, Script, answers, fails


class Place(enum.Enum):
    """What stands outside the policy."""

    ALONE = "nothing"
    REPEATED = "an outer policy tries again"
    IMPATIENT = "an outer policy loses patience after 0.625 s"
    RACED = "two legs of one call race through it"
    NOBODY = "no candidate is left"


PATIENCE_S = 0.625


@attrs.frozen(kw_only=True)
class Scene:
    """One thing that may happen to a call.

    told: in a few words. scripts: what the endpoints do, one for each attempt; the last repeats.
    whole: the caller takes the answer whole, and not as it comes. stream: what the vendor is asked for.
    budget_s: seconds the call may take. limits: of an attempt.
    taken_until_s: every slot is taken until then; None: none is. place: who stands outside.
    takes_s: seconds the caller takes over each chunk. caller_fails: the caller raises at the second chunk.
    resists_s: seconds the endpoints resist being cancelled, which are forgiven. calls: made at once.
    closes_at_s: when the router is closed; None: after the call.
    """

    told: str
    scripts: tuple[Script, ...]
    whole: bool = False
    stream: bool = True
    budget_s: float = 8.0
    limits: Limits = attrs.field(factory=Limits)
    taken_until_s: float | None = None
    place: Place = Place.ALONE
    takes_s: float = 0.0
    caller_fails: bool = False
    resists_s: float = 0.0
    calls: int = 1
    closes_at_s: float | None = None

    def __str__(self) -> str:
        around = "" if self.place is Place.ALONE else f", {self.place.value}"
        return f"{self.told}; taken {'whole' if self.whole else 'as it comes'}{around}"


GOOD = answers(0.25, "one ", "two ", "three", gap_s=0.25)
BEGINNING = (Say(0.25, Chunk("one ")), Say(0.5, Chunk("two ")))
CUT = (*BEGINNING, Cut(0.75))
BROKEN = (*BEGINNING, Fail(0.75, lambda: ProviderError("as scripted")))
EMPTY = (Say(0.25, Chunk()), Say(0.5, Chunk(finish_reason="stop")))


def drip(words: int, every_s: float) -> Script:
    """An answer of so many words, each after as long a pause."""
    return answers(every_s, *("word ",) * words, gap_s=every_s)


def limited() -> AttemptFailed:
    """A vendor that wants to be left alone for a second."""
    return RateLimited("as scripted", retry_after_s=1.0)


def _fails_first(told: str, error: Callable[[], BaseException] | type[AttemptFailed]) -> Scene:
    return Scene(told=f"the first try {told}, the next is answered", scripts=(fails(0.25, error), GOOD))


def _in_both_ways(scene: Scene) -> tuple[Scene, Scene]:
    return scene, attrs.evolve(scene, whole=True)


SCENES: tuple[Scene, ...] = (
    *_in_both_ways(Scene(told="a good answer", scripts=(GOOD,))),
    Scene(told="a good answer in one piece", scripts=(GOOD,), whole=True, stream=False),
    Scene(told="an empty answer", scripts=(EMPTY,)),
    _fails_first("fails", ProviderError),
    _fails_first("finds nobody", ConnectFailed),
    _fails_first("is refused for the moment", limited),
    _fails_first("is refused for its key", AuthenticationFailed),
    _fails_first("is refused for its prompt", ContextTooLong),
    _fails_first("meets an error that is none of ours", lambda: OSError("as scripted")),
    Scene(told="every try fails", scripts=(fails(0.25, ProviderOverloaded),)),
    Scene(told="a try fails just before the deadline", scripts=(fails(1.75, ProviderError), GOOD), budget_s=2.0),
    *_in_both_ways(Scene(told="the first answer breaks off after two words", scripts=(CUT, GOOD))),
    Scene(told="the first answer fails after two words", scripts=(BROKEN, GOOD)),
    Scene(told="every answer breaks off after two words", scripts=(CUT,)),
    Scene(told="a slow drip", scripts=(drip(4, 1.5),)),
    *_in_both_ways(Scene(told="a slow drip that the deadline cuts", scripts=(drip(10, 1.5),), budget_s=4.0)),
    *_in_both_ways(Scene(told="silence until the deadline", scripts=(SILENT,), budget_s=3.0)),
    Scene(told="silence, then an answer to the next try", scripts=(SILENT, GOOD), limits=Limits(first_token_s=1.0)),
    Scene(told="an answer that stops in the middle", scripts=((*BEGINNING, *SILENT), GOOD), limits=Limits(gap_s=1.0)),
    Scene(told="a slot comes free after a second", scripts=(GOOD,), taken_until_s=1.0),
    Scene(told="no slot comes free", scripts=(GOOD,), taken_until_s=30.0, budget_s=2.0),
    Scene(told="next to no time", scripts=(GOOD,), budget_s=2.0**-10),
    Scene(told="a slow caller, and the deadline", scripts=(GOOD,), takes_s=3.0, budget_s=2.0),
    *_in_both_ways(
        Scene(
            told="endpoints that resist being cancelled", scripts=((Resist(0.5), *SILENT),), budget_s=2.0, resists_s=0.5
        )
    ),
    Scene(told="a caller who fails", scripts=(GOOD,), caller_fails=True),
    Scene(told="a good answer", scripts=(GOOD,), place=Place.NOBODY),
    Scene(told="the first try fails", scripts=(fails(0.25, ProviderError), GOOD), place=Place.REPEATED),
    Scene(told="silence", scripts=(SILENT,), place=Place.IMPATIENT),
    Scene(told="a slow answer", scripts=(drip(8, 0.25),), place=Place.IMPATIENT),
    Scene(told="every try fails", scripts=(fails(0.25, ProviderError),), place=Place.IMPATIENT),
    Scene(told="no slot comes free", scripts=(GOOD,), place=Place.IMPATIENT, taken_until_s=30.0),
    Scene(told="one leg is silent", scripts=(SILENT, GOOD), place=Place.RACED),
    Scene(told="both legs answer", scripts=(GOOD, GOOD), place=Place.RACED),
    Scene(told="one leg fails", scripts=(fails(0.125, ProviderError), GOOD), place=Place.RACED),
    Scene(told="six calls at once, of which three leave", scripts=(GOOD,), calls=6),
    Scene(told="the router closes meanwhile", scripts=(SILENT,), closes_at_s=1.0),
)
"""What `assert_policy_sound` plays."""
