"""What `Chaos` can do to an answer: make it late, fail it, cut it off, let it drip, or keep it silent.

Each stands around the provider itself, inside the attempt. So limits, the commit point, breakers and windows meet it
as they would meet the real thing.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import anyio
import attrs

from ..router import check
from ..router.errors import (
    AttemptFailed,
    AttemptTimeout,
    ConfigurationError,
    ProviderError,
    StreamInterrupted,
    TruncatedAnswer,
)

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.chunk import Chunk
    from ..router.pipeline import Emit, Handler

INJECTED = "injected by Chaos"


@runtime_checkable
class Fault(Protocol):
    """Something that goes wrong with an attempt. ``word``: what it is called in ledgers."""

    @property
    def word(self) -> str:
        """One word, such as ``latency``."""
        ...

    async def befall(self, call: Call, emit: Emit, provider: Handler, dice: random.Random, /) -> None:
        """Answer *call* by *provider*, and let it go wrong."""
        ...


@attrs.frozen(kw_only=True)
class Latency:
    """The provider is called later, so everything comes later.

    least_s: seconds; at least 0.
    most_s: seconds; at least *least_s*. Each attempt's are drawn evenly between the two. Default: *least_s*.
    """

    least_s: float = attrs.field(validator=check.at_least_zero)
    most_s: float = attrs.field(
        default=attrs.Factory(lambda self: self.least_s, takes_self=True), validator=check.at_least_zero
    )

    word = "latency"

    def __attrs_post_init__(self) -> None:
        if self.most_s < self.least_s:
            raise ConfigurationError(f"Latency: most_s ({self.most_s:g}) must be at least least_s ({self.least_s:g})")

    async def befall(self, call: Call, emit: Emit, provider: Handler, dice: random.Random, /) -> None:
        """Wait, then call it."""
        await anyio.sleep(dice.uniform(self.least_s, self.most_s))
        await provider(call, emit)


def _raisable(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    made_by_dispatch = (AttemptTimeout, StreamInterrupted)
    if not (isinstance(value, type) and issubclass(value, AttemptFailed)) or issubclass(value, made_by_dispatch):
        raise ConfigurationError(
            f"Failure: {attribute.name} must be a class of AttemptFailed that an endpoint can raise, such as "
            f"RateLimited, not {value!r}; a timeout is made by Silence() and a limit"
        )


@attrs.frozen(kw_only=True)
class Failure:
    """The provider is not called at all, and fails.

    error: how. Default `ProviderError`.
    after_s: seconds it takes to. Default 0.05; at least 0.
    retry_after_s: what it says of when to come back. Default None: nothing; else at least 0.
    """

    error: type[AttemptFailed] = attrs.field(default=ProviderError, validator=_raisable)
    after_s: float = attrs.field(default=0.05, validator=check.at_least_zero)
    retry_after_s: float | None = attrs.field(default=None, validator=check.if_given(check.at_least_zero))

    word = "failure"

    async def befall(self, call: Call, emit: Emit, provider: Handler, dice: random.Random, /) -> None:
        """Wait, then fail."""
        del emit, provider, dice
        await anyio.sleep(self.after_s)
        failure = self.error(INJECTED, endpoint=call.target.name)
        failure.retry_after_s = self.retry_after_s
        raise failure


@attrs.frozen(kw_only=True)
class CutOff:
    """The answer ends in the middle, without a finish reason.

    after: pieces of progress that come before that. Default 1; at least 0. An answer that has fewer is cut before its
        finish reason.
    """

    after: int = attrs.field(default=1, validator=check.count(0))

    word = "cut"

    async def befall(self, call: Call, emit: Emit, provider: Handler, dice: random.Random, /) -> None:
        """Let so much pass, and then nothing, whatever the provider makes of it."""
        del dice
        left = self.after
        cut: TruncatedAnswer | None = None

        async def until_cut(chunk: Chunk) -> None:
            nonlocal left, cut
            if cut is None and chunk.finish_reason is None and (left or not chunk.is_progress):
                left -= chunk.is_progress
                await emit(chunk)
                return
            cut = cut or TruncatedAnswer(f"cut, {INJECTED}", endpoint=call.target.name)
            raise cut

        try:
            await provider(call, until_cut)
        except Exception:
            if cut is None:
                raise
        if cut is not None:
            raise cut


@attrs.frozen(kw_only=True)
class Drip:
    """Every piece of progress after the first comes later than the one before by so much more.

    gap_s: seconds that are added to each gap; above 0.
    """

    gap_s: float = attrs.field(validator=check.positive)

    word = "drip"

    async def befall(self, call: Call, emit: Emit, provider: Handler, dice: random.Random, /) -> None:
        """Hold each piece back for a while."""
        del dice
        begun = False

        async def drop_by_drop(chunk: Chunk) -> None:
            nonlocal begun
            if chunk.is_progress:
                if begun:
                    await anyio.sleep(self.gap_s)
                begun = True
            await emit(chunk)

        await provider(call, drop_by_drop)


@attrs.frozen(kw_only=True)
class Silence:
    """The provider says no more, and does not end either: some limit has to.

    after: pieces of progress that come before that. Default 0, and then the provider is not called at all; at least 0.
    """

    after: int = attrs.field(default=0, validator=check.count(0))

    word = "silence"

    async def befall(self, call: Call, emit: Emit, provider: Handler, dice: random.Random, /) -> None:
        """Let so much pass, and then hold on for ever."""
        del dice
        left = self.after

        async def until_silent(chunk: Chunk) -> None:
            nonlocal left
            if chunk.finish_reason is not None or (chunk.is_progress and not left):
                await anyio.sleep_forever()
            left -= chunk.is_progress
            await emit(chunk)

        if left:
            await provider(call, until_silent)
        await anyio.sleep_forever()
