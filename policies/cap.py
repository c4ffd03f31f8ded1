"""Bound what an answer may take: its length, and its money.

A model that does not find an end goes on to the vendor's maximum, thousands of tokens and some minutes, and holds its
slot for all that time. One call in fifty of that kind fills a fleet that was half empty. So every call of a route gets
a `max_tokens`: the cap given here, where it has none or a larger one.

Money is limited by route and window of time (`spending`). Before a call is sent, the most that it can cost is
reserved: its prompt and its longest possible answer, at the dearest of its candidates. So a limit holds whatever calls
come to; an answer without a cap of any kind is the exception, and reserves its likely length. Listeners are told at
80 % and 95 %, always before the first call is refused, and the refusal says when the next window begins.

Every attempt costs: retries and second legs reserve as they are sent. Usage settles what it really was, at full price
for cached tokens. An attempt that was cut off without usage counts with its prompt, and with a likely answer if it had
begun; one that a vendor refused costs nothing.

Outermost of all policies. Use one for each limit: a stack may hold several, for different routes or windows. It is no
help against too many calls: that is what `Slots` and `Pace` are for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.errors import ConfigurationError, CostLimitReached
from ..router.events import CostThresholdPassed
from ..router.operation import EMBEDDING
from ..router.pipeline import Layer
from .bill import Bill, Prices
from .expectation import sizes
from .spending import CostLimit, Spending

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.fleet import Fleet
    from ..router.pipeline import Emit, Handler
    from ..router.target import Target

BY = "Cap"


def _routes(value: object) -> frozenset[str] | None:
    return check.names_or_none(value, "Cap: routes")


@attrs.frozen(kw_only=True)
class Cap:
    """Caps of routes. One object serves one router: it remembers what was spent.

    max_tokens: the most tokens an answer may have; at least 1. What the request or its route says takes precedence when
        it is less. Default None: as they say.
    cost: money that each route may cost in a window. Default None: any.
    routes: the names of those it caps, each on its own. Default None: all of them, and models asked for by their name.

    Raises `CostLimitReached` when the money is spent or reserved.
    """

    layer: ClassVar[Layer] = Layer.COST

    max_tokens: int | None = attrs.field(default=None, validator=check.if_given(check.count(1)))
    cost: CostLimit | None = attrs.field(default=None, validator=check.if_given(check.one_of(CostLimit)))
    routes: frozenset[str] | None = attrs.field(default=None, converter=_routes)

    _spending: dict[str, Spending] = attrs.field(factory=dict[str, Spending], init=False, repr=False, eq=False)

    _prices: Callable[[tuple[Target, ...]], Prices] = attrs.field(
        factory=lambda: lru_cache(maxsize=64)(Prices.of), init=False, repr=False, eq=False
    )

    def __attrs_post_init__(self) -> None:
        if self.max_tokens is None and self.cost is None:
            raise ConfigurationError("Cap: it caps nothing: give max_tokens, cost, or both")

    def check_fleet(self, fleet: Fleet, /) -> None:
        """Refuse routes that there are not, and endpoints of which nobody knows what they cost.

        Raises:
            ConfigurationError: naming them.
        """
        routes = {route.name: route for route in fleet.every_route}
        for name in sorted(self.routes or ()):
            if name not in routes:
                raise ConfigurationError(f"Cap: no route is named {name!r}; there are {', '.join(routes)}")
        if self.cost is None:
            return
        for route in routes.values():
            if self.routes is not None and route.name not in self.routes:
                continue
            for target in fleet.serving(route):
                if target.endpoint.price_in_per_m is None or target.endpoint.price_out_per_m is None:
                    raise ConfigurationError(
                        f"Cap: the cost of route {route.name!r} cannot be limited, since endpoint {target.name!r} has "
                        "no price: give it price_in_per_m and price_out_per_m"
                    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        if self.routes is not None and call.route.name not in self.routes:
            await next(call, emit)
            return
        most, cap = call.max_tokens, self.max_tokens
        if most is None:
            most = None if call.request.operation is EMBEDDING else cap  # of those nothing comes out to be capped
        elif cap is not None and cap < most:
            most = cap
        if self.cost is None:
            await next(call if most is call.max_tokens else replace(call, max_tokens=most), emit)
            return
        now_s, name = call.clock(), call.route.name
        spending = self._spending.get(name) or self._spending.setdefault(name, Spending(self.cost, now_s))
        prices = spending.prices
        if prices.targets is not call.candidates:
            prices = spending.prices = self._prices(call.candidates)
        tokens_out = sizes(call, now_s)[1] if most is None else most
        money = call.prompt_tokens * prices.highest_in + tokens_out * prices.highest_out
        reserved = spending.reserved + money
        if now_s < spending.ends_s and spending.spent + reserved < spending.silent_below:  # as it is for nearly all
            spending.reserved = reserved
        else:
            self._warn_or_refuse(call, self.cost, spending, money, now_s)
        bill = Bill(call, spending, most, tokens_out, money, prices.differ)
        try:
            await next(replace(call, max_tokens=most, witness=bill), emit)
        finally:
            bill.settle(call.clock())

    def _warn_or_refuse(self, call: Call, cost: CostLimit, spending: Spending, money: float, now_s: float) -> None:
        """Reserve what is more than can be taken without a word.

        Raises:
            CostLimitReached: it does not fit.
        """
        fits = spending.fits(money, now_s)
        for share in spending.passed_by(money):
            self._tell(call, cost, spending, share, now_s)
        if not fits:
            in_s = spending.ends_s - now_s
            raise CostLimitReached(
                f"route {call.route.name!r} may cost {cost.money:g} in {cost.window_s:g} s; {spending.spent:g} is "
                f"spent, {spending.reserved:g} reserved for running calls, and this one may cost {money:g}. "
                f"The next window begins in {in_s:.3f} s",
                opens_in_s=in_s,
            )
        spending.reserve(money)

    @staticmethod
    def _tell(call: Call, cost: CostLimit, spending: Spending, share: float, now_s: float) -> None:
        call.ledger.note(
            now_s, BY, "%.0f %% of the money of route %s is spent or reserved", 100 * share, call.route.name
        )
        if call.listeners:
            call.listeners.tell(
                CostThresholdPassed(
                    at_s=now_s,
                    call=call,
                    share=share,
                    spent=spending.spent,
                    reserved=spending.reserved,
                    money=cost.money,
                    ends_in_s=spending.ends_s - now_s,
                )
            )
