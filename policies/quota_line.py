"""Calls that wait for room in a rate limit.

One line for all credentials of a router, since a call may be content with any of several. The urgent come first, among
equals who came first. Nobody overtakes: what the first in line waits for, those behind it leave alone, however little
they need; but they pass it where they need nothing that it waits for.

Everything here but the waiting itself is synchronous, so room that was seen is room that is had. A call that was given
room counts as *on its way* until its attempt is sent and takes it from one credential or another.
"""

from __future__ import annotations

import asyncio
import math
from bisect import insort
from typing import TYPE_CHECKING

from .amounts import MOST, NOTHING, amounts_of, plus

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.target import Target
    from .allowance import Allowance
    from .amounts import Amounts, Asked
    from .credentials import Credentials

LOOK_AGAIN_S = 1.0
"""While somebody waits, it is seen at least this often what there is: vendors' words change what was expected."""


class _Waiter:
    """One in the line."""

    __slots__ = ("asked", "call", "given", "order", "until_s", "wake")

    def __init__(self, order: tuple[int, int], call: Call, asked: Asked, until_s: float) -> None:
        self.order = order
        """Urgency and number: who goes first."""
        self.call = call
        self.asked = asked
        self.until_s = until_s
        self.given: tuple[Target, ...] = ()
        """Candidates with room; none as long as it waits, or if it waited in vain."""
        self.wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __lt__(self, other: _Waiter) -> bool:
        return self.order < other.order


