"""Calls that wait for room in a rate limit.

One line for all credentials of a router, since a call may be content with any of several. The urgent come first, among
equals who came first. Nobody overtakes: what the first in line waits for, those behind it leave alone, however little
they need; but they pass it where they need nothing that it waits for.

Everything here but the waiting itself is synchronous, so room that was seen is room that is had. A call that was given
room counts as *on its way* until its attempt is sent and takes it from one credential or another.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from typing import TYPE_CHECKING

from .amounts import NOTHING, plus

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

    longest: waiters at most, at least 0.
    """

    __slots__ = ("_claimed", "_credentials", "_line", "_longest", "_on_its_way", "_seq", "_timer", "calls_on_their_way")

    def __init__(self, credentials: Credentials, longest: int) -> None:
        self._credentials = credentials
        self._longest = longest
        self._line: list[_Waiter] = []
        self._seq = 0
        self._timer: asyncio.TimerHandle | None = None
        self._claimed: set[Allowance] = set()
        """What those in line wait for; nobody else may have it."""
        self._on_its_way: Amounts = NOTHING
        self.calls_on_their_way = 0

    def __len__(self) -> int:
        return len(self._line)

    # -- on the way

    def begin(self, asked: Asked) -> None:
        """A call was given room, and will be sent."""
        self._on_its_way = plus(self._on_its_way, asked[1]) if self.calls_on_their_way else asked[1]
        self.calls_on_their_way += 1

    def end(self, asked: Asked) -> None:
        """It was sent, and has taken its room, or it will not be."""
        self.calls_on_their_way -= 1
        self._on_its_way = plus(self._on_its_way, asked[1], -1.0) if self.calls_on_their_way else NOTHING

    # -- who has room

    def with_room(self, call: Call, asked: Asked, now_s: float) -> tuple[Target, ...]:
        """The call's candidates that may be asked, and have room now that nobody in line waits for."""
        credentials = self._credentials
        room = {
            allowance
            for allowance in credentials.among(call.candidates, now_s)
            if allowance not in self._claimed and allowance.has_room(asked, now_s, self._on_its_way)
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
        credentials = self._credentials
        ready = {
            allowance: allowance.ready_at_s(asked, now_s, self._ahead(allowance, call.urgency, now_s))
            for allowance in credentials.among(call.candidates, now_s)
        }
        return min(max(ready[credentials.of(target, now_s)], target.opens_at_s(now_s)) for target in call.candidates)

    def _ahead(self, allowance: Allowance, rank: int, now_s: float) -> Amounts:
        """What those before a newcomer will take of *allowance*; who has several to choose from, a part of each."""
        ahead = NOTHING
        for waiter in self._line:
            if waiter.order[0] > rank:
                break
            among = self._credentials.among(waiter.call.candidates, now_s)
            if allowance in among:
                ahead = plus(ahead, allowance.amounts(waiter.asked), 1.0 / len(among))
        return ahead

    # -- waiting

    def may_wait(self, rank: int) -> bool:
        """Whether there is a place, or one that a less urgent call would have to leave."""
        return len(self._line) < self._longest or (bool(self._line) and self._line[-1].order[0] > rank)

    async def wait(self, call: Call, asked: Asked, until_s: float) -> tuple[Target, ...]:
        """Candidates with room, waited for until *until_s*; none if it was in vain. Who gets some is on its way."""
        if len(self._line) >= self._longest:
            self._leave(self._line[-1])
        self._seq += 1
        waiter = _Waiter((call.urgency, self._seq), call, asked, until_s)
        insort(self._line, waiter)
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
        if not self._line:
            return
        claimed = self._claimed = set()
        next_s = now_s + LOOK_AGAIN_S
        for waiter in tuple(self._line):
            if waiter.until_s <= now_s:
                self._leave(waiter)
                continue
            given = self.with_room(waiter.call, waiter.asked, now_s)
            if given:
                waiter.given = given
                self.begin(waiter.asked)
                self._leave(waiter)
                continue
            for allowance in self._credentials.among(waiter.call.candidates, now_s):
                if allowance not in claimed:
                    claimed.add(allowance)
                    next_s = min(next_s, self._look_again_s(allowance, waiter, now_s))
            if len(claimed) >= len(self._credentials):
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
        if self._line:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at_s - now_s), self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        if self._line:
            self.let_in(self._line[0].call.clock())

    def _expire(self, waiter: _Waiter) -> None:
        self._leave(waiter)
        self.let_in(waiter.call.clock())  # those behind may need less

    def _leave(self, waiter: _Waiter) -> None:
        """Out of the line; who is out already stays out."""
        if waiter in self._line:
            self._line.remove(waiter)
        if not waiter.wake.done():
            waiter.wake.set_result(None)
        if not self._line:
            self._claimed = set()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
