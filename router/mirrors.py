"""Copies of calls, made beside them at an endpoint that is being tried out. One a router.

A copy is a call of its own, and nothing of it comes back: it has a ledger, a budget, a route and dice of nobody else's,
and what it fails with stays here. What remains of it is what an attempt leaves behind at its endpoint: samples in the
windows, a row under the endpoint's name in reports, and the event that it has ended.

It may outlive the call it copies, so it runs in a task that belongs to the router: the router holds on to it, and ends
it first of all when it closes. The task has an empty context, so that no trace of the caller's goes on in it.

The regions a call is bound to hold for its copy. They are asked of the router's own books (`reach.Bounds`), not of the
view that a policy hands over.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING

import attrs
from msgspec.structs import replace

from .budget import Budget
from .dispatch import dispatch
from .errors import PacelineError
from .ledger import Ledger
from .statistics.lengths import Lengths

if TYPE_CHECKING:
    from .call import Call
    from .chunk import Chunk
    from .fleet import Fleet
    from .legs import Legs, LegTask
    from .reach import Bounds
    from .route import Route
    from .slots import Lease
    from .statistics.window import WindowShape
    from .target import Target


class Mirrors:
    """The copies under way of one router."""

    __slots__ = ("_bounds", "_budget", "_fleet", "_legs", "_lengths", "_open", "_routes", "_running")

    def __init__(self, fleet: Fleet, bounds: Bounds, legs: Legs, shape: WindowShape) -> None:
        self._fleet = fleet
        self._bounds = bounds
        self._legs = legs
        self._budget = Budget()
        self._lengths = Lengths(shape)
        self._routes: dict[tuple[str, str], Route] = {}
        self._running: dict[LegTask, tuple[Target, Lease]] = {}
        self._open = False

    def __len__(self) -> int:
        return len(self._running)

    def target(self, name: str) -> Target:
        """The endpoint of this name.

        Raises:
            KeyError: the router has none.
        """
        return self._fleet[name]

    def send(self, call: Call, target: Target) -> bool:
        """Start a copy of *call* at *target*; False, and nothing has happened, where it may not or cannot go now.

        It may not go outside of the call's regions, nor to an endpoint that cannot do what is asked for, nor while the
        endpoint asks to be left alone; and it waits for no slot: it takes one that is free at this instant.

        Raises:
            PolicyFailed: the call is over, or was never this router's.
        """
        residency = self._bounds.residency(call.ledger)
        now_s = call.clock()
        if not self._open or (residency is not None and target.region not in residency):
            return False
        if call.request.operation not in target.endpoint.operations:
            return False
        lease = (
            None if target.opens_at_s(now_s) > now_s else target.slots.try_acquire(target.slots_for(call.prompt_tokens))
        )
        if lease is None:
            return False
        copy = replace(
            call,
            route=self._route(call.route, target.model),
            lengths=self._lengths,
            candidates=(target,),
            tied=1,
            residency=residency,
            start_by_s=call.deadline_s,
            ledger=Ledger(now_s, streamed=False),
            budget=self._budget,
            lease=lease,
            permit=None,
            may_leave=None,
            witness=None,
            patience=None,
            meddler=None,
        )
        task = asyncio.get_running_loop().create_task(_attempt(copy, lease), context=Context())
        self._running[task] = target, lease
        task.add_done_callback(self._over)  # one that is cancelled before its first step never runs
        return True

    def in_flight(self, target: Target) -> int:
        """Copies under way at *target*."""
        return sum(other is target for other, _ in self._running.values())

    def open(self) -> None:
        """The router is open."""
        self._open = True

    def close(self) -> None:
        """Take no more, and cancel those under way. `Legs.drain` waits for them."""
        self._open = False
        for task in tuple(self._running):
            self._legs.end(task)

    def _route(self, route: Route, model: str) -> Route:
        """What copies of a route's calls are reported under."""
        mirrored = self._routes.get((route.name, model))
        if mirrored is None:
            mirrored = self._routes[route.name, model] = attrs.evolve(
                route, name=f"{route.name} (mirrored)", models=(model,)
            )
        return mirrored

    def _over(self, task: LegTask) -> None:
        _, lease = self._running.pop(task)
        lease.release()


async def _attempt(call: Call, lease: Lease) -> None:
    with lease, suppress(PacelineError):
        await dispatch(call, _ignore)


async def _ignore(chunk: Chunk) -> None:
    """Nobody reads a copy's answer."""
