"""The run: every call when it is due, and a record of each. Cancelled, it leaves the records of what had ended."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import attrs

from ...router import Request, Router, WindowShape
from ...router.errors import PacelineError
from ..suited import suited
from .aim import AIM, Aim
from .prompt import prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router import Attempt, Clock, Endpoint
    from .plan import Due, Plan

PERIODS = 12


@attrs.frozen(kw_only=True)
class Record:
    """What came of one call. Seconds; None: not known, or never reached.

    at_s: when it was due, from the start. late_s: how much later it went out, since too many were in flight.
    ttft_s, total_s: from going out. tokens_per_s: once it spoke. connect_s: to open a connection, None on a pooled one.
    failure: in a word; None for an answer. told: the same in the error's own words.
    """

    endpoint: str
    at_s: float
    late_s: float
    ttft_s: float | None = None
    total_s: float | None = None
    tokens_per_s: float | None = None
    connect_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    failure: str | None = None
    told: str | None = attrs.field(default=None, repr=False)


class Lane:
    """One endpoint on its way through the run."""

    def __init__(self, endpoint: Endpoint, at_once: int) -> None:
        self.endpoint = endpoint
        self.records: list[Record] = []
        self.in_flight = 0
        self.places = asyncio.Semaphore(at_once)

    @property
    def failed(self) -> int:
        """Calls that had no answer."""
        return sum(record.failure is not None for record in self.records)


class Bench:
    """One run.

    endpoints: at least one. plan: what is sent. clock: seconds, monotonic, the event loop's own. Default
    `time.monotonic`.
    """

    def __init__(self, endpoints: Sequence[Endpoint], plan: Plan, clock: Clock = time.monotonic) -> None:
        self.plan = plan
        self._clock = clock
        self.lanes = {each.name: Lane(each, plan.at_once) for each in endpoints}
        whole_s = plan.seconds + plan.timeout_s
        self.router = Router(
            endpoints,
            policies=[Aim()],
            clock=clock,
            window=WindowShape(periods=PERIODS, period_s=max(1.0, 1.1 * whole_s / (PERIODS - 1))),
            grace_s=0.0,
        )
        """Its windows outlast the run, so that nothing of it is missing in its snapshot."""

    async def run(self) -> None:
        """Make every call, and wait for the last."""
        async with self.router, asyncio.TaskGroup() as calls:
            began_s = self._clock()
            for due in self.plan.schedule(list(self.lanes)):
                await asyncio.sleep(began_s + due.at_s - self._clock())
                calls.create_task(self._call(due, began_s + due.at_s))

    async def _call(self, due: Due, due_s: float) -> None:
        lane = self.lanes[due.endpoint]
        async with lane.places:
            lane.in_flight += 1
            try:
                lane.records.append(await self._made(due, lane.endpoint, max(0.0, self._clock() - due_s)))
            finally:
                lane.in_flight -= 1

    async def _made(self, due: Due, endpoint: Endpoint, late_s: float) -> Record:
        try:
            answer = await self.router.complete(self._request(due, endpoint))
        except PacelineError as error:
            return _failed(due, late_s, error)
        return _record(due, late_s, answer.attempts[0])

    def _request(self, due: Due, endpoint: Endpoint) -> Request:
        plan = self.plan
        text = prompt(plan.prompt_tokens, seed=plan.seed, number=due.number)
        asked = Request(
            messages=text,
            model=endpoint.model,
            budget_s=plan.timeout_s,
            prompt_tokens=plan.prompt_tokens,
            max_tokens=plan.max_tokens,
            expected_tokens=plan.max_tokens,
            metadata={AIM: endpoint.name},
        )
        return suited(asked, text, endpoint.operations)


def _record(due: Due, late_s: float, attempt: Attempt) -> Record:
    usage = attempt.usage
    return Record(
        endpoint=due.endpoint,
        at_s=due.at_s,
        late_s=late_s,
        ttft_s=attempt.ttft_s,
        total_s=attempt.total_s,
        tokens_per_s=attempt.tokens_per_s,
        connect_s=attempt.connect_s,
        input_tokens=None if usage is None else usage.input_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
    )


def _failed(due: Due, late_s: float, error: PacelineError) -> Record:
    return Record(endpoint=due.endpoint, at_s=due.at_s, late_s=late_s, failure=error.reason, told=str(error))
