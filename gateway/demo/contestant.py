"""The two routers, and how one call of the plan is made through one of them.

Both are the same `Router`, over the same nine endpoints, so neither is slower by its machinery. Round robin takes
turns among the three regions of the model that the route asks for, as a plain load balancer does, and that is all.
Paceline has the whole stack and the routes' whole chains of models.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from ...policies import RoundRobin, stacks
from ...router import HistoryShape, Limits, Request, Router, WindowShape
from ...router.errors import AttemptFailed, CallError
from .published import ROUND_TRIP_S
from .scene import HERE, ROUTES, endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...router import Ledger
    from .traffic import PlannedCall

ROUND_ROBIN = "round_robin"
PACELINE = "paceline"
TITLES = {ROUND_ROBIN: "round robin", PACELINE: "Paceline"}

WINDOWS_A_RUN = 20.0
"""A run is so short that windows of a minute would outlast it: each period is this part of the run."""

START_WITHIN_S = 0.5
"""Set for the 0.8 s that the chat promises; the default is 2 s. By the published tables, 97 % of the chat's first
model (farthest region) to 99 % (nearest) have begun by then when idle, and of those left for the second model, 62 % to
93 % still begin in time."""

FIRST_TOKEN_WITHIN_S = 4.0
"""When an endpoint of the last model is given up for another one: a straggler, with 15 s or more to answer in."""

FILLER = "word "
"""Said over and over: prompts are as long on the wire as the plan says."""


@attrs.frozen(kw_only=True)
class Record:
    """What came of one call. Seconds as its caller saw them, from the instant it was to arrive.

    ttft_s: None for a call that failed, and for an answer without a word. tokens: of the answer, where it was told.
    failure: what it failed of, one word; None for an answer. story: every attempt and decision, in words.
    """

    call: PlannedCall
    endpoint: str | None
    ttft_s: float | None
    total_s: float
    tokens: int | None
    retries: tuple[str, ...]
    fallbacks: int
    failure: str | None
    story: str = attrs.field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether it was answered to the end."""
        return self.failure is None


def round_robin(ports: Mapping[str, int], *, seed: int) -> Router:
    """Turns among the regions of the model asked for. No second try, no second model."""
    first_choices = [attrs.evolve(route, models=route.models[0]) for route in ROUTES]
    return Router(
        endpoints(ports, Limits()), first_choices, [RoundRobin()], dice=random.Random(f"{seed}/{ROUND_ROBIN}")
    )


def paceline(ports: Mapping[str, int], *, seed: int, seconds: float) -> Router:
    """The whole stack, with its defaults but for the time that a model, and an endpoint, has to start.

    The distances are configured, not measured: what a router measures is the time to open a connection, and on
    loopback that is nothing, whatever the servers then make it wait. So `Regions` is not told where it runs, and
    takes the table for a caller in us-east.
    """
    return Router(
        endpoints(ports, Limits(first_token_s=FIRST_TOKEN_WITHIN_S)),
        ROUTES,
        stacks.interactive(rtt_s=ROUND_TRIP_S, start_within_s=START_WITHIN_S),
        dice=random.Random(f"{seed}/{PACELINE}"),
        window=WindowShape(periods=6, period_s=max(0.5, seconds / WINDOWS_A_RUN)),
        history=HistoryShape(period_s=max(1.0, seconds / WINDOWS_A_RUN)),
    )


def request(call: PlannedCall) -> Request:
    """The call as a client sends it. The metadata tells the servers of the demo whose fate to draw."""
    return Request(
        messages=prompt(call.prompt_tokens),
        route=call.route,
        location=HERE,
        params={"metadata": {"call": str(call.number), "answer_tokens": str(call.answer_tokens)}},
    )


def prompt(tokens: int) -> str:
    """So many tokens of text, at four characters each."""
    characters = tokens * 4
    return (FILLER * (characters // len(FILLER) + 1))[:characters]


async def make(call: PlannedCall, router: Router, *, due_s: float, clock: Callable[[], float]) -> Record:
    """Make one call that was to arrive at *due_s* on *clock*, and tell what came of it."""
    first_s: float | None = None
    stream = router.stream(request(call))
    try:
        async with stream as chunks:
            async for chunk in chunks:
                if first_s is None and chunk.is_progress:
                    first_s = clock()
    except CallError as error:
        return _failed(call, error, total_s=clock() - due_s)
    total_s = clock() - due_s
    answer = stream.answer
    return Record(
        call=call,
        endpoint=answer.endpoint,
        ttft_s=None if first_s is None else first_s - due_s,
        total_s=total_s,
        tokens=answer.usage.output_tokens,
        retries=answer.retries,
        fallbacks=len(answer.fallbacks),
        failure=None,
        story=answer.story(),
    )


def _failed(call: PlannedCall, error: CallError, *, total_s: float) -> Record:
    ledger: Ledger | None = error.ledger
    reason = error.reason if isinstance(error, AttemptFailed) else type(error).__name__
    return Record(
        call=call,
        endpoint=None,
        ttft_s=None,
        total_s=total_s,
        tokens=None,
        retries=() if ledger is None else tuple(ledger.retries),
        fallbacks=0 if ledger is None else len(ledger.models_left),
        failure=reason,
        story="\n".join([*map(str, error.decisions), *map(str, error.attempts), str(error)]),
    )
