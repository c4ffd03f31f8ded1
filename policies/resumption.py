"""The ways to go on with an answer that broke off: refuse to, start again, or (`splice`) continue where it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.chunk import Chunk
    from .said import Said


class Leg(Protocol):
    """One more try at an answer that broke off.

    call: the view it is made with; its candidates are of one model.
    """

    @property
    def call(self) -> Call:
        """The view."""
        ...

    async def emit(self, chunk: Chunk, /) -> None:
        """Take a chunk of it, and pass on to the caller what is new."""
        ...

    async def end(self) -> None:
        """It was answered to its end: pass on what was held back."""
        ...


@runtime_checkable
class Resumption(Protocol):
    """A way to go on. ``keeps``: whether what the caller has stays part of the answer."""

    @property
    def keeps(self) -> bool:
        """Whether what the caller has stays valid."""
        ...

    def hinders(self, call: Call, said: Said) -> str | None:
        """Why an answer that has come so far cannot go on this way; None: it can."""
        ...

    def leg(self, call: Call, said: Said) -> Leg:
        """Another try, with the candidates of *call*."""
        ...


@attrs.frozen
class Refuse:
    """What broke off ends in its error, as without the policy. Nothing is watched more closely than usual."""


@attrs.frozen
class Restart:
    """Void what the caller has, by a chunk that says ``discard``, and answer anew elsewhere.

    For callers who know that chunk and can take back what they have shown; others would show the answer twice. It
    works for whatever an answer is made of. The chunk comes with the new answer's first word, not before: until then
    the caller keeps what there is.
    """

    @property
    def keeps(self) -> bool:
        """Nothing of it stays."""
        return False

    def hinders(self, call: Call, said: Said) -> str | None:
        """Nothing does."""
        del call, said
        return None

    def leg(self, call: Call, said: Said) -> Leg:
        """The call as it was, elsewhere."""
        return _Anew(call, said)


class _Anew:
    """The answer, from its beginning."""

    __slots__ = ("_begun", "_said", "call")

    def __init__(self, call: Call, said: Said) -> None:
        self.call = call
        self._said = said
        self._begun = False

    async def emit(self, chunk: Chunk, /) -> None:
        """The first chunk that is passed on voids what was said."""
        if not self._begun:
            self._begun = True
            await self._said.begin_anew()
        await self._said.emit(chunk)

    async def end(self) -> None:
        """Nothing was held back."""
