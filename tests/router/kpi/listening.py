"""Traffic through a router in virtual time, and the rows of its calls as a history would make them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from paceline.router import CallEnded, CallOutcome, Endpoint, Event, Listener, Policy, Request, Route, Router
from paceline.router.kpi.row import CallRow
from paceline.router.testing import Arrival, play, poisson, run, virtual_clock


class Rows:
    """A listener that keeps a row of each call."""

    def __init__(self) -> None:
        self.kept: list[CallRow] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self.kept.append(row_of(event))

    def between(self, from_s: float, until_s: float) -> list[CallRow]:
        return [row for row in self.kept if from_s <= row.ended_s < until_s]


def row_of(event: CallEnded) -> CallRow:
    """The row of a call that came as a stream."""
    ledger = event.call.ledger
    total_s = event.at_s - ledger.began_s
    attempt = ledger.answered_by
    if attempt is None or attempt.first_progress_s is None or attempt.usage is None:
        return CallRow(
            ended_s=event.at_s, outcome=event.outcome, total_s=total_s, input_tokens=event.call.prompt_tokens
        )
    ttft_s = attempt.first_progress_s - ledger.began_s
    connect_s = attempt.connect_s or 0.0
    return CallRow(
        ended_s=event.at_s,
        outcome=CallOutcome.ANSWERED,
        endpoint=attempt.endpoint.name,
        region=attempt.endpoint.region,
        ttft_s=ttft_s,
        total_s=total_s,
        elsewhere_s=attempt.sent_s - ledger.began_s - attempt.slot_wait_s,
        slot_wait_s=attempt.slot_wait_s,
        connect_s=connect_s,
        first_token_s=attempt.first_progress_s - attempt.sent_s - connect_s,
        generation_s=total_s - ttft_s,
        tpot_s=attempt.tpot_s,
        input_tokens=event.call.prompt_tokens,
        output_tokens=attempt.usage.output_tokens,
        held_s=attempt.held_s,
        attempts=len(ledger.attempts),
        retries=tuple(ledger.retries),
        fallbacks=len(ledger.models_left),
    )


def heard(
    endpoints: Sequence[Endpoint],
    route: Route,
    policies: Sequence[Policy],
    listener: Listener,
    *,
    seed: int,
    request: Callable[[random.Random], Request],
    phases: Sequence[tuple[float, float]],
) -> None:
    """Let *listener* hear what comes of traffic in *phases*, each so many calls a second for so many seconds."""

    async def main() -> None:
        dice = random.Random(seed)
        arrivals: list[Arrival] = []
        begins_s = 0.0
        for rate_per_s, seconds in phases:
            arrivals += [
                Arrival(begins_s + arrival.at_s, arrival.request)
                for arrival in poisson(rate_per_s, seconds, dice, request)
            ]
            begins_s += seconds
        async with Router(
            endpoints, [route], policies, clock=virtual_clock, dice=random.Random(seed), listeners=[listener]
        ) as router:
            await play(router, arrivals)

    run(main)
