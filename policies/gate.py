"""Leave alone what has asked to be left alone.

An endpoint that answers with a Retry-After has asked every caller, not only the one that was told. `dispatch` refuses
a gated endpoint whatever the stack; what chooses among endpoints drops the gated ones first, so as not to be refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.errors import Gated

if TYPE_CHECKING:
    from ..router.call import Call


def without_gated(call: Call, now_s: float) -> Call:
    """The call without the candidates that may not be asked yet. Costs a comparison while nobody is gated.

    Raises:
        Gated: none is left. It says when the first opens.
    """
    candidates = call.candidates
    if not candidates or now_s >= candidates[0].pulse.gated_until_s:
        return call
    may_be_asked = tuple(target for target in candidates if target.opens_at_s(now_s) <= now_s)
    if len(may_be_asked) == len(candidates):
        return call
    if not may_be_asked:
        first = min(candidates, key=lambda target: target.opens_at_s(now_s))
        wait_s = first.opens_at_s(now_s) - now_s
        told = f"every endpoint has asked to be left alone, this one for {wait_s:.3f} s more"
        raise Gated(told, endpoint=first.name, retry_after_s=wait_s)
    tied = sum(target.opens_at_s(now_s) <= now_s for target in candidates[: call.tied])
    return call.with_(candidates=may_be_asked, tied=tied or 1)
