"""A provider that does exactly what a test says, and counts what was asked of it.

A script is a list of steps, each at its time after the call began. It ends with a chunk that has a finish reason, an
end marker, a failure or a cut, or with nothing more, which is silence. One script per call, in order; the last repeats.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

import anyio
import attrs

from ..chunk import Chunk, Usage
from ..endpoint import Endpoint
from ..errors import AttemptFailed, TruncatedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractAsyncContextManager

    from ..call import Call
    from ..clock import Clock
    from ..pipeline import Emit, Handler


@attrs.frozen
class Say:
    """At *at_s* after the call began, send *chunk*."""

    at_s: float
    chunk: Chunk


@attrs.frozen
class Fail:
    """At *at_s*, raise what *error* makes."""

    at_s: float
    error: Callable[[], BaseException]


@attrs.frozen
class Silence:
    """Say nothing more, for ever."""


@attrs.frozen
class Cut:
    """At *at_s*, the stream ends with neither finish reason nor end marker."""

    at_s: float


@attrs.frozen
class End:
    """At *at_s*, the answer ends with its end marker, whether or not a finish reason was said."""

    at_s: float


@attrs.frozen
class Resist:
    """Ignore being cancelled for *for_s*, then give in. Stands first in a script."""

    for_s: float


Step: TypeAlias = Say | Fail | Silence | Cut | End | Resist
Script: TypeAlias = tuple[Step, ...]


def answers(ttft_s: float, *words: str, gap_s: float = 0.0, usage: Usage | None = None) -> Script:
    """A good answer: the first word after *ttft_s*, the others *gap_s* apart, the finish with the last."""
    said = words or ("ok",)
    steps: list[Step] = [Say(ttft_s + number * gap_s, Chunk(word)) for number, word in enumerate(said)]
    ends_s = ttft_s + (len(said) - 1) * gap_s
    return (*steps, Say(ends_s, Chunk(finish_reason="stop", usage=usage or Usage(output_tokens=len(said)))))


def fails(at_s: float, error: Callable[[], BaseException] | type[AttemptFailed]) -> Script:
    """No answer: the error, after *at_s*."""
    if isinstance(error, type):
        kind = error
        return (Fail(at_s, lambda: kind("as scripted")),)
    return (Fail(at_s, error),)


SILENT: Script = (Silence(),)


class Scripted:
    """A `Provider` that follows scripts.

    scripts: one for each call, in order; the last repeats.
    calls, live, most_live: calls seen, in progress now, and in progress at most.
    """

    def __init__(self, *scripts: Script, name: str = "scripted") -> None:
        self._scripts = scripts or (answers(0.0),)
        self._name = name
        self.calls = 0
        self.live = 0
        self.most_live = 0
        self.seen: list[Call] = []

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    def check(self, endpoint: Endpoint) -> None:
        """Everything can be called."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """There is nothing to open."""
        del clock
        return nullcontext(self)

    async def __call__(self, call: Call, emit: Emit) -> None:
        """Follow the next script."""
        script = self._scripts[min(self.calls, len(self._scripts) - 1)]
        self.calls += 1
        self.seen.append(call)
        with self._counted():
            began_s = call.clock()
            try:
                for step in script:
                    await _follow(step, began_s, call, emit)
                if not any(_is_end(step) for step in script):
                    await anyio.sleep_forever()
            except BaseException:
                await _resist(script)
                raise

    @contextmanager
    def _counted(self) -> Generator[None]:
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        try:
            yield
        finally:
            self.live -= 1


async def _follow(step: Step, began_s: float, call: Call, emit: Emit) -> None:
    if isinstance(step, Resist):
        return
    if isinstance(step, Silence):
        await anyio.sleep_forever()
    else:
        await anyio.sleep(max(0.0, began_s + step.at_s - call.clock()))  # a slow caller delays what follows
    if isinstance(step, Say):
        await emit(step.chunk)
    elif isinstance(step, Fail):
        raise step.error()
    elif isinstance(step, Cut):
        raise TruncatedAnswer("cut, as scripted", endpoint=call.target.name)


def _is_end(step: Step) -> bool:
    return isinstance(step, End) or (isinstance(step, Say) and step.chunk.finish_reason is not None)


async def _resist(script: Script) -> None:
    for step in script:
        if isinstance(step, Resist):
            with anyio.CancelScope(shield=True):
                await anyio.sleep(step.for_s)


def endpoint(name: str, provider: Scripted, **fields: object) -> Endpoint:
    """An endpoint of *provider*, with model ``m`` in region ``here`` unless *fields* say otherwise."""
    given: dict[str, object] = {"model": "m", "region": "here", **fields}
    return Endpoint(name=name, provider=provider, **given)  # type: ignore[arg-type]
