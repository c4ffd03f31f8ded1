"""One run of one scene: a router, a call, and what was seen of the policy in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs

from ...errors import CallError, PolicyFailed, RouterClosed
from ...events import CallEnded, Event
from ...profile import Profile
from ...request import Request
from ...route import Objective, Route
from ...router import Router
from ...statistics.size_class import octave_of
from ...statistics.window import WindowShape
from ..held import held
from ..loop import run, virtual_clock
from ..scripted import Scripted, endpoint
from ..sweep import CancelledAt
from .invariant import Breach, Invariant
from .observers import Inside, Outside, Watch
from .scenes import PATIENCE_S, Place, Scene
from .standins import Again, Impatient, Nobody, OneSlot, Siblings

if TYPE_CHECKING:
    from ...chunk import Chunk
    from ...endpoint import Endpoint
    from ...pipeline import Policy
    from ...slots import Lease

SEED = 7
MODELS = ("best", "fast")
BESIDE = "beside"
FLEET = (("near", "best", "here"), ("other", "best", "there"), ("lesser", "fast", "here"), ("beside", BESIDE, "here"))
"""Endpoints by name, model and region. Calls may go to the first three; the last is there for what goes beside them."""

SLOTS = 2
KNOWN_S, SAMPLES = 0.5, 50
"""What is known of every endpoint: first tokens, after so long. So a policy that acts on what is late can act."""

ROUTE = Route(name="chat", models=MODELS, objective=Objective(ttft_s=1.0))

WINDOW = WindowShape(periods=2, period_s=30.0)
"""Few periods: they are made anew in every run."""

OVERDUE_S = 30.0
"""A call that is not over so long after its deadline will never be."""

GRACE_S = 3.0
"""What outlives a call for a moment, a loser that is being ended for instance, is over by then."""

AT_ONCE_S = 1.0
"""A call that is cancelled is over by then, with what it has to tidy."""

ROUNDING_S = 1e-6


class CallerFailed(Exception):
    """What the caller's own ``emit`` raises."""


@attrs.frozen(kw_only=True)
class Cancel:
    """When a call is cancelled: at its *wait*-th wait, or *at_s* seconds after it began. Neither: never."""

    wait: int | None = None
    at_s: float | None = None

    def __bool__(self) -> bool:
        return self.wait is not None or self.at_s is not None

    def __str__(self) -> str:
        if self.wait is not None:
            return f"; cancelled at its wait number {self.wait}"
        return "" if self.at_s is None else f"; cancelled after {self.at_s:.3f} s"


@attrs.frozen(kw_only=True)
class Run:
    """What one run has shown.

    waits: how often the call has waited. lasted_s: how long it took. breaches: what was broken.
    record: all that was decided, tried and heard, to be held against another run.
    """

    waits: int
    lasted_s: float
    breaches: tuple[Breach, ...]
    record: tuple[str, ...]


def played(policy: Policy, stack: Callable[[Policy], Sequence[Policy]], scene: Scene, cancel: Cancel) -> Run:
    """Play *scene* once, with *policy* in the *stack* that is given around it."""
    return run(_Stage(policy, stack, scene, cancel).play)


