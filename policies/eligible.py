"""Who is left of a call's candidates when some endpoints are out.

Those that are well, in their order and with their ties. When they are too few, those that are out by our own
conclusion as well (`panic`); when there is nobody, everybody.

The answer is the same for every call with the same candidates until somebody goes out or comes back, and an endpoint
with a refused key may be out for days. So it is worked out once, and costs a look into a dict from then on, however
many endpoints there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ..router.events import Panic
from ..router.ledger import Decision
from .panic import panicking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..router.call import Call
    from ..router.health.ejection import Ejection
    from ..router.health.health import Health
    from ..router.health.outliers import Outliers
    from ..router.target import Target

BY = "Breaker"

MOST_KEPT = 256


class Told:
    """Endpoints with why each is out, put into words when somebody reads them."""

    __slots__ = ("_why",)

    def __init__(self, targets: Sequence[Target], out: Mapping[Target, Health]) -> None:
        self._why: list[tuple[str, Ejection | None]] = [(target.name, out[target].ejection) for target in targets]

    def __str__(self) -> str:
        return "; ".join(name if ejection is None else f"{name} ({ejection.why})" for name, ejection in self._why)


class Eligible(msgspec.Struct, frozen=True):
    """Who is left.

    targets: in the candidates' order. tied: how many of the first are as good as one another.
    well, of: how many of the candidates are in. panic: whether any that is out is among *targets*.
    left_out: the others, with the reasons; None if there are none.
    """

    targets: tuple[Target, ...]
    tied: int
    well: int
    of: int
    panic: bool
    left_out: Told | None

    def applied(self, call: Call, now_s: float) -> Call:
        """The call with these candidates, and what there is to say about it said."""
        decisions = call.ledger.decisions
        if self.panic:
            asked_too = len(self.targets) - self.well
            words = "panic: %d of %d are well, so %d that are out may be asked too"
            decisions.append(Decision(now_s, BY, words, (self.well, self.of, asked_too)))
            if call.listeners:
                call.listeners.tell(Panic(at_s=now_s, call=call, well=self.well, of=self.of))
        if self.left_out is None:
            return call
        decisions.append(Decision(now_s, BY, "keeps out %s", (self.left_out,)))
        return call.with_(candidates=self.targets, tied=self.tied)


def eligible(call: Call, outliers: Outliers, panic_below: float) -> Eligible:
    """Who is left for *call*; never nobody."""
    candidates, out = call.candidates, outliers.out
    well = [target for target in candidates if target not in out]
    kept = well if len(well) == len(candidates) else _with_panic(call, out, len(well), panic_below)
    stay = set(kept)
    left_out = [target for target in candidates if target not in stay]
    return Eligible(
        tuple(kept),
        tied_of(call, kept),
        len(well),
        len(candidates),
        len(kept) > len(well),
        Told(left_out, out) if left_out else None,
    )


def _with_panic(call: Call, out: Mapping[Target, Health], well: int, panic_below: float) -> Sequence[Target]:
    """Those that are well, and those of a level in panic that are out by our own conclusion. Of none, everybody."""
    leading = sum(target not in out for target in call.candidates[: call.tied])
    levels = ((leading, call.tied), (well - leading, len(call.candidates) - call.tied))
    panics = panicking(levels, panic_below) if well else (True, True)
    return [
        target
        for place, target in enumerate(call.candidates)
        if (health := out.get(target)) is None
        or (panics[place >= call.tied] and health.ejection is not None and not health.ejection.told)
    ] or call.candidates


def tied_of(call: Call, kept: Sequence[Target]) -> int:
    """How many of the first of *kept* are tied: what is left of the call's tie.

    If nobody of it is left, the next nearest region is.
    """
    leading = set(call.candidates[: call.tied])
    tied = sum(target in leading for target in kept)
    if tied:
        return tied
    return next((place for place, target in enumerate(kept) if target.region != kept[0].region), len(kept))


class RememberedEligible:
    """Answers by candidates, each good until somebody of the fleet goes out or comes back.

    Candidates are known by identity: a tuple that is handed down again and again is neither compared nor hashed. They
    are kept with the answer, so that no other can have their identity meanwhile.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[int, tuple[tuple[Target, ...], int, int, Eligible]] = {}

    def of(self, call: Call, outliers: Outliers, panic_below: float) -> Eligible:
        """As `eligible`, worked out anew where that is needed."""
        candidates = call.candidates
        kept = self._kept.get(id(candidates))
        if kept is not None and kept[1] == call.tied and kept[2] == outliers.changes:
            return kept[3]
        answer = eligible(call, outliers, panic_below)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[id(candidates)] = (candidates, call.tied, outliers.changes, answer)
        return answer
