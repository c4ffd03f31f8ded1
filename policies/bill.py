"""What one call of `Cap` may cost, and what it has cost: its prompt, its longest answer, and every attempt it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec
from msgspec.structs import replace

from .allowance import REFUSED, UNSENT
from .expectation import sizes

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.endpoint import Endpoint
    from ..router.ledger import Attempt
    from ..router.target import Target
    from .spending import Spending

PER_TOKEN = 1e-6
"""Prices are for a million."""

FREE = UNSENT + REFUSED
"""Failures that cost nothing."""


class Prices(msgspec.Struct, frozen=True):
    """Those of *targets*, for a token.

    highest_in, highest_out: of the prompt and of the answer; not necessarily of one endpoint.
    differ: not all of them cost the same.
    """

    targets: tuple[Target, ...] = ()
    highest_in: float = 0.0
    highest_out: float = 0.0
    differ: bool = False

    @classmethod
    def of(cls, targets: tuple[Target, ...]) -> Self:
        """What these endpoints cost."""
        each = {_prices_of(target.endpoint) for target in targets} or {(0.0, 0.0)}
        return cls(targets, max(price for price, _ in each), max(price for _, price in each), len(each) > 1)


NO_PRICES = Prices()


class Bill(msgspec.Struct):
    """What one call may cost, and which attempts it has made: a `Witness`.

    cap: of its answer, which *call* has not been told of. longest: tokens of its longest answer, or likely ones if it
    has no cap. reserved: money, for what may be sent and what was; at first as if it went to the dearest endpoint.
    differ: endpoints do not cost the same.
    """

    call: Call
    spending: Spending
    cap: int | None
    longest: float
    reserved: float
    differ: bool
    attempts: list[Attempt] = []

    def sent(self, target: Target, attempt: Attempt, /) -> None:
        """As of `Witness`. Money was reserved for the first; each that follows reserves its own."""
        call, attempts = self.call, self.attempts
        if attempts or self.differ:
            price_in, price_out = _prices_of(attempt.endpoint)
            money = call.prompt_tokens * price_in + self.longest * price_out
            more = money if attempts else money - self.reserved
            self.reserved += more
            self.spending.reserved += more
        attempts.append(attempt)
        if call.witness is not None:
            call.witness.sent(target, attempt)

    def settle(self, now_s: float) -> None:
        """The call is over: what was reserved for it is spent, or comes back."""
        spending, per_m = self.spending, 0.0
        for attempt in self.attempts:
            if attempt.error is not None and isinstance(attempt.error, FREE):
                continue
            usage, endpoint = attempt.usage, attempt.endpoint
            tokens_in: float | None = None if usage is None else usage.input_tokens
            tokens_out: float | None = None if usage is None else usage.output_tokens
            if tokens_in is None:
                tokens_in = self.call.prompt_tokens
            if tokens_out is None:
                tokens_out = self._feared(attempt)
            per_m += tokens_in * (endpoint.price_in_per_m or 0.0) + tokens_out * (endpoint.price_out_per_m or 0.0)
        if now_s >= spending.ends_s:
            spending.begin_window(now_s)
        left = spending.reserved - self.reserved
        spending.reserved = left if left > 0.0 else 0.0  # noqa: FURB136  a call of max() costs more than the rest
        spending.spent += PER_TOKEN * per_m

    def _feared(self, attempt: Attempt) -> float:
        """Tokens of an answer whose usage does not say: those that are likely, if it had begun."""
        if attempt.first_progress_s is None:
            return 0.0
        return sizes(replace(self.call, max_tokens=self.cap), attempt.sent_s)[1]


def _prices_of(endpoint: Endpoint) -> tuple[float, float]:
    """What a token costs there, of the prompt and of the answer; nothing where nobody knows."""
    return (endpoint.price_in_per_m or 0.0) * PER_TOKEN, (endpoint.price_out_per_m or 0.0) * PER_TOKEN
