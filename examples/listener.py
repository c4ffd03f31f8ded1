"""A listener: one line of JSON for each call, to go where your logs go.

    python examples/listener.py

A listener is called in the middle of a call, so it must be quick and cannot wait. It is given the live records of the
call: take what you need of them, and keep no reference. No prompt and no answer is in them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable

import attrs

from paceline.policies import stacks
from paceline.providers import Behaviour, Simulated
from paceline.router import CallEnded, Endpoint, EndpointEjected, Event, Request, Router
from paceline.router.errors import CallError


@attrs.frozen
class LogCalls:
    """Writes a line for each call that has ended, and for each endpoint that is taken out."""

    write: Callable[[str], object]

    def __call__(self, event: Event) -> None:
        """Told of everything; most of it is none of our business."""
        if isinstance(event, CallEnded):
            ledger, last = event.call.ledger, event.call.ledger.answered_by
            self._line(
                event="call",
                route=event.call.route.name,
                outcome=event.outcome.value,
                reason=event.reason,
                endpoint=None if last is None else last.endpoint.name,
                ttft_s=None if last is None else last.ttft_s,
                total_s=event.at_s - ledger.began_s,
                attempts=len(ledger.attempts),
                retries=ledger.retries,
            )
        elif isinstance(event, EndpointEjected):
            self._line(event="ejected", endpoint=event.endpoint.name, reason=event.ejection.reason)

    def _line(self, **fields: object) -> None:
        self.write(json.dumps(fields) + "\n")


async def main(write: Callable[[str], object] = sys.stdout.write) -> None:
    """Twenty calls to two endpoints, one of which fails most of the time."""
    vendor = Simulated(
        behaviour=Behaviour(ttft_s=0.02, tokens_per_s=2000),
        by_endpoint={"shaky": Behaviour(ttft_s=0.01, error_rate=0.9, error_after_s=0.005)},
    )
    endpoints = [Endpoint(name=name, provider=vendor, model="m", slots=4) for name in ("shaky", "steady")]
    async with Router(endpoints, policies=stacks.minimal(), listeners=[LogCalls(write)]) as router:
        for _ in range(20):
            try:
                await router.complete(Request(messages="hello", model="m", max_tokens=8))
            except CallError as failure:
                sys.stderr.write(f"{failure}\n")


if __name__ == "__main__":
    asyncio.run(main())
