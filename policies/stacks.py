"""Stacks to begin with: which policies, in which order, and why.

    Router(endpoints, routes, stacks.interactive(here="us-east", rtt_s={("us-east", "eu-west"): 0.09}))

The order is that of the questions a call has to answer, from the one asked least often to the one asked on every try.

1. *Which model?* `Fallback` stands outermost: another model means other endpoints for everything inside.
2. *Once more?* `Retry` repeats all that is inside it, so that each try chooses anew among what is left.
3. *Two at once?* `Hedge` belongs to one try: its second leg must be able to avoid where the first one went.
4. *Where may it go?* `Regions` keeps residency on every leg of every try, and prefers what is near.
5. *Who is in?* `Breaker` takes out what is broken, before anybody is judged by how fast it was.
6. *Who will make it?* `LatencyBudget` asks each of those that are left for its chance to answer in time.
7. *Who has room?* `Slots` picks among those that are as good as one another, and holds a slot to the last byte.

Three more are for what not everybody has. `Cap` stands around them all, since it bounds a whole call, its money and its
length. `Pace` keeps to a vendor's rate limits, between 5 and 6: what is judged has room. `Affinity` puts the endpoint
whose prompt cache is warm before its equals, between 6 and 7.

What a policy decides is bounded by those around it: one deadline for all of them, and one budget of extra attempts,
which belong to the router. Each function gives new objects, for one router; a stack is a plain list, to be changed at
will, and the router refuses an order that cannot work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tenacity import stop_after_attempt

from .breaker import Breaker
from .fallback import DEFAULT_START_WITHIN_S, Fallback
from .hedge import Hedge
from .latency_budget import LatencyBudget
from .preference import Prefer
from .regions import Regions
from .retry import Retry
from .slots import Slots

if TYPE_CHECKING:
    from ..router.pipeline import Policy

BATCH_START_WITHIN_S = 60.0
"""Nobody watches: a model is left when it is broken, not when it is slow."""

BATCH_WAIT_S = 120.0
"""A slot that comes later is better than none."""

BATCH_TRIES = 5


def interactive(
    *,
    here: str | None = None,
    rtt_s: Mapping[tuple[str, str], float] | None = None,
    start_within_s: float = DEFAULT_START_WITHIN_S,
) -> list[Policy]:
    """Somebody watches the answer begin: every policy there is, with its defaults.

    here, rtt_s: as for `Regions`. start_within_s: as for `Fallback`.
    """
    return [
        Fallback(start_within_s=start_within_s),
        Retry(),
        Hedge(),
        Regions(here=here, rtt_s=rtt_s or {}),
        Breaker(),
        LatencyBudget(),
        Slots(),
    ]


def batch(
    *, here: str | None = None, rtt_s: Mapping[tuple[str, str], float] | None = None, max_wait_s: float = BATCH_WAIT_S
) -> list[Policy]:
    """Something waits for many answers: the cheapest that makes it, patience for slots and slow models, no hedges.

    A hedge buys a first token with a second request, and nobody looks at the first token here. Give the calls a
    ``budget_s`` that fits: the router's default of a minute is an interactive one.

    here, rtt_s: as for `Regions`. max_wait_s: as for `Slots`; default 120.
    """
    return [
        Fallback(start_within_s=BATCH_START_WITHIN_S),
        Retry(stop=stop_after_attempt(BATCH_TRIES)),
        Regions(here=here, rtt_s=rtt_s or {}),
        Breaker(),
        LatencyBudget(prefer=Prefer.CHEAPEST),
        Slots(max_wait_s=max_wait_s),
    ]


def minimal() -> list[Policy]:
    """A few endpoints of one model that differ in nothing but load: another try elsewhere, and a slot for each.

    It knows no regions, so a route that is bound to some needs another stack.
    """
    return [Retry(), Slots()]
