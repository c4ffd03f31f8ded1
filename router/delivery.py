"""An attempt's chunks on their way to the caller: marks, commit point, and what is kept back until it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

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

    __slots__ = ("_call", "_emit", "_held", "_target", "attempt", "characters", "refused", "watchdog")

    def __init__(self, call: Call, target: Target, attempt: Attempt, emit: Emit, watchdog: Watchdog) -> None:
        self._call = call
        self._target = target
        self._emit = emit
        self._held: list[Chunk] = []
        self.attempt = attempt
        self.watchdog = watchdog
        self.characters = 0
        """Of text, passed on so far."""
        self.refused: Exception | None = None
        """What passing a chunk on raised: the caller's or a policy's error, whatever the provider makes of it."""

    async def emit(self, chunk: Chunk) -> None:
        """Take one chunk from the provider."""
        attempt = self.attempt
        now_s = self._call.clock()
        if chunk.usage is not None:
            attempt.usage = chunk.usage
        if chunk.finish_reason is not None:
            attempt.finish_reason = chunk.finish_reason
        progress = chunk.text or chunk.reasoning or chunk.refusal or chunk.tool_calls
        if attempt.first_progress_s is None:
            if attempt.first_event_s is None:
                attempt.first_event_s = now_s
            if not progress:
                self._hold(chunk)
                return
            await self._begin(now_s)
        watchdog = self.watchdog
        watchdog.held = True
        try:
            await self._emit(chunk)
        except Exception as error:
            self.refused = error
            raise
        finally:
            watchdog.held = False
        if progress:
            attempt.last_progress_s = now_s
            self.characters += len(chunk.text)
            watchdog.go_on(self._call.clock())

    def _hold(self, chunk: Chunk) -> None:
        if len(self._held) < MOST_HELD or chunk.finish_reason is not None:
            self._held.append(chunk)

    async def forward(self, chunk: Chunk) -> None:
        """Pass on a chunk that is no progress."""
        try:
            await self._emit(chunk)
        except Exception as error:
            self.refused = error
            raise

    async def complete(self) -> None:
        """The provider has returned. An answer may be empty, but not absent.

        Raises:
            TruncatedAnswer: nothing came that could be called an answer.
        """
        if self.refused is not None:
            raise self.refused
        if self.attempt.first_progress_s is None:
            if self.attempt.finish_reason is None:
                raise TruncatedAnswer("the answer ended before it began", endpoint=self._target.name)
            await self._release_held()

    async def _begin(self, now_s: float) -> None:
        if self.watchdog.passed is not None:
            await anyio.sleep_forever()  # given up in this very tick: the cancellation is on its way
        self.attempt.first_progress_s = now_s
        self._target.spoke(self.attempt, now_s)
        if self._call.ledger.streamed:
            self._call.ledger.committed = True
        await self._release_held()

    async def _release_held(self) -> None:
        held, self._held = self._held, []
        for chunk in held:
            await self.forward(chunk)
