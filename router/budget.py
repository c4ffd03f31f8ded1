"""One budget for every attempt a router makes beyond a call's first.

Under overload, retries, hedges and fallbacks are what keeps the overload going: calls time out, are made again, and so
each failure brings its own successor, long after its cause has gone. Limits per call do not help, because they multiply
(three models, three tries each, two legs each are eighteen attempts); a common budget does. It belongs to the router
and reaches every policy through its call, so no policy of a stack can forget to share it.

Two rules, and an extra attempt needs both. Over the last ten seconds,

    extra attempts  <=  reserve + floor(ratio * calls),        by default 10 + calls / 10

where *calls* are those that were answered, for retries and fallbacks, and those that arrived, for hedges: what mends
failures may not be paid by calls that fail. (In the simulated retry storm of `tests/scenarios`, a fleet whose retries
are paid by arrivals is not back in time, and one whose retries are paid by answers is.) And at this instant,

    extra attempts in flight  <  max(10, floor(0.2 * calls in flight))

which needs no history, and so holds in the first moment of a step. Ten is what a reserve of one a second comes to where
answers take ten seconds. A kind of extra attempt may be kept to a share of what the first rule allows.

The first attempt of a call is free, whichever model it goes to in the end: a model that is passed over before anything
was sent costs nobody anything.

A `Permit` is taken in one step or not at all, before any wait. It ends with its attempt; if none is made it is given
back. Ratios are exact fractions: 0.3 of a hundred calls is 30, while a reciprocal in floating point can make it 33.

Sources: Finagle RetryBudget and tower (the window, 10 s, ten a second in reserve); Envoy's retry budget (the share in
flight); gRPC A6 and Brooker, "Fixing retries with token buckets" (2022): success pays for retries.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from . import check
from .errors import ConfigurationError
from .tally import Tally

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

SLOTS = 10
"""Of the window. Extra attempts live one slot longer than calls, so that the rule holds in any ten seconds, whether or
not they begin with a slot."""


class Extra(enum.Enum):
    """Why a call makes an attempt beyond its first."""

    RETRY = "retry"
    HEDGE = "hedge"
    FALLBACK = "fallback"
    RESUMPTION = "resumption"


def _exact(value: float | Fraction) -> Fraction:
    """Converter: the number as it is written, so that 0.3 is three tenths. What is none becomes a negative one."""
    given: object = value  # whatever the types promise
    if isinstance(given, bool) or not isinstance(given, int | float | Fraction) or not math.isfinite(given):
        return Fraction(-1)
    return Fraction(str(given))


def _at_least_zero(_instance: object, attribute: attrs.Attribute[Fraction], value: Fraction) -> None:
    if value < 0:
        raise ConfigurationError(f"Budget: {attribute.name} must be a number of at least 0, such as 0.1")


def _exact_by_kind(given: Mapping[Extra, float | Fraction]) -> Mapping[Extra, Fraction]:
    return MappingProxyType({kind: _exact(share) for kind, share in given.items()})


def _shares(_: object, attribute: attrs.Attribute[Mapping[Extra, Fraction]], value: Mapping[Extra, Fraction]) -> None:
    kinds: list[object] = list(value)  # whatever the types promise
    if not all(isinstance(kind, Extra) for kind in kinds) or min(value.values(), default=0) < 0:
        raise ConfigurationError(
            f"Budget: {attribute.name} must be shares of at least 0 by Extra, such as {{Extra.HEDGE: 0.5}}"
        )


class Permit:
    """Leave to make one extra attempt. Use it as a ``with`` block, and hand it down: ``call.with_(permit=permit)``."""

    __slots__ = ("_budget", "_slot", "kind", "spent")

    def __init__(self, budget: Budget | None, kind: Extra, slot: int = 0) -> None:
        self._budget = budget
        self.kind = kind
        self._slot = slot
        self.spent = False
        """The attempt was sent, or will never be."""

    def spend(self) -> None:
        """The attempt is sent."""
        self.spent = True

    def release(self) -> None:
        """The attempt is over, or there will be none; then it was not spent. The second time changes nothing."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget._end(self.kind, None if self.spent else self._slot)  # noqa: SLF001  a permit is its other half
        self.spent = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.release()


class _Books:
    """What a budget counts."""

    __slots__ = ("answered", "arrived", "calls", "extra", "spent")

    def __init__(self, slot_s: float) -> None:
        self.calls = 0
        self.extra = 0
        self.arrived = Tally(slot_s, SLOTS)
        self.answered = Tally(slot_s, SLOTS)
        self.spent = {kind: Tally(slot_s, SLOTS + 1) for kind in Extra}


