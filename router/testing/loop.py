"""An event loop whose clock jumps to the next timer, so that an hour of traffic takes milliseconds.

Nothing here waits: when every task is idle, time moves at once to the next timer. Two runs with one seed are
identical. When nothing is left to run and no timer is set, the program would wait for ever, and `Deadlock` says so.

The loop is asyncio's own, so everything that runs on asyncio runs here. Real sockets and threads do not: their answers
take real time, and virtual time does not wait for them.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

T = TypeVar("T")

RESOLUTION_S = 1e-9
"""Timers this close to one another go off together, in the order of their times."""


class Deadlock(RuntimeError):
    """Every task waits, and no timer is set: nothing would ever happen again."""


class _NoWaiting(selectors.BaseSelector):
    """A selector that never waits: it lets the loop's clock jump instead."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.loop: VirtualLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if not ready and self.loop is not None and (timeout is None or timeout > 0):
            self.loop.jump()
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's selector loop on virtual time. ``time()`` is seconds since the loop was made; hand it to a `Router`."""

    def __init__(self) -> None:
        self._now_s = 0.0
        selector = _NoWaiting()
        super().__init__(selector)
        self._clock_resolution = RESOLUTION_S
        selector.loop = self

    def time(self) -> float:
        """Virtual seconds."""
        return self._now_s

    def jump(self) -> None:
        """Move time to the next timer.

        Raises:
            Deadlock: there is none.
        """
        timers = cast("list[asyncio.TimerHandle]", getattr(self, "_scheduled"))  # noqa: B009  BaseEventLoop's own heap
        if not timers:  # cancelled ones at its top were dropped before the loop went to wait
            waiting = [task.get_name() for task in asyncio.all_tasks(self) if not task.done()]
            raise Deadlock(
                f"every task waits and no timer is set (sockets and threads do not run here): "
                f"{', '.join(sorted(waiting)) or 'no task'}"
            )
        self._now_s = max(self._now_s, timers[0].when())


def run(main: Callable[[], Coroutine[Any, Any, T]], *, debug: bool = False) -> T:
    """Run ``main()`` to its end in virtual time, and give what it returned.

    Inside, ``asyncio.get_running_loop().time`` is the clock; `virtual_clock` is the same.
    """
    with asyncio.Runner(loop_factory=VirtualLoop, debug=debug) as runner:
        return runner.run(main())


def virtual_clock() -> float:
    """Seconds on the running loop's clock: the clock to hand to a `Router` under `run`."""
    return asyncio.get_running_loop().time()
