"""The router: endpoints, routes and a stack of policies, made into something that answers."""

from __future__ import annotations

import asyncio
import math
import random
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio

from . import check
from .abilities import sieves, unmet
from .answer import Answer, Collector
from .budget import Budget
from .call import Call
from .description import described
from .endpoint import Endpoint
from .errors import ConfigurationError, InvalidRequest, PolicyFailed, RouterClosed
from .events import ANSWERED, CallEnded, Listener, Listeners
from .failing import meant, outcome_of, policy_failed
from .fit import check_fit
from .fleet import Fleet, allowed_regions, allowed_tokens
from .inflight import RESISTANCE_S, InFlight
from .kpi.history import History
from .kpi.log import HistoryShape
from .kpi.report import Report, report_on
from .ledger import Ledger
from .legs import Legs
from .mirrors import Mirrors
from .operation import EMBEDDING
from .pipeline import compose
from .pool import Pool, made_ready, pools_of
from .reach import Bounds, residency_proofs
from .receiver import Receiver
from .request import Request
from .route import Route
from .statistics.lengths import NoLengths
from .statistics.size_class import octave_of
from .statistics.snapshot import Snapshot
from .statistics.window import WindowShape
from .stream import Stream
from .timers import Timers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from .clock import Clock
    from .endpoint import Provider
    from .pipeline import Emit, Handler, Policy

DEFAULT_BUDGET_S = 60.0

PASSED_OVER = "passes over %s, which cannot do %s"


