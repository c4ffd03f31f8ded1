"""A fleet under steady traffic on a clock of its own, told to its statistics without a call being made.

Ten endpoints, prompts of four classes in turn, speeds and lengths as in real traces: so a minute of a thousand calls a
second is played in a few seconds, and every run is the same.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import suppress

from msgspec.structs import replace

from paceline.providers import Simulated
from paceline.router import (
    Attempt,
    Call,
    Chunk,
    Emit,
    Endpoint,
    Handler,
    Ledger,
    Objective,
    Outcome,
    Priority,
    Profile,
    Request,
    Route,
    Router,
    Usage,
    WindowShape,
)
from paceline.router.errors import PolicyFailed
from paceline.router.statistics.size_class import octave_of

CLASSES = (150, 600, 2500, 10_000)
"""Tokens of prompts, each of a class of its own."""

TTFT_S, S_PER_TOKEN, TOKENS = 0.3, 0.02, 129

OUTER_LAYERS_S = 0.000_02
"""A call has been under way for so long when a policy judges it."""

SHAPE = WindowShape()
WINDOW_S = SHAPE.periods * SHAPE.period_s


class Catch:
    """A policy that keeps the first call it sees, as the router made it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call, _emit: Emit, _next: Handler, /) -> None:
        """Keep it, and answer nothing."""
        self.calls.append(call)


async def heard(_chunk: Chunk, /) -> None:
    """The caller."""


class Steady:
    """Endpoints that answer at a steady rate. The load is spread evenly.

    now_s: the time; move it on as you like.
    """

    def __init__(self, endpoints: int, priority: Priority = Priority.TTFT) -> None:
        self.now_s = 1000.0
        provider, profile = Simulated(), Profile(ttft_s=TTFT_S)
        given = [Endpoint(name=f"e{n}", provider=provider, model="m", profile=profile) for n in range(endpoints)]
        route = Route(name="chat", models="m", priority=priority, objective=Objective(ttft_s=1.0, total_s=15.0))
        catch = Catch()
        router = Router(given, [route], [catch], clock=self.clock, window=SHAPE)
        self._requests = {tokens: Request(messages="hello", prompt_tokens=tokens) for tokens in CLASSES}
        asyncio.run(_ask(router, self._requests[CLASSES[0]]))
        self._call = catch.calls[0]
        self.fleet = router.fleet
        self.targets = tuple(router.fleet)
        self._learned = {target.name: target.learned for target in self.targets}
        self._dice = random.Random(1)
        self._turns = itertools.cycle(self.targets)

    def clock(self) -> float:
        """The time."""
        return self.now_s

    def call(self, tokens: int) -> Call:
        """A call that arrives now, with a prompt of so many tokens."""
        return replace(
            self._call,
            request=self._requests[tokens],
            prompt_tokens=tokens,
            size=octave_of(tokens),
            deadline_s=self.now_s + 60.0,
            start_by_s=self.now_s + 60.0,
            ledger=Ledger(self.now_s - OUTER_LAYERS_S, streamed=True),
        )

    def attempt(self, tokens: int) -> Attempt:
        """An attempt that has just ended well, with all its marks, at the endpoint whose turn it is."""
        dice, target = self._dice, next(self._turns)
        length = max(2, round(TOKENS * dice.lognormvariate(0.0, 0.9)))
        ttft_s = TTFT_S * (1.0 + tokens / 4000.0) * dice.lognormvariate(0.0, 0.25)
        generation_s = length * S_PER_TOKEN * dice.lognormvariate(0.0, 0.1)
        first_s = self.now_s - generation_s
        return Attempt(
            endpoint=target.endpoint,
            number=1,
            sent_s=first_s - ttft_s,
            size=octave_of(tokens),
            in_flight=dice.randint(1, 20),
            first_progress_s=first_s,
            last_progress_s=self.now_s,
            finished_s=self.now_s,
            longest_gap_s=3.0 * S_PER_TOKEN,
            usage=Usage(output_tokens=length),
            finish_reason="stop",
            outcome=Outcome.OK,
        )

    def record(self, attempt: Attempt) -> None:
        """Tell the statistics all there is to tell of an attempt, as `dispatch` does."""
        learned = self._learned[attempt.endpoint.name]
        learned.sent(attempt)
        learned.spoke(attempt, attempt.first_progress_s or 0.0)
        learned.finished(attempt, attempt.finished_s or 0.0, blame=False)

    def sizes(self, calls: int) -> Iterator[int]:
        """Tokens of so many prompts, the classes at random."""
        return (self._dice.choice(CLASSES) for _ in range(calls))

    def play(self, seconds: float, rate_per_s: float) -> None:
        """Attempts at a steady rate."""
        lengths = self.fleet.lengths["chat"]
        for size in self.sizes(round(seconds * rate_per_s)):
            self.now_s += 1.0 / rate_per_s
            attempt = self.attempt(size)
            self.record(attempt)
            if attempt.usage is not None and attempt.usage.output_tokens is not None:
                lengths.record(attempt.usage.output_tokens, self.now_s, cut_off=False)


async def _ask(router: Router, request: Request) -> None:
    async with router:
        with suppress(PolicyFailed):  # no answer comes
            await router.send(request, heard)
