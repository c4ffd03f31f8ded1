"""A vendor that counts calls and tokens a minute by key, refuses what is too much, and says in headers what is left."""

from __future__ import annotations

import math
import random
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

import anyio

from paceline.router import Chunk, Rate, RateLimits, Usage
from paceline.router.errors import RateLimited
from paceline.router.simulation.simulated import OUTPUT_TOKENS

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from paceline.router import Call, Clock, Emit, Endpoint, Handler

MINUTE_S = 60.0


class Counter(Protocol):
    """How a vendor counts one rate."""

    limit: float
    used: float
    """All that was ever counted."""

    def left(self, now_s: float) -> float: ...

    def count(self, amount: float, now_s: float) -> None: ...

    def whole_in_s(self, now_s: float) -> float:
        """Seconds until the limit is whole again."""
        ...

    def fits_in_s(self, amount: float, now_s: float) -> float:
        """Seconds until so much fits."""
        ...


class Minutes:
    """Minutes on the vendor's clock, each with a limit of its own. *began_s*: into the first one."""

    def __init__(self, limit: float, began_s: float = 0.0) -> None:
        self.limit, self._began_s = limit, began_s
        self._minute, self._counted, self.used = 0, 0.0, 0.0

    def left(self, now_s: float) -> float:
        minute = int((now_s + self._began_s) // MINUTE_S)
        if minute != self._minute:
            self._minute, self._counted = minute, 0.0
        return self.limit - self._counted

    def count(self, amount: float, now_s: float) -> None:
        self.left(now_s)
        self._counted += amount
        self.used += amount

    def whole_in_s(self, now_s: float) -> float:
        return MINUTE_S - (now_s + self._began_s) % MINUTE_S

    def fits_in_s(self, amount: float, now_s: float) -> float:
        return 0.0 if self.left(now_s) >= amount else self.whole_in_s(now_s)


class Refilling:
    """A bucket of a minute's worth, refilled steadily."""

    def __init__(self, limit: float, began_s: float = 0.0) -> None:
        del began_s
        self.limit, self._level, self._at_s, self.used = limit, limit, 0.0, 0.0

    def left(self, now_s: float) -> float:
        self._level = min(self.limit, self._level + (now_s - self._at_s) * self.limit / MINUTE_S)
        self._at_s = now_s
        return self._level

    def count(self, amount: float, now_s: float) -> None:
        self.left(now_s)
        self._level -= amount
        self.used += amount

    def whole_in_s(self, now_s: float) -> float:
        return (self.limit - self.left(now_s)) / self.limit * MINUTE_S

    def fits_in_s(self, amount: float, now_s: float) -> float:
        return max(0.0, (amount - self.left(now_s)) / self.limit * MINUTE_S)


class Limited:
    """A `Provider` whose endpoints share one key.

    requests, tokens: how it counts. An answer takes the tokens that the request's metadata say; they are counted when
    it is over, the prompt when it is admitted.
    says_when, says_what_is_left: whether refusals have a Retry-After, and answers rate-limit headers.
    """

    def __init__(
        self,
        requests: Counter,
        tokens: Counter,
        dice: random.Random,
        *,
        ttft_s: float = 0.4,
        s_per_token: float = 0.01,
        says_when: bool = True,
        says_what_is_left: bool = False,
    ) -> None:
        self.requests, self.tokens = requests, tokens
        self._dice = dice
        self._ttft_s, self._s_per_token = ttft_s, s_per_token
        self._says_when, self._says_what_is_left = says_when, says_what_is_left
        self.attempts = 0
        self.refused = 0

    @property
    def name(self) -> str:
        """For reports."""
        return "limited"

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Nothing to open."""
        del clock
        return nullcontext(self)

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """Refuse, or answer."""
        await anyio.sleep(self._dice.uniform(0.01, 0.06))  # on the way there
        now_s = call.clock()
        self.attempts += 1
        wait_s = max(self.requests.fits_in_s(1.0, now_s), self.tokens.fits_in_s(call.prompt_tokens, now_s))
        if wait_s > 0.0:
            self.refused += 1
            self._tell(call, now_s)
            raise RateLimited("too many", endpoint=call.target.name, retry_after_s=wait_s if self._says_when else None)
        self.requests.count(1.0, now_s)
        self.tokens.count(call.prompt_tokens, now_s)
        self._tell(call, now_s)
        length = call.request.metadata[OUTPUT_TOKENS]
        assert isinstance(length, int)
        await anyio.sleep(self._ttft_s * self._dice.lognormvariate(0.0, 0.2))
        await emit(Chunk("ok"))
        await anyio.sleep(length * self._s_per_token)
        self.tokens.count(length, call.clock())
        usage = Usage(input_tokens=call.prompt_tokens, output_tokens=length)
        await emit(Chunk(finish_reason="stop", usage=usage))

    def _tell(self, call: Call, now_s: float) -> None:
        if not self._says_what_is_left or call.attempt is None:
            return
        call.attempt.headers_s = now_s
        call.attempt.rate_limits = RateLimits(requests=said(self.requests, now_s), tokens=said(self.tokens, now_s))


def said(counter: Counter, now_s: float) -> Rate:
    """A counter as headers tell it."""
    left = max(0, math.floor(counter.left(now_s)))
    return Rate(limit=int(counter.limit), remaining=left, resets_in_s=counter.whole_in_s(now_s))
