"""The caller's own ``emit``, and whether what went wrong was its doing.

What the caller's function raises is the caller's own error and comes back to it as it was; what a policy raises is a
`PolicyFailed`. The two look alike when they arrive, so it must be known where an error began. A coroutine function has
left its frame in the traceback, which costs nothing until something is raised. Of anything else that can be awaited
each call is watched, for a quarter of a microsecond a chunk.
"""

from __future__ import annotations

import inspect
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .chunk import Chunk
    from .pipeline import Emit


class Receiver:
    """One caller.

    emit: what to hand chunks to.
    """

    __slots__ = ("_code", "_emit", "_error", "emit")

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._code = _code_of(emit)
        self._error: Exception | None = None
        self.emit: Emit = self._watched if self._code is None else emit

    def has_left(self, failure: Exception) -> bool:
        """Whether a call failed because the caller's function raised."""
        cause = failure.__cause__
        if cause is None or self._code is None:
            return cause is not None and cause is self._error
        trace = cause.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code is self._code:
                return True
            trace = trace.tb_next
        return False

    async def _watched(self, chunk: Chunk) -> None:
        try:
            await self._emit(chunk)
        except Exception as error:
            self._error = error
            raise


def _code_of(emit: Emit) -> CodeType | None:
    """The code that runs when *emit* is awaited; None if it is not a coroutine function, bound or not."""
    code = getattr(emit, "__code__", None) or getattr(getattr(type(emit), "__call__", None), "__code__", None)
    return code if isinstance(code, CodeType) and code.co_flags & inspect.CO_COROUTINE else None
