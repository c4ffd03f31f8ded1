"""What a run will cost at most, and whether somebody should be asked before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from ...providers import Simulated
from .figures import money

if TYPE_CHECKING:
    from ...router import Endpoint
    from .plan import Plan

ASK_ABOVE = 0.05
"""Money, in the unit of the configured prices, that is spent without a question."""

HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@attrs.frozen(kw_only=True)
class Price:
    """At most: every answer as long as it may be.

    by_endpoint: money; None where the configuration has no prices, and somebody may be billed.
    """

    by_endpoint: dict[str, float | None]

    @property
    def known(self) -> float:
        """The sum of what is known."""
        return sum(money for money in self.by_endpoint.values() if money is not None)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Endpoints that nobody knows the price of."""
        return tuple(name for name, money in self.by_endpoint.items() if money is None)

    @property
    def asks(self) -> bool:
        """Whether it is so much, or so uncertain, that somebody should be asked first."""
        return self.known > ASK_ABOVE or bool(self.unknown)

    def __str__(self) -> str:
        """In a sentence."""
        if not self.unknown:
            return f"It costs at most {self.known:.4f} at the configured prices."
        names = ", ".join(self.unknown)
        known = f"It costs at most {self.known:.4f} at the configured prices, and " if self.known else "It costs "
        return f"{known}nobody knows how much at {names}: give price_in_per_m and price_out_per_m there."


def price(endpoints: Sequence[Endpoint], plan: Plan) -> Price:
    """Of *plan* at *endpoints*. One on this machine costs nothing unless it has a price."""
    tokens_in, tokens_out = plan.calls * plan.prompt_tokens, plan.calls * plan.max_tokens
    by_endpoint: dict[str, float | None] = {}
    for endpoint in endpoints:
        cost = money(endpoint, tokens_in, tokens_out)
        by_endpoint[endpoint.name] = 0.0 if cost is None and _is_here(endpoint) else cost
    return Price(by_endpoint=by_endpoint)


def _is_here(endpoint: Endpoint) -> bool:
    if isinstance(endpoint.provider, Simulated):
        return True
    return endpoint.url is not None and urlsplit(endpoint.url).hostname in HERE
