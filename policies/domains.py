"""Which endpoints fail together, and so where a second try is worth most.

What slows or breaks one endpoint seldom stops at it: its whole failure domain suffers, which is a vendor's site in one
region unless the endpoints say otherwise. So a retry, a fallback or a hedge keeps out of the domains in which its call
has met trouble, or in which it is still waiting for an answer. Another model there, of which nothing bad is known yet,
would only look like the best choice.

Trouble in two domains that share a region, or a provider, is taken for trouble of what they share: a network in the
first case, a control plane in the second. It is kept out of as a whole, as long as something else has room.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..router.errors import ConnectFailed, ProviderError, ProviderOverloaded, ProviderTimeout
from ..router.ledger import Outcome
from .queues import has_room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..router.call import Call
    from ..router.endpoint import Endpoint
    from ..router.ledger import Attempt
    from ..router.target import Target

TROUBLE = (ConnectFailed, ProviderError, ProviderOverloaded, ProviderTimeout)
"""Failures that may be a domain's rather than one endpoint's: a spent quota is not."""

SHARED = 2
"""Domains in trouble from which on what they share is suspected."""


def apart(call: Call, allowed: tuple[Target, ...]) -> tuple[Target, ...]:
    """Those of *allowed* that are apart from where this call has met trouble or waits, as long as one has room."""
    met = [attempt.endpoint for attempt in call.ledger.attempts if _is_trouble(attempt)]
    waits = {attempt.endpoint.domain for attempt in call.ledger.attempts if attempt.outcome is Outcome.RUNNING}
    if not met and not waits:
        return allowed
    domains = waits | {endpoint.domain for endpoint in met}
    regions = _shared(met, lambda endpoint: endpoint.region)
    providers = _shared(met, lambda endpoint: endpoint.provider.name)
    for places in ((domains, regions, providers), (domains, frozenset[str](), frozenset[str]())):
        elsewhere = tuple(target for target in allowed if not _lies_in(target.endpoint, *places))
        if any(has_room(target, call) for target in elsewhere):
            if len(elsewhere) < len(allowed):
                avoided = ", ".join(sorted(frozenset[str]().union(*places)))
                call.note("Regions", "keeps out of %s, where this call met trouble or still waits", avoided)
            return elsewhere
    return allowed


def _is_trouble(attempt: Attempt) -> bool:
    return attempt.outcome is Outcome.TIMED_OUT or isinstance(attempt.error, TROUBLE)


def _shared(met: Iterable[Endpoint], place: Callable[[Endpoint], str]) -> frozenset[str]:
    """Places that several domains in trouble have in common."""
    domains = Counter(where for _, where in {(endpoint.domain, place(endpoint)) for endpoint in met})
    return frozenset(where for where, count in domains.items() if count >= SHARED)


def _lies_in(endpoint: Endpoint, domains: set[str], regions: frozenset[str], providers: frozenset[str]) -> bool:
    return endpoint.domain in domains or endpoint.region in regions or endpoint.provider.name in providers
