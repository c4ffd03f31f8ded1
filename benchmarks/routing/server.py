"""One simulated endpoint: its seats, its queue, and what it would do with a call that came now.

A call takes a seat, or waits for one in order of arrival. How fast it is served hangs on how many are being served when
it begins, as in vLLM: what that does to the first token and to each further one is the published curve of `Behaviour`.
Since all is settled as a call begins, what a new one would meet can be told beforehand; the oracles ask for it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from paceline.router.simulation import Behaviour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .fate import Fate
    from .fleets import Site
    from .troubles import Trouble


class Service(msgspec.Struct, frozen=True):
    """How a call is served once it has a seat: seconds to the first token, the way there included, and to the end."""

    first_s: float
    total_s: float


class Server:
    """One endpoint, live. *began_s* of the run is 0 on its clock."""

    def __init__(self, site: Site, round_trip_s: float, troubles: Sequence[Trouble]) -> None:
        self.site = site
        self.round_trip_s = round_trip_s
        self._troubles = [trouble for trouble in troubles if site.name in trouble.at]
        alone = Behaviour(ttft_s=1.0, tokens_per_s=1.0, knee=site.knee)
        seats = range(site.seats + 1)
        self._first = [alone.ttft_under_load(calls) for calls in seats]
        self._per_token = [alone.s_per_token_under_load(calls) for calls in seats]
        self._ends: dict[object, float] = {}
        self._waiting: deque[tuple[asyncio.Future[None], float]] = deque()
        self._given = 0

    @property
    def serving(self) -> int:
        """Calls that have a seat."""
        return len(self._ends) + self._given

    @property
    def in_flight(self) -> int:
        """Calls here, those that wait included."""
        return self.serving + len(self._waiting)

    # -- what is asked of it

    def failing(self, at_s: float) -> Trouble | None:
        """The trouble that makes calls fail now."""
        on = (trouble for trouble in self._troubles if trouble.failing and trouble.is_on(self.site.name, at_s))
        return max(on, key=lambda trouble: trouble.failing, default=None)

    def service(self, fate: Fate, tokens: int, level: float, at_s: float, serving: int) -> Service:
        """How a call is served that takes a seat now, as one of *serving*.

        level: the endpoint's own, of the moment.
        """
        ttft = tpot = 1.0
        for trouble in self._troubles:
            if trouble.is_on(self.site.name, at_s):
                ttft *= trouble.ttft
                tpot *= trouble.tpot
        first_s = fate.first_s * level * ttft * self._first[serving] + fate.straggles_s + self.round_trip_s
        return Service(first_s, first_s + (tokens - 1) * fate.per_token_s * tpot * self._per_token[serving])

    def seat_in_s(self, at_s: float) -> float:
        """Seconds until a call that came now would have a seat."""
        if self.in_flight < self.site.seats:
            return 0.0
        ends = list(self._ends.values())
        heapq.heapify(ends)
        for _, service_s in self._waiting:
            heapq.heappush(ends, max(at_s, heapq.heappop(ends)) + service_s)
        return max(0.0, ends[0] - at_s)

    def serving_then(self) -> int:
        """Calls being served, the new one included, once a call that came now has its seat."""
        return min(self.in_flight + 1, self.site.seats)

    # -- what is done to it

    async def seat(self, likely_s: float) -> None:
        """Wait for a seat. *likely_s*: how long it will be held, for those who ask meanwhile."""
        if self.in_flight < self.site.seats:
            self._given += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (turn, likely_s)
        self._waiting.append(place)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._given -= 1
                self._next()
            else:
                self._waiting.remove(place)
            raise

    def begin(self, who: object, ends_s: float) -> None:
        """Whoever has been given a seat takes it, until an instant."""
        self._given -= 1
        self._ends[who] = ends_s

    def leave(self, who: object) -> None:
        """The seat is free, at its end or before."""
        del self._ends[who]
        self._next()

    def _next(self) -> None:
        while self._waiting:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                self._given += 1
                turn.set_result(None)
                return
