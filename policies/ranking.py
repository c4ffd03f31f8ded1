"""Candidates in order of preference, and why: what a policy that orders them comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ..router.ledger import Decision

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.target import Target


class Ranking(msgspec.Struct, frozen=True):
    """An order of candidates.

    ordered: the preferred first. tied: how many of the first are as good as one another.
    stale: endpoints of which too little was heard lately, and that are worth a trial. quick_s: seconds within which
    their first token is no disappointment.
    words, facts: the reason, as `Call.note` takes it. chances: as `Decision` has them.
    """

    ordered: tuple[Target, ...]
    tied: int
    words: str
    facts: tuple[object, ...] = ()
    stale: tuple[Target, ...] = ()
    quick_s: float = 0.0
    chances: tuple[tuple[str, float | None], ...] = ()

    def applied(self, call: Call, by: str, now_s: float) -> Call:
        """The call with its candidates so ordered, and the reason noted."""
        call.ledger.decisions.append(Decision(now_s, by, self.words, self.facts, self.chances))
        return replace(call, candidates=self.ordered, tied=self.tied)