@attrs.frozen(kw_only=True, eq=False)
class Budget:
    """Extra attempts that the calls of a router may make between them. Routers may share one.

    ratio: extra attempts per call that was answered, or per call that arrived for hedges. Default 0.1; at least 0.
    ttl_s: seconds that count. Default 10; above 0.
    reserve: extra attempts that are allowed in any *ttl_s*, however few the calls. Default 10; at least 0.
    in_flight_share: extra attempts in flight, per call in flight. Default 0.2; at least 0.
    min_concurrent: extra attempts that may be in flight however few the calls. Default 10; at least 0. Takes precedence
        over *in_flight_share* where it allows more.
    caps: the share of the allowance that a kind may use up at most; at least 0. Default: hedges three fifths of it, so
        that they leave something for failures. It is a little more than the one call in twenty that is hedged, because
        late calls come in clusters.
    """

    ratio: Fraction = attrs.field(default=Fraction(1, 10), converter=_exact, validator=_at_least_zero)
    ttl_s: float = attrs.field(default=10.0, validator=check.positive)
    reserve: int = attrs.field(default=10, validator=check.count(0))
    in_flight_share: Fraction = attrs.field(default=Fraction(1, 5), converter=_exact, validator=_at_least_zero)
    min_concurrent: int = attrs.field(default=10, validator=check.count(0))
    caps: Mapping[Extra, Fraction] = attrs.field(
        factory=lambda: {Extra.HEDGE: Fraction(3, 5)}, converter=_exact_by_kind, validator=_shares
    )
    _books: _Books = attrs.field(
        default=attrs.Factory(
            lambda self: _Books(check.above_zero(self.ttl_s, "Budget: ttl_s") / SLOTS), takes_self=True
        ),
        init=False,
        repr=False,
    )

    def __repr__(self) -> str:
        caps = "".join(f", {kind.value} at most {float(share):g} of it" for kind, share in self.caps.items())
        return (
            f"Budget({self.reserve} + {float(self.ratio):g} a call in {self.ttl_s:g} s{caps}; "
            f"{self.min_concurrent} in flight, or {float(self.in_flight_share):g} a call in flight)"
        )

    # -- what the router tells

    def arrived(self, now_s: float) -> None:
        """A call begins. Once a call."""
        books = self._books
        books.calls += 1
        books.arrived.add(now_s)

    def ended(self, now_s: float, *, answered: bool) -> None:
        """A call that had arrived is over, however it ended."""
        books = self._books
        books.calls -= 1
        if answered:
            books.answered.add(now_s)

    # -- what policies ask

    def can(self, kind: Extra, now_s: float) -> bool:
        """Whether an extra attempt could be made now."""
        at_once = max(self.min_concurrent, int(self.in_flight_share * self._books.calls))
        return self._books.extra < at_once and self.left(kind, now_s) > 0

    def withdraw(self, kind: Extra, now_s: float) -> Permit | None:
        """Leave for one extra attempt, in one step; None, and nothing is taken, if there is none to be had."""
        if not self.can(kind, now_s):
            return None
        self._books.extra += 1
        return Permit(self, kind, self._books.spent[kind].add(now_s))

    # -- what is shown

    @property
    def in_flight(self) -> int:
        """Extra attempts in flight, those waited for included."""
        return self._books.extra

    def left(self, kind: Extra, now_s: float) -> int:
        """Extra attempts of a kind that the last ten seconds have left."""
        spent, allowance, cap = self._books.spent, self.allowance(kind, now_s), self.caps.get(kind)
        left = allowance - sum(tally.count(now_s) for tally in spent.values())
        if cap is not None:
            left = min(left, int(cap * allowance) - spent[kind].count(now_s))
        return max(0, left)

    def allowance(self, kind: Extra, now_s: float) -> int:
        """Extra attempts that the calls of the last ten seconds allow, if all are of this kind and it has no cap."""
        books = self._books
        paid = books.arrived if kind is Extra.HEDGE else books.answered
        return self.reserve + self.ratio.numerator * paid.count(now_s) // self.ratio.denominator

    def _end(self, kind: Extra, unspent: int | None) -> None:
        self._books.extra -= 1
        if unspent is not None:
            self._books.spent[kind].take_back(unspent)
