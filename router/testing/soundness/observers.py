"""Two layers around a policy that watch it: one sees what it is given and gives back, the other what it passes on.

What a policy does may happen in tasks of its own. Which of its calls a task belongs to is told by a context variable,
which tasks inherit.
"""

from __future__ import annotations

import asyncio
import copy
from contextvars import ContextVar
from typing import TYPE_CHECKING

from .invariant import Breach, Invariant

if TYPE_CHECKING:
    from ...call import Call
    from ...chunk import Chunk
    from ...pipeline import Emit, Handler

TRACES = ("ledger", "budget", "legs", "listeners", "clock", "dice", "residency", "lengths")
"""What every view of a call has in common."""

CARRIED = ("lease", "permit", "witness")
"""What a view may get of its own, and must not lose."""


class Visit:
    """One call on its way through the policy."""

    def __init__(self, call: Call, watch: Watch) -> None:
        self.call = call
        self.watch = watch
        self.over = False
        self.heard = 0
        """Chunks of progress that it has passed on."""
        self.speaking = False
        self.ended = 0
        """Calls of `next` that are over."""
        self.answered = False
        """One of them has returned."""
        self.failures: list[BaseException] = []
        """What the others have raised."""
        self.attempts = len(call.ledger.attempts)
        """That were made before."""
        self._before = _inside(call)

    def look_at_the_call(self) -> None:
        """Whether it is as it was."""
        for name, now in _inside(self.call).items():
            if now != self._before[name]:
                self.watch.saw(Invariant.UNEDITED, f"{name} of the call was edited in place")


_VISIT: ContextVar[Visit] = ContextVar("_VISIT")


def _inside(call: Call) -> dict[str, object]:
    """What could be edited: the fields themselves, and what the request holds."""
    fields = {name: getattr(call, name) for name in call.__struct_fields__ if name != "request"}
    request = call.request
    return {
        **fields,
        "the request": request,
        "the request's messages": copy.deepcopy(request.messages),
        "the request's params": copy.deepcopy(dict(request.params)),
        "the request's metadata": copy.deepcopy(dict(request.metadata)),
    }


class Watch:
    """What is seen of a policy in one run of one scene."""

    def __init__(self) -> None:
        self.breaches: list[Breach] = []
        self.visits: list[Visit] = []
        self.under_way = 0
        """Calls of `next` that are not over."""

    def saw(self, invariant: Invariant, seen: str) -> None:
        """Note a breach; the same one once."""
        breach = Breach(invariant, seen)
        if breach not in self.breaches:
            self.breaches.append(breach)

    def came_out(self, error: Exception, visit: Visit) -> None:
        """Look at what a policy has raised."""
        if isinstance(error, BaseExceptionGroup):
            self.saw(Invariant.ONE_ERROR, f"{type(error).__name__} came out of it: {error}")
        elif isinstance(error, AttributeError) and "immutable type" in str(error):
            self.saw(Invariant.UNEDITED, f"it tried to edit what is frozen: {error}")
        task = asyncio.current_task()
        if task is not None and task.cancelling() and any(map(_is_cancellation, visit.failures)):
            self.saw(Invariant.CANCELLATION, f"'next' was cancelled, and {type(error).__name__} came out in its place")

    def passed_on(self, call: Call, visit: Visit) -> None:
        """Look at a view of its call that a policy passes on."""
        visit.look_at_the_call()
        given = visit.call
        for name in TRACES:
            if getattr(call, name) != getattr(given, name):
                self.saw(Invariant.SAME_CALL, f"it passed on a call with a {name} that is not this call's")
        for name in CARRIED:
            if getattr(call, name) is None and getattr(given, name) is not None:
                self.saw(Invariant.SAME_CALL, f"the call had a {name}, and was passed on without it")
        others = [target.name for target in call.candidates if target not in given.candidates]
        if others:
            told = f"it passed on candidates that it was not given: {', '.join(others)}"
            self.saw(Invariant.SAME_CALL, told)
        for name in ("deadline_s", "start_by_s"):
            later_s = getattr(call, name) - getattr(given, name)
            if later_s > 0:
                self.saw(
                    Invariant.DEADLINE, f"it passed on a {name} that is {later_s:.3f} s later than the one it was given"
                )
        self._repeated(call, visit)

    def _repeated(self, call: Call, visit: Visit) -> None:
        if visit.ended and len(call.ledger.attempts) > visit.attempts and (call.permit is None or call.permit.spent):
            self.saw(Invariant.PAID, "it tried once more without a permit from the budget")
        if visit.answered:
            self.saw(Invariant.COMMIT, "it called 'next' again after it had been answered")
        elif visit.ended and call.ledger.streamed and visit.heard:
            told = f"it called 'next' again after {visit.heard} chunks of the answer had reached the caller"
            self.saw(Invariant.COMMIT, told)


class Outside:
    """The layer outside the policy."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """Pass the call and its answer on, and look at both."""
        visit = Visit(call, self._watch)
        self._watch.visits.append(visit)
        token = _VISIT.set(visit)

        async def heard(chunk: Chunk) -> None:
            if visit.over:
                self._watch.saw(Invariant.EMIT, "it emitted a chunk after it had returned")
            if visit.speaking:
                self._watch.saw(Invariant.EMIT, "it emitted a chunk while another was being delivered")
            visit.speaking = True
            visit.heard += chunk.is_progress
            try:
                await emit(chunk)
            finally:
                visit.speaking = False

        try:
            await next(call, heard)
        except Exception as error:
            self._watch.came_out(error, visit)
            raise
        finally:
            visit.over = True
            visit.look_at_the_call()
            _VISIT.reset(token)


class Inside:
    """The layer inside the policy."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """Pass the call on, and look at it and at how it ends."""
        visit = _VISIT.get()
        self._watch.passed_on(call, visit)
        self._watch.under_way += 1
        try:
            await next(call, emit)
            visit.answered = True
        except BaseException as error:
            visit.failures.append(error)
            raise
        finally:
            visit.ended += 1
            self._watch.under_way -= 1


def _is_cancellation(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError)
