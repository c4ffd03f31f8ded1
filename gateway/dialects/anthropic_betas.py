"""The header ``anthropic-beta``: what of Anthropic's own a client wants switched on, by name.

It goes to endpoints of Anthropic's as a parameter of the request, and says nothing to those of others: there are
clients that send it always. OpenAI's headers are another matter. ``OpenAI-Organization`` and
``OpenAI-Project`` say on whose account a call goes, and calls go on the gateway's own; ``OpenAI-Beta`` is for APIs that
are not served here. They are passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...providers.anthropic_betas import HEADER, MOST_BETAS, NAME
from .refused import Mistake

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy


def betas_in(headers: CIMultiDictProxy[str]) -> list[str]:
    """The names, each once, in their order; the header may come several times, with several names each.

    Raises:
        Mistake: they are no names, or too many.
    """
    told = headers.getall(HEADER, ())
    if not told:
        return []
    names = list(dict.fromkeys(name.strip() for names in told for name in names.split(",") if name.strip()))
    if len(names) > MOST_BETAS:
        raise Mistake(f"{HEADER} may have {MOST_BETAS} names at most", param=HEADER)
    if not all(NAME.fullmatch(name) for name in names):
        raise Mistake(f"{HEADER} must have names of letters, digits, dots, dashes and underscores", param=HEADER)
    return names
