"""An attempt's chunks on their way to the caller: marks, commit point, and what is kept back until it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .chunk import DISCARD
from .errors import TruncatedAnswer

if TYPE_CHECKING:
    from .call import Call
    from .chunk import Chunk
    from .ledger import Attempt
    from .pipeline import Emit
    from .target import Target
    from .watchdog import Watchdog

MOST_HELD = 16
"""Chunks that say nothing and are kept back at most; a vendor sends one or two."""


class Delivery:
    """The ``emit`` that a provider is given.

    Until the first progress nothing is passed on: the caller must not see the beginning of an answer that another
    endpoint may yet replace. The first progress commits the answer, if the caller sees the pieces as they come.
    """

    __slots__ = (
        "_call",
        "_clock",
        "_emit",
        "_held",
        "_ready_s",
        "_target",
        "attempt",
        "begun",
        "finished",
        "refused",
        "watchdog",
    )

    def __init__(self, call: Call, target: Target, attempt: Attempt, emit: Emit, watchdog: Watchdog) -> None:
        self._call = call
        self._clock = call.clock
        self._target = target
        self._emit = emit
        self._held: list[Chunk] | None = None
        self._ready_s = 0.0
        self.attempt = attempt
        self.watchdog = watchdog
        self.begun = False
        """Something was passed on."""
        self.finished = False
        """The caller has the chunk that carries the finish reason: the answer is complete, whatever comes after."""
        self.refused: Exception | None = None
        """What passing a chunk on raised: the caller's or a policy's error, whatever the provider makes of it."""

    async def emit(self, chunk: Chunk) -> None:
        """Take one chunk from the provider. The hot path of a stream: its steps stand in one place."""
        began_s = self._clock()
        attempt, watchdog = self.attempt, self.watchdog
        says_something = True if chunk.text else self._says_otherwise(chunk)
        is_last = chunk.finish_reason is not None
        if is_last or chunk.usage is not None or chunk.reasoning or attempt.first_event_s is None:
            self._mark(chunk, began_s)
        if says_something:
            if attempt.last_progress_s is not None:
                gap_s = began_s - self._ready_s
                if attempt.longest_gap_s is None or gap_s > attempt.longest_gap_s:
                    attempt.longest_gap_s = gap_s
            attempt.last_progress_s = began_s
        elif not self.begun and not is_last:
            self._hold(chunk)
            return
        watchdog.held = True
        try:
            if not self.begun:
                await self._begin(began_s, says_something=says_something)
            await self._emit(chunk)
        except Exception as error:
            self.refused = error
            raise
        finally:
            watchdog.held = False
        now_s = self._clock()
        attempt.held_s += now_s - began_s  # the time the caller took over it is not the endpoint's
        if says_something:
            attempt.characters += len(chunk.text)
            self._ready_s = now_s
        if not says_something or is_last or self.finished or watchdog.ready_s is None:
            self._passed(began_s, now_s, says_something=says_something, is_last=is_last)
        else:
            watchdog.ready_s = now_s

    def _says_otherwise(self, chunk: Chunk) -> bool:
        """Whether a chunk without text is progress all the same."""
        if chunk.is_progress:
            self.attempt.wordless += _wordless(chunk)
            return True
        return False

    def _mark(self, chunk: Chunk, now_s: float) -> None:
        attempt = self.attempt
        if attempt.first_event_s is None:
            attempt.first_event_s = now_s
        if chunk.reasoning:
            attempt.reasoned = True
        if chunk.usage is not None:
            attempt.usage = chunk.usage
        if chunk.finish_reason is not None:
            attempt.finish_reason = chunk.finish_reason

    def _hold(self, chunk: Chunk) -> None:
        if self._held is None:
            self._held = []
        if len(self._held) < MOST_HELD:
            self._held.append(chunk)

    def _passed(self, began_s: float, now_s: float, *, says_something: bool, is_last: bool) -> None:
        """The caller has the first of it, the end, or what was no progress."""
        if is_last:
            self.finished = True
            self.watchdog.linger(now_s)
        elif says_something and not self.finished:
            self.watchdog.go_on(now_s)
        elif not self.finished:
            self.watchdog.pardon(now_s - began_s)

    async def discard(self) -> None:
        """Tell a caller who takes the answer whole that what came so far is void."""
        await self._emit(DISCARD)

    def complete(self) -> None:
        """The provider has returned.

        Raises:
            TruncatedAnswer: nothing came that could be called an answer; an empty one has a finish reason.
        """
        if self.refused is not None:
            raise self.refused
        if not self.begun:
            raise TruncatedAnswer("the answer ended before it began", endpoint=self._target.name)

    async def _begin(self, now_s: float, *, says_something: bool) -> None:
        """The answer begins, with its first progress or, if it is empty, with its finish: nothing is held back now."""
        if self.watchdog.passed is not None:
            await anyio.sleep_forever()  # given up in this very tick: the cancellation is on its way
        self.begun = True
        if self._call.ledger.streamed:
            self._call.ledger.committed = True
        held, self._held = self._held, None
        for chunk in held or ():
            await self._emit(chunk)
        if says_something:
            self.attempt.first_progress_s = now_s
            self._target.spoke(self.attempt, now_s)


def _wordless(chunk: Chunk) -> int:
    """Characters of progress that is no text, at least one: of other choices, and of embeddings, that many will do."""
    arguments = sum(len(delta.arguments) for delta in chunk.tool_calls)
    others = sum(len(other.text) for other in chunk.others)
    return len(chunk.reasoning) + len(chunk.refusal) + arguments + others or 1
