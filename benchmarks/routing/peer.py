"""Another product: a rule that chooses, what it does after a failure, and whom it leaves alone for a while.

Each has of these what it ships with, so that what is compared is routing and not the lack of a retry. None is kept to
a budget of retries, and none hedges: no product that was looked at does, for language models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from paceline.router.errors import AttemptFailed, RateLimited

from .world import planned_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from paceline.router import Call, Chunk, Emit, Handler

    from .rules import Rule

TRIES = 3
"""In all: LiteLLM's default of two retries, which everybody gets."""


class Outs(Protocol):
    """Whom to leave alone."""

    def is_out(self, name: str, now_s: float, /) -> bool:
        """Whether *name* is left alone now."""
        ...

    def ended(self, name: str, failure: AttemptFailed | None, now_s: float, /) -> None:
        """A call there is over, well or not."""
        ...


class Nobody:
    """Nobody is left alone."""

    def is_out(self, name: str, now_s: float, /) -> bool:
        """As `Outs`."""
        del name, now_s
        return False

    def ended(self, name: str, failure: AttemptFailed | None, now_s: float, /) -> None:
        """As `Outs`."""


class Cooldown:
    """LiteLLM's: five seconds, or its Retry-After, at each 429, and when over half of this minute's calls have failed.

    That is of five or more. The minute is the clock's. Source: LiteLLM 1.106.2, router_utils/cooldown_handlers.py.
    """

    FOR_S = 5.0
    FEWEST = 5
    ABOVE = 0.5

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}
        self._ended: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._failed: defaultdict[tuple[str, int], int] = defaultdict(int)

    def is_out(self, name: str, now_s: float, /) -> bool:
        """As `Outs`."""
        return now_s < self._until_s.get(name, 0.0)

    def ended(self, name: str, failure: AttemptFailed | None, now_s: float, /) -> None:
        """As `Outs`."""
        minute = (name, int(now_s // 60.0))
        self._ended[minute] += 1
        if failure is None:
            return
        self._failed[minute] += 1
        often = self._ended[minute] >= self.FEWEST and self._failed[minute] > self.ABOVE * self._ended[minute]
        if often or isinstance(failure, RateLimited):
            self._until_s[name] = now_s + (failure.retry_after_s or self.FOR_S)


class FailureAccrual:
    """Finagle's: five failures in a row, five seconds, then twice as long each time, up to five minutes.

    The next call after that is the trial. Finagle's and Envoy's defaults differ in detail; this is the former's.
    """

    FAILURES = 5
    FIRST_S, LONGEST_S = 5.0, 300.0

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}
        self._row: defaultdict[str, int] = defaultdict(int)
        self._times: defaultdict[str, int] = defaultdict(int)

    def is_out(self, name: str, now_s: float, /) -> bool:
        """As `Outs`."""
        return now_s < self._until_s.get(name, 0.0)

    def ended(self, name: str, failure: AttemptFailed | None, now_s: float, /) -> None:
        """As `Outs`."""
        if failure is None:
            self._row[name] = self._times[name] = 0
            return
        self._row[name] += 1
        if self._row[name] >= self.FAILURES and not self.is_out(name, now_s):
            self._until_s[name] = now_s + min(self.LONGEST_S, self.FIRST_S * 2.0 ** self._times[name])
            self._times[name] += 1


class Peer:
    """A policy that chooses by a rule, and tries again elsewhere, at once, after a failure.

    avoids_tried: whether another try leaves out who failed this call; LiteLLM's does not.
    """

    def __init__(self, rule: Rule, outs: Outs | None = None, *, avoids_tried: bool = True) -> None:
        self.rule = rule
        self._outs: Outs = outs or Nobody()
        self._avoids_tried = avoids_tried

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """As `Policy`."""
        tried: set[str] = set()
        for left in reversed(range(TRIES)):
            now_s = call.clock()
            name = self.rule.choose(self._able(call, tried, now_s), planned_of(call), now_s, call.dice)
            tried.add(name)
            try:
                await self._sent(call, name, emit, next)
            except AttemptFailed:
                if not left or call.ledger.committed:
                    raise
            else:
                return

    def _able(self, call: Call, tried: set[str], now_s: float) -> Sequence[str]:
        every = [target.name for target in call.candidates]
        fresh = [name for name in every if name not in tried] if self._avoids_tried else every
        well = [name for name in fresh if not self._outs.is_out(name, now_s)]
        return well or fresh or every

    async def _sent(self, call: Call, name: str, emit: Emit, next: Handler) -> None:
        began_s, clock, rule = call.clock(), call.clock, self.rule
        target = {target.name: target for target in call.candidates}[name]
        ttft_s: float | None = None

        def heard(chunk: Chunk) -> Awaitable[None]:
            nonlocal ttft_s
            if ttft_s is None:
                ttft_s = clock() - began_s
                rule.spoke(name, ttft_s, clock())
            return emit(chunk)

        rule.sent(name, began_s)
        failure: AttemptFailed | None = None
        failed = True
        try:
            await next(call.with_(candidates=(target,)), heard)
            failed = False
        except AttemptFailed as error:
            failure = error
            raise
        finally:
            now_s = clock()
            rule.ended(name, ttft_s, now_s - began_s, now_s, failed=failed)
            self._outs.ended(name, failure, now_s)