class Router:
    """Routes calls to the endpoint that will answer in time. Use it as ``async with Router(...) as router``.

    endpoints: at least one, with names of their own.
    routes: classes of traffic. A model can also be asked for by its own name, and is reported under it.
    policies: the stack, the outermost first. Empty: every call goes to its first candidate.
    budget_s: seconds a call may take where neither request nor route says. Default 60.
    budget: what attempts beyond a call's first are paid from, whichever policy makes them. Default, a `Budget()` of
        its own. Routers that load the same endpoints may share one.
    clock: seconds, monotonic. Default `time.monotonic`.
    dice: source of chance. Default, a `random.Random` of its own.
    window: how much of the past the latency windows hold. Default, a minute.
    history: how much of the past `report` can look back on; or the `History` of a router whose place this one takes, to
        be gone on with. Default, ten minutes.
    listeners: called with each `events.Event`. Default: nobody but the history.
    grace_s: seconds that closing waits for calls in flight before it ends them. Default 5.

    Raises:
        ConfigurationError: with what to mend, when any of these do not fit together.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        routes: Sequence[Route] = (),
        policies: Sequence[Policy] = (),
        *,
        budget_s: float = DEFAULT_BUDGET_S,
        budget: Budget | None = None,
        clock: Clock = time.monotonic,
        dice: random.Random | None = None,
        window: WindowShape | None = None,
        history: HistoryShape | History | None = None,
        listeners: Sequence[Listener] = (),
        grace_s: float = 5.0,
    ) -> None:
        if not 0 < budget_s < math.inf:
            raise ConfigurationError(f"Router: budget_s must be a number above 0, not {budget_s!r}")
        check.every(Endpoint, endpoints, "Router: endpoints")
        check.every(Route, routes, "Router: routes")
        check.every(object, policies, "Router: policies")
        self.fleet = Fleet(endpoints, routes, clock, window or WindowShape())
        self._policies = tuple(policies)
        self._in_flight = InFlight()
        self._sieves = sieves(self.fleet)
        self._no_lengths = NoLengths(window or WindowShape())
        self._bounds = Bounds(self.fleet, self._in_flight)
        self._handler: Handler = compose(self._policies, self._bounds.dispatch)
        check_fit(self._policies, self.fleet)
        self.residency_proofs = residency_proofs(self.fleet, self._policies)
        """Which endpoints each route that is bound to regions can reach, and which never."""
        self._budget_s = budget_s
        if not isinstance(budget, Budget | None):  # pyright: ignore[reportUnnecessaryIsInstance]  whatever the types say
            raise ConfigurationError(f"Router: budget must be a Budget, not {type(budget).__name__}")
        self.budget = budget or Budget()
        self._clock = clock
        self._dice = dice or random.Random()
        self.history = history if isinstance(history, History) else History(history or HistoryShape(), self._dice)
        self._listeners = Listeners((self.history, *listeners))
        if not 0 <= grace_s < math.inf:
            raise ConfigurationError(f"Router: grace_s must be a number of at least 0, not {grace_s!r}")
        self._grace_s = grace_s
        self._resources: AsyncExitStack | None = None
        self._legs = Legs()
        self._timers = Timers(clock)
        self._mirrors = Mirrors(self.fleet, self._bounds, self._legs, window or WindowShape())
        self._closed = asyncio.Event()
        self._closed.set()

    # -- calls

    async def complete(self, request: Request) -> Answer:
        """The whole answer.

        Raises:
            CallError: the one error, with its attempts and decisions.
            RouterClosed: outside ``async with``.
        """
        call = self._admit(request, streamed=False)
        collector = Collector()
        await self._run(call, collector.emit)
        return collector.answer(call)

    def stream(self, request: Request) -> Stream:
        """The answer as it comes: ``async with router.stream(request) as chunks: async for chunk in chunks``.

        Raises:
            InvalidRequest, OperationUnmet: at once. Everything else is raised by the iteration.
        """
        return Stream(self._admit(request, streamed=True), self._run)

    async def send(self, request: Request, emit: Emit) -> None:
        """Push the answer into *emit* as it comes; returned means complete. What *emit* raises ends the call.

        Raises:
            CallError, RouterClosed: as `complete`.
        """
        await self.push(self._admit(request, streamed=True), emit)

    def admit(self, request: Request, *, streamed: bool = True) -> Call:
        """The call that *request* makes, for `push` to run once: for who must know of it while it runs.

        Its ledger says who answers from the first chunk on; its deadline may be tightened before it is run
        (``call.with_(deadline_s=...)``). The time it may take begins here.

        streamed: what is pushed is seen as it comes, so the first progress commits. Default True. False: it is seen
            when it is complete, so what breaks off is repeated silently, after a chunk that says ``discard``.

        Raises:
            InvalidRequest, ResidencyUnmet, OperationUnmet: nobody could answer it.
        """
        return self._admit(request, streamed=streamed)

    async def push(self, call: Call, emit: Emit) -> None:
        """Run an admitted call, as `send` does.

        Raises:
            CallError, RouterClosed: as `complete`.
        """
        receiver = Receiver(emit)
        try:
            await self._run(call, receiver.emit, receiver)
        except PolicyFailed as failed:
            if failed.__cause__ is not None and receiver.has_left(failed):
                raise failed.__cause__ from None
            raise

    def _admit(self, request: Request, *, streamed: bool) -> Call:
        given: object = request  # whatever the types promise
        if not isinstance(given, Request):
            raise InvalidRequest(f"a call takes a Request, not {type(request).__name__}: Request(messages=...)")
        route, candidates = self.fleet.admit(request)
        dropped, sieve = "", self._sieves.get(request.operation)
        if sieve is not None:
            able = sieve(candidates)
            if not able.targets:
                raise unmet(request.operation, route, candidates)
            candidates, dropped = able.targets, able.dropped
        now_s = self._clock()
        prompt_tokens = request.estimated_prompt_tokens()
        deadline_s = now_s + (request.budget_s or route.budget_s or self._budget_s)
        ledger = Ledger(now_s, streamed=streamed)
        if dropped:
            ledger.note(now_s, "Router", PASSED_OVER, dropped, request.operation.value)
        return Call(  # by position: by name, these would cost more than the rest of the admission
            candidates,
            len(candidates),
            deadline_s,
            deadline_s,
            request,
            route,
            self._no_lengths if request.operation is EMBEDDING else self.fleet.lengths[route.name],
            prompt_tokens,
            octave_of(prompt_tokens),
            allowed_tokens(request, route),
            allowed_regions(request, route),
            ledger,
            self.budget,
            self._legs,
            self._timers,
            self._mirrors,
            self._listeners,
            self._clock,
            self._dice,
        )

    async def _run(self, call: Call, emit: Emit, receiver: Receiver | None = None) -> None:
        if self._resources is None:
            raise RouterClosed("the router is not open: make calls inside 'async with router'")
        ledger = call.ledger
        self._in_flight.enter(call)
        self.budget.arrived(ledger.began_s)
        failure: BaseException | None = None
        try:
            await self._handler(call, emit)
        except BaseException as raised:  # noqa: BLE001  whatever it is, the call is over; it is raised again below
            failure = meant(raised, ledger, self._in_flight)
        else:
            if ledger.answered_by is None:
                failure = policy_failed(ledger, "a policy returned without an answer: it must call next, or raise")
        now_s = self._clock()
        self._in_flight.leave(ledger)
        self.budget.ended(now_s, answered=failure is None)
        outcome, reason = ANSWERED, None
        if failure is not None:
            outcome, reason = outcome_of(failure, receiver)
        self._listeners.tell(CallEnded(now_s, call, outcome, reason))
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # an error holds on to this frame, and must not be held by it

    # -- what it knows

    def snapshot(self) -> Snapshot:
        """All that is known of latency now, to be kept (`statistics.hlog`) or sent (`statistics.exchange`).

        Raises:
            ConfigurationError: it is more than a snapshot holds.
        """
        now_s = self._clock()
        return Snapshot(
            {
                target.name: {series: window.intervals(now_s) for series, window in target.learned.series()}
                for target in self.fleet
            }
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Take in what was known before a restart, or what another process knows. Adds to what is known here.

        Endpoints are told by name; those that are not in this router are passed over. What is older than the windows is
        believed in place of the profiles.
        """
        now_s = self._clock()
        for target in self.fleet:
            target.learned.restore(snapshot.of(target.name), now_s)

    # -- what became of them

    def report(self, over_s: float | None = None) -> Report:
        """Key figures by route and by endpoint, of what has ended in the last *over_s* seconds.

        over_s: above 0. Default None: as far back as the history reaches, which is all that is known of more, too.

        It looks at every call of that time, a few milliseconds for each thousand, and nothing else runs meanwhile.

        Raises:
            ConfigurationError: *over_s* is no such number.
        """
        if over_s is not None and not 0 < over_s < math.inf:
            raise ConfigurationError(f"report: over_s must be a number above 0, not {over_s!r}")
        endpoints = [target.endpoint for target in self.fleet]
        return report_on(self.history, self.fleet.routes, endpoints, over_s=over_s, now_s=self._clock())

    def pools(self) -> tuple[Pool, ...]:
        """The connections of each provider that keeps any, now; empty while the router is not open."""
        return pools_of(target.handler for target in self.fleet)

    # -- life

    async def idle(self) -> None:
        """Wait until no call is in flight. It goes on taking calls meanwhile; `aclose` is what ends that."""
        await self._in_flight.idle()

    async def __aenter__(self) -> Self:
        if self._resources is not None:
            raise RouterClosed("the router is already open: enter it once")
        async with AsyncExitStack() as resources:
            handlers: dict[Provider, Handler] = {}
            for target in self.fleet:
                provider = target.endpoint.provider
                if provider not in handlers:
                    handlers[provider] = await resources.enter_async_context(provider.open(self._clock))
                target.handler = handlers[provider]
            await made_ready(handlers, (target.endpoint for target in self.fleet), self._listeners)
            self._resources = resources.pop_all()
            self._timers = Timers(self._clock)  # this loop's; calls that outlive a closing keep theirs
            self._mirrors.open()
            self.history.open(self._clock())
            self._closed.clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Take no more calls, let those in flight end within ``grace_s``, end the rest, and close every connection.

        It does so also when it is cancelled itself. Calls that resist for another second, and losers of a race that
        resist for two, are told in a ResourceWarning. Closing twice is harmless; the second waits for the first.
        """
        resources, self._resources = self._resources, None
        if resources is None:
            await self._closed.wait()
            return
        self._mirrors.close()
        try:
            with anyio.CancelScope(shield=True):
                await self._in_flight.drain(self._grace_s)
                await self._legs.drain()
        finally:
            for target in self.fleet:
                target.close()
            with anyio.move_on_after(RESISTANCE_S, shield=True):
                await resources.aclose()
            self._closed.set()

    def describe(self) -> str:
        """The stack, from the caller inwards, and what it routes to, for a person to read."""
        return described(self.fleet, self._policies, self.residency_proofs, self.budget, self._budget_s)
