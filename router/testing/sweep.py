"""Cancellation at every point where a coroutine waits.

What holds a slot, a socket or a task must let go of it wherever it is cancelled, and there are more such places than
anyone would think of. So they are counted, and then tried one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from .loop import VirtualLoop


class CancelledAt:
    """Awaits a coroutine, counts how often it suspends, and cancels its task at the *at*-th time; None: never.

    suspended: how often it has. cancelled_at_s: when it was cancelled, on the loop's clock; None: not yet.
    """

    def __init__(self, inner: Coroutine[Any, Any, None], at: int | None) -> None:
        self._inner = inner
        self._at = at
        self.suspended = 0
        self.cancelled_at_s: float | None = None

    def __await__(self) -> Generator[Any, Any, None]:
        waiting = self._inner.__await__()
        sent: Any = None
        error: BaseException | None = None
        while True:
            try:
                yielded = waiting.send(sent) if error is None else waiting.throw(error)
            except StopIteration:
                return
            self.suspended += 1
            if self.suspended == self._at:
                task = asyncio.current_task()
                if task is not None:
                    self.cancelled_at_s = task.get_loop().time()
                    task.cancel()
            sent, error = None, None
            try:
                sent = yield yielded
            except BaseException as thrown:  # noqa: BLE001  handed on to the coroutine under test
                error = thrown


def cancel_everywhere(scenario: Callable[[], Coroutine[Any, Any, None]], check: Callable[[int], None]) -> int:
    """Run *scenario* once in virtual time, then once for each point where it waited, cancelled there.

    scenario: makes a fresh coroutine each time.
    check: called after each run with the point at which it was cancelled, 0 for the first run; asserts that nothing
        is left behind.

    Returns the number of points. A run that is cancelled and ends without ``CancelledError`` swallowed it, and one that
    leaves a task behind lost hold of it: each an ``AssertionError`` of its own. Points are those of the scenario's own
    task; what it does in other tasks is not cancelled there.
    """
    points = _run(scenario, check, None)
    for point in range(1, points + 1):
        _run(scenario, check, point)
    return points


def _run(scenario: Callable[[], Coroutine[Any, Any, None]], check: Callable[[int], None], at: int | None) -> int:
    counted = CancelledAt(scenario(), at)

    async def main() -> None:
        try:
            await counted
        except asyncio.CancelledError:
            if at is None:
                raise
        else:
            if at is not None:
                raise AssertionError(f"cancelled at point {at}, the scenario went on as if nothing had been")
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            names = ", ".join(sorted(task.get_name() for task in left))
            raise AssertionError(f"cancelled at point {at}, the scenario left tasks behind: {names}")
        check(at or 0)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    return counted.suspended
