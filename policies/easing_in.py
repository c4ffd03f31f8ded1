"""Show an endpoint that has just returned to as great a share of the calls as its weight is.

That bounds what it gets under any balancer, and under a ranking by latency, which would give the fastest everything at
once. A balancer by load that weighs by `Target.weight` makes it exact; one that does not finds the newcomer idle, and
gives it up to twice its part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .eligible import BY, tied_of
from .queues import has_room

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.health.outliers import Outliers


def eased_in(call: Call, outliers: Outliers, now_s: float) -> Call:
    """The call without those of the returning that it is not to see. Somebody with room always stays.

    Where all candidates are returning, they are weighed against the fullest of them.
    """
    candidates = call.candidates
    weights = {target: target.weight(now_s) for target in outliers.returning if target in candidates}
    if not weights:
        return call
    fullest = max(weights.values()) if len(weights) == len(candidates) else 1.0
    spared = {target for target, weight in weights.items() if call.dice.random() * fullest >= weight}
    kept = tuple(target for target in candidates if target not in spared)
    if not spared or not any(has_room(target, call) for target in kept):
        return call
    call.ledger.note(
        now_s, BY, "spares %s, to ease it in", ", ".join(target.name for target in weights if target in spared)
    )
    return call.with_(candidates=kept, tied=tied_of(call, kept))
