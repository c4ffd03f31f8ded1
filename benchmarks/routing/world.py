"""The vendors of a run: their endpoints are `Server` objects, and calls meet their `Fates` there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

import msgspec

from paceline.router import Chunk, Endpoint, Limits, Usage
from paceline.router.errors import ProviderError, RateLimited

from .fate import FAILING, Fates
from .fleets import MODEL
from .server import Server, Service
from .traffic import CALL, Planned

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from paceline.router import Call, Clock, Emit, Handler
    from paceline.router.errors import AttemptFailed

    from .measured import Measured
    from .troubles import Scenario

MINUTE_S = 60.0

PIECE_S = 1.0
"""An answer is sent in pieces, of what was written in this time. Real ones are smaller; these are enough to see a pace,
and a run has fewer events."""

CHARACTERS = "four"
"""Of each token."""


class Meeting(msgspec.Struct, frozen=True):
    """What a call would meet at an endpoint if it were sent there now.

    fails_in_s: seconds until it fails; None if it does not. ttft_s, total_s: from now, the wait for a seat included.
    """

    fails_in_s: float | None
    ttft_s: float
    total_s: float


class Vendor:
    """A `Provider`: the part of a world that is of one name. One object serves one router."""

    def __init__(self, name: str, answer: Handler) -> None:
        self._name = name
        self._answer = answer

    @property
    def name(self) -> str:
        """The vendor's."""
        return self._name

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Nothing to open. The run begins at 0 on the clock."""
        del clock
        return nullcontext(self._answer)


class World:
    """All endpoints of one run, for one router."""

    def __init__(self, scenario: Scenario, known: Measured, seed: int) -> None:
        sites = list(scenario.fleet.sites)
        self.scenario = scenario
        self.known = known
        self.fates = Fates(seed, sites, known, scenario.fleet.seconds)
        self.servers = {site.name: Server(site, known.round_trip_s[site.region], scenario.troubles) for site in sites}
        self._tries: dict[tuple[int, str], int] = defaultdict(int)
        self._counted: dict[int, int] = defaultdict(int)
        self.attempts = 0

    # -- as a router sees it

    def endpoints(self) -> list[Endpoint]:
        """As a router is given them: nothing is told of how fast they are, nor how many seats they have."""
        vendors = {site.provider: Vendor(site.provider, self.answer) for site in self.scenario.fleet.sites}
        return [
            Endpoint(
                name=site.name,
                provider=vendors[site.provider],
                model=MODEL,
                region=site.region,
                limits=Limits(gap_s=None),  # how slow an answer may be is for the policies to say, and the budget
            )
            for site in self.scenario.fleet.sites
        ]

    async def answer(self, call: Call, emit: Emit, /) -> None:
        """Answer, or fail."""
        name, planned = call.target.name, planned_of(call)
        at_s, server = call.clock(), self.servers[name]
        tries = self._tries[planned.number, name]
        self._tries[planned.number, name] += 1
        self.attempts += 1
        fate = self.fates.of(planned, name, tries)
        failure = self._failure(name, fate.luck, at_s)
        if failure is not None:
            error, in_s = failure
            await asyncio.sleep(in_s)
            raise error
        likely = server.service(fate, planned.answer_tokens, self.fates.level(name, at_s), at_s, server.site.seats)
        await server.seat(likely.total_s)
        now_s = call.clock()
        service = self._service(server, planned, tries, now_s, server.serving)
        who = object()
        server.begin(who, now_s + service.total_s)
        try:
            await asyncio.sleep(service.first_s)
            written = 1
            await emit(Chunk(CHARACTERS))
            while (left_s := now_s + service.total_s - call.clock()) > PIECE_S:
                await asyncio.sleep(PIECE_S)
                done = 1.0 - (left_s - PIECE_S) / (service.total_s - service.first_s)
                tokens = 1 + int(done * (planned.answer_tokens - 1))
                if tokens > written:
                    await emit(Chunk((tokens - written) * CHARACTERS))
                    written = tokens
            await asyncio.sleep(left_s)
            usage = Usage(input_tokens=planned.prompt_tokens, output_tokens=planned.answer_tokens)
            rest = max(1, planned.answer_tokens - written) * CHARACTERS
            await emit(Chunk(rest, finish_reason="stop", usage=usage))
        finally:
            server.leave(who)

    # -- as an oracle sees it

    def meeting(self, planned: Planned, name: str, at_s: float) -> Meeting:
        """What a call would meet there, every chance known."""
        server, tries = self.servers[name], self._tries[planned.number, name]
        failure = self._failure(name, self.fates.of(planned, name, tries).luck, at_s, counted=False)
        wait_s = server.seat_in_s(at_s)
        service = self._service(server, planned, tries, at_s + wait_s, server.serving_then())
        return Meeting(None if failure is None else failure[1], wait_s + service.first_s, wait_s + service.total_s)

    def chance_of_failing(self, name: str, at_s: float) -> tuple[float, float]:
        """Share of calls that fail there now, and the seconds each takes to."""
        server = self.servers[name]
        if self._is_used_up(name, at_s):
            return 1.0, server.round_trip_s
        trouble = server.failing(at_s)
        if trouble is None:
            return FAILING, server.round_trip_s
        return max(FAILING, trouble.failing), server.round_trip_s + trouble.after_s

    # -- inside

    def _service(self, server: Server, planned: Planned, tries: int, at_s: float, serving: int) -> Service:
        fate = self.fates.of(planned, server.site.name, tries)
        return server.service(fate, planned.answer_tokens, self.fates.level(server.site.name, at_s), at_s, serving)

    def _failure(
        self, name: str, luck: float, at_s: float, *, counted: bool = True
    ) -> tuple[AttemptFailed, float] | None:
        """The error that a call sent now meets, and after how long; None if it is answered."""
        server = self.servers[name]
        if self._is_used_up(name, at_s):
            left_s = MINUTE_S - at_s % MINUTE_S
            return RateLimited("used up", endpoint=name, retry_after_s=left_s), server.round_trip_s
        if counted and self._is_counted(name):
            self._counted[int(at_s // MINUTE_S)] += 1
        trouble = server.failing(at_s)
        if trouble is not None and luck < trouble.failing:
            return trouble.error("in trouble", endpoint=name), server.round_trip_s + trouble.after_s
        if luck < FAILING:
            return ProviderError("by chance", endpoint=name), server.round_trip_s
        return None

    def _is_counted(self, name: str) -> bool:
        allowance = self.scenario.allowance
        return allowance is not None and name in allowance.at

    def _is_used_up(self, name: str, at_s: float) -> bool:
        allowance = self.scenario.allowance
        if allowance is None or name not in allowance.at:
            return False
        return self._counted[int(at_s // MINUTE_S)] >= allowance.per_min


def planned_of(call: Call) -> Planned:
    """The planned call behind a call."""
    return cast("Planned", call.request.metadata[CALL])
