"""What a route has cost in the running window of time, what its running calls may yet cost, and who was warned.

Money is in whatever unit the endpoints' prices are. A call reserves the most that it can cost before it is sent, and
what it did not cost comes back when it is over. So as long as no call costs more than was reserved for it, no window
costs more than its limit.
"""

from __future__ import annotations

from typing import Any

import attrs

from ..router import check
from ..router.errors import ConfigurationError
from .bill import NO_PRICES

DAY_S = 86_400.0


def _shares(given: object) -> tuple[float, ...]:
    return tuple(given) if isinstance(given, list | tuple) else (given,)  # type: ignore[return-value]


def _rising(instance: object, attribute: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    for share in value:
        check.inner_share(instance, attribute, share)
    if list(value) != sorted(set(value)):
        raise ConfigurationError(f"CostLimit: warn_at must rise, such as (0.8, 0.95), not {value!r}")


@attrs.frozen(kw_only=True)
class CostLimit:
    """Money that a route may cost in a window of time.

    money: in the unit of the endpoints' prices, above 0.
    window_s: seconds, above 0. Default a day. The first window begins with the route's first call, and each begins
        where the one before ends.
    warn_at: shares of *money* at which listeners are told, rising, each above 0 and below 1. Default 0.8 and 0.95.
    """

    money: float = attrs.field(validator=check.positive)
    window_s: float = attrs.field(default=DAY_S, validator=check.positive)
    warn_at: tuple[float, ...] = attrs.field(default=(0.8, 0.95), converter=_shares, validator=_rising)


class Spending:
    """Of one route, against one limit.

    spent, reserved: money of this window, and for the calls that run. ends_s: when the window does.
    silent_below: money below which nobody is to be warned or refused.
    prices: of the candidates of the last call, nearly always those of the next.
    """

    __slots__ = ("_limit", "_warned", "ends_s", "prices", "reserved", "silent_below", "spent")

    def __init__(self, limit: CostLimit, now_s: float) -> None:
        self._limit = limit
        self._warned = 0
        """Thresholds that were passed in this window."""
        self.silent_below = self._threshold()
        self.prices = NO_PRICES
        self.spent = 0.0
        self.reserved = 0.0
        self.ends_s = now_s + limit.window_s

    def fits(self, money: float, now_s: float) -> bool:
        """Whether a call may be sent that costs at most so much."""
        if now_s >= self.ends_s:
            self.begin_window(now_s)
        return self.spent + self.reserved + money <= self._limit.money

    def reserve(self, money: float) -> None:
        """It is sent. Less than 0 gives back."""
        self.reserved += money

    def begin_window(self, now_s: float) -> None:
        """What runs is paid in the window that it ends in."""
        window_s = self._limit.window_s
        self.ends_s += window_s * (1 + (now_s - self.ends_s) // window_s)
        self.spent = 0.0
        self._warned = 0
        self.silent_below = self._threshold()

    def passed_by(self, money: float) -> tuple[float, ...]:
        """The thresholds that a call asking for so much is the first to pass, in this window."""
        warn_at = self._limit.warn_at
        if self._warned == len(warn_at):
            return ()
        share = (self.spent + self.reserved + money) / self._limit.money
        before = self._warned
        while self._warned < len(warn_at) and share >= warn_at[self._warned]:
            self._warned += 1
        self.silent_below = self._threshold()
        return warn_at[before : self._warned]

    def _threshold(self) -> float:
        warn_at, money = self._limit.warn_at, self._limit.money
        return money * warn_at[self._warned] if self._warned < len(warn_at) else money