class QuotaLine:
    """The line of one router.

    credentials: whose room is waited for. longest: waiters at most, at least 0.
    line: those who wait, the first in front. calls_on_their_way: those that have room and have not taken it, but for
    *passing*: the last that was let pass, which nearly always is sent before anybody else asks.
    known: the allowances of endpoints. certain: what may pass without a look; nothing while there is a line.
    """

    __slots__ = (
        "_claimed", "_longest", "_on_its_way", "_seq", "_timer", "calls_on_their_way", "certain", "credentials",
        "known", "line", "passing",
    )  # fmt: skip

    def __init__(self, credentials: Credentials, longest: int) -> None:
        self.credentials = credentials
        self.known = credentials.known
        self.certain = credentials.certain
        self.passing: Asked | None = None
        self._longest = longest
        self.line: list[_Waiter] = []
        self._seq = 0
        self._timer: asyncio.TimerHandle | None = None
        self._claimed: set[Allowance] = set()
        """What those in line wait for; nobody else may have it."""
        self._on_its_way: Amounts = NOTHING
        self.calls_on_their_way = 0

    def __len__(self) -> int:
        return len(self.line)

    # -- on the way

    def begin(self, asked: Asked) -> None:
        """A call was given room, and will be sent."""
        self.certain.lost(1.0, asked[0] + asked[MOST])
        self._count(asked)

    def end(self, asked: Asked) -> None:
        """It was sent, and has taken its room, or it will not be."""
        if self.passing is asked:
            self.passing = None
            return
        self.calls_on_their_way -= 1
        self._on_its_way = plus(self._on_its_way, amounts_of(asked, MOST), -1.0) if self.calls_on_their_way else NOTHING

    def _count(self, asked: Asked) -> None:
        self._on_its_way = plus(self._on_its_way, amounts_of(asked, MOST))
        self.calls_on_their_way += 1

    def on_its_way(self) -> Amounts:
        """What those take who have room and have not taken it yet."""
        passing, self.passing = self.passing, None
        if passing is not None:
            self._count(passing)
        return self._on_its_way

    # -- who has room

    def lets_pass(self, call: Call, asked: Asked, now_s: float) -> bool:
        """Whether the call may go on as it is: nobody is before it, and all its candidates have room.

        If so, see how much that is, and it is on its way.
        """
        candidates = call.candidates
        if self.line or now_s < candidates[0].pulse.gated_until_s:
            return False
        calls = tokens = until_s = math.inf
        ahead, most = self.on_its_way(), asked[0] + asked[MOST]
        for allowance in self.credentials.among(candidates, now_s):
            calls_here, tokens_here, until_here_s = allowance.room(now_s)
            is_plenty = calls_here >= 1.0 + ahead[0] and tokens_here >= most + ahead[1] and now_s < until_here_s
            if not is_plenty:
                if not allowance.has_room(asked, now_s, ahead):
                    return False
                calls_here, tokens_here, until_here_s = allowance.room(now_s)
            calls, tokens, until_s = min(calls, calls_here), min(tokens, tokens_here), min(until_s, until_here_s)
        self.certain.seen(candidates, calls - ahead[0], tokens - ahead[1], now_s, until_s)
        self.begin(asked)
        return True

    def with_room(self, call: Call, asked: Asked, now_s: float) -> tuple[Target, ...]:
        """The call's candidates that may be asked, and have room now that nobody in line waits for."""
        credentials, ahead = self.credentials, self.on_its_way()
        room = {
            allowance
            for allowance in credentials.among(call.candidates, now_s)
            if allowance not in self._claimed and allowance.has_room(asked, now_s, ahead)
        }
        if not room:
            return ()
        return tuple(
            target
            for target in call.candidates
            if credentials.of(target, now_s) in room and target.opens_at_s(now_s) <= now_s
        )

    def ready_at_s(self, call: Call, asked: Asked, now_s: float) -> float:
        """When the first of its candidates will have room, after those in line before it; as it looks now."""
        credentials = self.credentials
        ready = {
            allowance: allowance.ready_at_s(asked, now_s, self._ahead(allowance, call.urgency, now_s))
            for allowance in credentials.among(call.candidates, now_s)
        }
        return min(max(ready[credentials.of(target, now_s)], target.opens_at_s(now_s)) for target in call.candidates)

    def _ahead(self, allowance: Allowance, rank: int, now_s: float) -> Amounts:
        """What those before a newcomer will take of *allowance*; who has several to choose from, a part of each."""
        ahead = NOTHING
        for waiter in self.line:
            if waiter.order[0] > rank:
                break
            among = self.credentials.among(waiter.call.candidates, now_s)
            if allowance in among:
                ahead = plus(ahead, allowance.amounts(waiter.asked), 1.0 / len(among))
        return ahead

    # -- waiting

    def may_wait(self, rank: int) -> bool:
        """Whether there is a place, or one that a less urgent call would have to leave."""
        return len(self.line) < self._longest or (bool(self.line) and self.line[-1].order[0] > rank)

    async def wait(self, call: Call, asked: Asked, until_s: float) -> tuple[Target, ...]:
        """Candidates with room, waited for until *until_s*; none if it was in vain. Who gets some is on its way."""
        if len(self.line) >= self._longest:
            self._leave(self.line[-1])
        self._seq += 1
        waiter = _Waiter((call.urgency, self._seq), call, asked, until_s)
        insort(self.line, waiter)
        self.certain.forget()  # nobody overtakes
        now_s = call.clock()
        timer = asyncio.get_running_loop().call_later(max(0.0, until_s - now_s), self._expire, waiter)
        self.let_in(now_s)
        try:
            await waiter.wake
        except BaseException:
            if waiter.given:  # given room and cancelled in one tick: it is free again
                self.end(asked)
            self._leave(waiter)
            self.let_in(call.clock())
            raise
        finally:
            timer.cancel()
        return waiter.given

    def let_in(self, now_s: float) -> None:
        """Give room to whom it is due."""
        if not self.line:
            return
        claimed = self._claimed = set()
        next_s = now_s + LOOK_AGAIN_S
        for waiter in tuple(self.line):
            if waiter.until_s <= now_s:
                self._leave(waiter)
                continue
            given = self.with_room(waiter.call, waiter.asked, now_s)
            if given:
                waiter.given = given
                self.begin(waiter.asked)
                self._leave(waiter)
                continue
            for allowance in self.credentials.among(waiter.call.candidates, now_s):
                if allowance not in claimed:
                    claimed.add(allowance)
                    next_s = min(next_s, self._look_again_s(allowance, waiter, now_s))
            if len(claimed) >= len(self.credentials):
                break
        self._look_again_at(next_s, now_s)

    def _look_again_s(self, allowance: Allowance, waiter: _Waiter, now_s: float) -> float:
        """When this one may have room for *waiter*. If it has and is closed, or others are on their way, not now."""
        ready_s = allowance.ready_at_s(waiter.asked, now_s, NOTHING)
        return ready_s if ready_s > now_s else now_s + LOOK_AGAIN_S

    def _look_again_at(self, at_s: float, now_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.line:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at_s - now_s), self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        if self.line:
            self.let_in(self.line[0].call.clock())

    def _expire(self, waiter: _Waiter) -> None:
        self._leave(waiter)
        self.let_in(waiter.call.clock())  # those behind may need less

    def _leave(self, waiter: _Waiter) -> None:
        """Out of the line; who is out already stays out."""
        if waiter in self.line:
            self.line.remove(waiter)
        if not waiter.wake.done():
            waiter.wake.set_result(None)
        if not self.line:
            self._claimed = set()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