class _Stage:
    """One run, from the building of its router to the last look round."""

    def __init__(
        self, policy: Policy, stack: Callable[[Policy], Sequence[Policy]], scene: Scene, cancel: Cancel
    ) -> None:
        self._scene = scene
        self._cancel = cancel
        self._provider = Scripted(*scene.scripts)
        self._watch = Watch()
        self._impatient = Impatient(PATIENCE_S)
        self._stack = self._watched(policy, list(stack(policy)))
        self._heard: list[str] = []
        self._record: list[str] = []
        self._error: BaseException | None = None
        self._ended_s = 0.0
        self._cancelled_at_s: float | None = None

    def _watched(self, policy: Policy, stack: list[Policy]) -> list[Policy]:
        place = next((place for place, each in enumerate(stack) if each is policy), None)
        if place is None:
            raise TypeError("the stack that was given does not hold the policy that is tested")
        around: dict[Place, list[Policy]] = {
            Place.REPEATED: [Again()], Place.IMPATIENT: [self._impatient], Place.RACED: [Siblings()],
            Place.NOBODY: [Nobody()],
        }  # fmt: skip
        watched = [*stack[:place], Outside(self._watch), policy, Inside(self._watch), *stack[place + 1 :]]
        return [*around.get(self._scene.place, []), *watched, OneSlot()]

    # -- the play

    async def play(self) -> Run:
        """Play it."""
        scene = self._scene
        async with Router(
            self._fleet(),
            [ROUTE],
            self._stack,
            clock=virtual_clock,
            dice=random.Random(SEED),
            window=WINDOW,
            listeners=[self._hear],
            grace_s=0.5,
        ) as router:
            self._make_known(router)
            taken = self._take_slots(router)
            if scene.closes_at_s is not None:
                asyncio.get_running_loop().call_later(scene.closes_at_s, self._close, router)
            waits = await self._calls(router)
            await asyncio.sleep(max(0.0, scene.budget_s - virtual_clock()) + GRACE_S)
            for lease in taken:
                lease.release()
            self._look_at_what_is_held(router)
        self._look_at_what_runs()
        return Run(
            waits=waits,
            lasted_s=self._ended_s,
            breaches=tuple(self._watch.breaches),
            record=(*self._record, *self._heard, f"{self._ended_s:.6f}", repr(self._error)),
        )

    def _fleet(self) -> list[Endpoint]:
        return [
            endpoint(
                name,
                Scripted(*self._scene.scripts) if model == BESIDE else self._provider,
                model=model,
                region=region,
                slots=SLOTS,
                profile=Profile(ttft_s=KNOWN_S),
                limits=self._scene.limits,
                price_in_per_m=1.0,
                price_out_per_m=2.0,
            )
            for name, model, region in FLEET
        ]

    def _request(self) -> Request:
        return Request(
            messages="hello",
            route=ROUTE.name,
            budget_s=self._scene.budget_s,
            stream=self._scene.stream,
            max_tokens=64,
            user="somebody",
            params={"temperature": 0.0},
            metadata={"from": "a scene"},
        )

    def _make_known(self, router: Router) -> None:
        size = octave_of(self._request().estimated_prompt_tokens())
        for target in router.fleet.serving(ROUTE):
            for _ in range(SAMPLES):
                target.learned.ttft.record(KNOWN_S, size, virtual_clock())

    def _take_slots(self, router: Router) -> list[Lease]:
        until_s = self._scene.taken_until_s
        if until_s is None:
            return []
        taken = [target.slots.acquire_over_limit() for target in router.fleet for _ in range(SLOTS)]
        for lease in taken:
            asyncio.get_running_loop().call_later(until_s, lease.release)
        return taken

    def _close(self, router: Router) -> None:
        self._closing = asyncio.get_running_loop().create_task(router.aclose())

    async def _calls(self, router: Router) -> int:
        """Make the calls, and judge how each ends. Gives how often the first has waited."""
        scene, cancel = self._scene, self._cancel
        asked = CancelledAt(self._ask(router), cancel.wait)
        first = asyncio.ensure_future(self._timed(asked))
        others = [asyncio.ensure_future(self._ask(router)) for _ in range(scene.calls - 1)]
        timers = [asyncio.get_running_loop().call_later(PATIENCE_S, other.cancel) for other in others[::2]]
        if cancel.at_s is not None:
            timers.append(asyncio.get_running_loop().call_later(cancel.at_s, self._cancel_now, first))
        done, late = await asyncio.wait([first, *others], timeout=scene.budget_s + OVERDUE_S)
        for timer in timers:
            timer.cancel()
        for task in late:
            told = f"a call was not over {OVERDUE_S:g} s after its deadline"
            self._watch.saw(Invariant.CANCELLATION if cancel else Invariant.DEADLINE, told)
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=OVERDUE_S)
        if first in done:
            self._judge(first, self._cancelled_at_s if asked.cancelled_at_s is None else asked.cancelled_at_s)
        for other in others:
            if other in done and not other.cancelled() and not isinstance(other.exception(), CallError | None):
                self._watch.saw(Invariant.ONE_ERROR, f"{_told(cast('BaseException', other.exception()))} came out")
        return asked.suspended

    async def _timed(self, call: CancelledAt) -> None:
        try:
            await call
        finally:
            self._ended_s = virtual_clock()

    def _cancel_now(self, call: asyncio.Future[None]) -> None:
        if call.cancel():  # else it was over
            self._cancelled_at_s = virtual_clock()

    async def _ask(self, router: Router) -> None:
        if self._scene.whole:
            self._heard.append((await router.complete(self._request())).text)
        else:
            await router.send(self._request(), self._emit)

    def _hear(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self._record += map(str, (*event.call.ledger.attempts, *event.call.ledger.decisions))

    async def _emit(self, chunk: Chunk) -> None:
        self._heard.append(chunk.text)
        if self._scene.takes_s:
            await asyncio.sleep(self._scene.takes_s)
        if self._scene.caller_fails and len(self._heard) == 2:
            raise CallerFailed

    # -- the judgement

    def _judge(self, call: asyncio.Future[None], cancelled_at_s: float | None) -> None:
        error = asyncio.CancelledError() if call.cancelled() else call.exception()
        self._error = error
        if cancelled_at_s is not None:
            self._judge_cancelled(error, cancelled_at_s)
            return
        late_s = self._ended_s - self._scene.budget_s - self._scene.resists_s
        if late_s > ROUNDING_S:
            self._watch.saw(Invariant.DEADLINE, f"the call ended {late_s:.3f} s after its deadline")
        if self._impatient.swallowed:
            told = f"a scope outside of it was cancelled after {PATIENCE_S} s, and it went on"
            self._watch.saw(Invariant.CANCELLATION, told)
        if isinstance(error, PolicyFailed) and not self._watch.breaches:
            self._judge_failed(error)
        elif error is not None and not self._is_expected(error):
            self._watch.saw(Invariant.ONE_ERROR, f"{_told(error)} came out")

    def _judge_cancelled(self, error: BaseException | None, cancelled_at_s: float) -> None:
        if not isinstance(error, asyncio.CancelledError):
            ended = "was answered" if error is None else f"ended in {_told(error)}"
            self._watch.saw(Invariant.CANCELLATION, f"the call was cancelled, and {ended}")
        dawdled_s = self._ended_s - cancelled_at_s - self._scene.resists_s
        if dawdled_s > AT_ONCE_S:
            self._watch.saw(Invariant.CANCELLATION, f"the call ended {dawdled_s:.3f} s after it was cancelled")

    def _judge_failed(self, error: PolicyFailed) -> None:
        """The router has found the policy at fault."""
        raised = [failure for visit in self._watch.visits for failure in visit.failures]
        if error.__cause__ is not None:
            self._watch.saw(Invariant.ONE_ERROR, f"it raised {_told(error.__cause__)}")
        elif "without an answer" in str(error):
            told = f"'next' had raised {_told(raised[-1])}" if raised else "it had not called 'next'"
            self._watch.saw(Invariant.ANSWERED, f"it returned as if all were well, though {told}")
        elif "cancelled from within" in str(error):
            self._watch.saw(Invariant.CANCELLATION, "it was cancelled, though nobody had asked the call to end")
        else:
            self._watch.saw(Invariant.SAME_CALL, str(error))

    def _is_expected(self, error: BaseException) -> bool:
        if isinstance(error, CallerFailed):
            return self._scene.caller_fails
        if isinstance(error, RouterClosed):
            return self._scene.closes_at_s is not None
        return isinstance(error, CallError)

    def _look_at_what_is_held(self, router: Router) -> None:
        left = held(router)
        if self._watch.under_way:
            left.append("a call of 'next' that it had begun and that runs")
        for what in left:
            self._watch.saw(Invariant.NOTHING_LEFT, f"{GRACE_S:g} s after the deadline there was still {what}")

    def _look_at_what_runs(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        if running:
            names = ", ".join(sorted(repr(_named(task)) for task in running))
            self._watch.saw(Invariant.NOTHING_LEFT, f"tasks still ran when the router was closed: {names}")
        for task in running:
            task.cancel()


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}({error})" if str(error) else type(error).__name__


def _named(task: asyncio.Task[Any]) -> str:
    coroutine = task.get_coro()
    return getattr(coroutine, "__qualname__", task.get_name())
