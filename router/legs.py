"""Tasks in which a call races itself, and which may outlive it by a moment.

The loser of a race is cancelled, and its caller does not wait for it to clean up. Somebody must: from its cancellation
on such a task belongs to the router, which holds on to it until it is over, asks it again when it resists, and waits
for it when it closes. (asyncio itself keeps only weak references to tasks.)

A leg that runs belongs to its race. So a call without a loser pays nothing for this.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, TypeAlias

from .inflight import RESISTANCE_S

if TYPE_CHECKING:
    from asyncio import TimerHandle

LegTask: TypeAlias = "asyncio.Task[None]"

DRAIN_S = 2 * RESISTANCE_S
"""Seconds that closing waits: long enough for what was cancelled just now to be asked again, and to give in."""


class Legs:
    """The legs of one router that were cancelled and are not over."""

    __slots__ = ("_ending",)

    def __init__(self) -> None:
        self._ending: dict[LegTask, TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._ending)

    def end(self, task: LegTask) -> None:
        """Cancel *task*, and see to it until it is over. What is over, or is being ended, is left alone."""
        if task.done() or task in self._ending:
            return
        task.cancel()
        task.add_done_callback(self._over)
        self._ask_again_later(task)

    async def drain(self) -> None:
        """Wait for them, for two seconds at most. Those that resist are told in a warning."""
        if self._ending:
            await asyncio.wait(tuple(self._ending), timeout=DRAIN_S)
        if self._ending:
            warnings.warn(
                f"{len(self._ending)} losing legs resisted cancellation when the router closed",
                ResourceWarning,
                stacklevel=4,
            )

    def _ask_again_later(self, task: LegTask) -> None:
        """A cancellation can be swallowed, or shielded from; those are asked once a second until they end."""
        self._ending[task] = asyncio.get_running_loop().call_later(RESISTANCE_S, self._ask_again, task)

    def _ask_again(self, task: LegTask) -> None:
        task.cancel()
        self._ask_again_later(task)

    def _over(self, task: LegTask) -> None:
        self._ending.pop(task).cancel()
