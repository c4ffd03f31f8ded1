"""Endpoints that behave as they were seen to: the provider of a replay.

An attempt at an endpoint does what one of its recorded attempts did: one of those nearest in time, and among them of
the nearest prompt size and load. So drift, incidents and queues under load are there, as far as they were seen. The
draw depends on the seed, the call and the endpoint alone: two configurations that send the same call to the same place
meet the same fate there, and what differs is what they chose.

What was cut off (a timeout, a caller who left, the loser of a race) is known to take at least so long. Such an attempt
is given the time of a slower one that was seen to its end; where there is none, twice its own. That is Efron's reading
of Kaplan and Meier, the redistribution to the right, and keeps what was cut off from being taken for fast.

What nobody has seen cannot be replayed: how an endpoint would bear a load far above any it had. An endpoint that is new
behaves as its profile says; if it has none, it cannot be replayed, and that is said before anything starts.

Source: Efron, "The two sample problem with censored data" (1967).
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from statistics import median
from typing import TYPE_CHECKING

import anyio
import attrs
import msgspec

from ...router import Chunk, Operation, Usage
from ...router.errors import AttemptFailed, ProviderError, TruncatedAnswer
from ...router.operation import EVERY_OPERATION

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ...router import Call, Clock, Emit, Endpoint, Handler
    from .recording import AttemptRecord, CallRecord

NUMBER = "replay.number"
TOKENS = "replay.tokens"
"""Keys of a request's metadata: which call of the recording it is, and how long its answer will be."""

NEAR_IN_TIME = 64
NEAR_IN_KIND = 8
PIECES = 8
"""A replayed answer comes in so few pieces: enough for what watches the gaps between them."""

MADE_BY_DISPATCH = frozenset({"timeout", "interrupted"})


class Seen(msgspec.Struct, frozen=True):
    """One recorded attempt. at_s: when it was sent. size: logarithm of its prompt tokens, to base 2."""

    at_s: float
    size: float
    what: AttemptRecord

    @property
    def is_cut_off(self) -> bool:
        """Whether it was still waiting for its first token when it was ended from here."""
        return self.what.outcome in {"timed_out", "cancelled"} and self.what.ttft_s is None

    @property
    def first_s(self) -> float | None:
        """Seconds to the first token; of an answer in one piece, to all of it. None: it never came."""
        if self.what.ttft_s is not None:
            return self.what.ttft_s
        return self.what.total_s if self.what.outcome == "ok" else None


class Past:
    """All that was seen of one endpoint, in order of time."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        self._seen = sorted(seen, key=lambda each: each.at_s)
        self._times_s = [each.at_s for each in self._seen]
        self._firsts_s = sorted(first_s for each in seen if (first_s := each.first_s) is not None)
        self.tpot_s = median([each.what.tpot_s for each in seen if each.what.tpot_s is not None] or [0.02])

    def like(self, at_s: float, size: float, in_flight: int, dice: random.Random) -> Seen:
        """One of the recorded attempts that are most like such a one."""
        place = bisect_left(self._times_s, at_s)
        begin = max(0, min(place - NEAR_IN_TIME // 2, len(self._seen) - NEAR_IN_TIME))
        load = math.log2(max(1, in_flight))
        near = sorted(
            self._seen[begin : begin + NEAR_IN_TIME],
            key=lambda each: abs(each.size - size) + abs(math.log2(max(1, each.what.in_flight)) - load),
        )
        return dice.choice(near[:NEAR_IN_KIND])

    def longer_than(self, cut_s: float, dice: random.Random) -> float:
        """The time to a first token that had not come after *cut_s* seconds."""
        place = bisect_left(self._firsts_s, cut_s)
        return dice.choice(self._firsts_s[place:]) if place < len(self._firsts_s) else 2.0 * cut_s


def pasts_of(calls: Sequence[CallRecord]) -> dict[str, Past]:
    """What was seen of each endpoint, by name."""
    seen: dict[str, list[Seen]] = {}
    for call in calls:
        for attempt in call.attempts:
            size = math.log2(max(1, attempt.tokens_in or call.prompt_tokens))
            seen.setdefault(attempt.endpoint, []).append(Seen(call.at_s + attempt.at_s, size, attempt))
    return {name: Past(each) for name, each in seen.items()}


@attrs.frozen(kw_only=True, eq=False)
class Recorded:
    """A `Provider` whose endpoints do again what they were seen to do.

    name: of the provider it stands for. pasts: by endpoint. seed: of the draws.
    """

    name: str
    pasts: Mapping[str, Past] = attrs.field(repr=False)
    seed: int

    @property
    def operations(self) -> frozenset[Operation]:
        """All: its endpoints say what they can do."""
        return EVERY_OPERATION

    def check(self, endpoint: Endpoint) -> None:
        """What cannot be replayed is told before, by `replayed`."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Endpoints with nothing in flight. The recording begins now."""
        return nullcontext(_Playing(self, clock))


class _Playing:
    """The handler."""

    def __init__(self, settings: Recorded, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._began_s = clock()

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """One attempt."""
        name, metadata = call.target.name, call.request.metadata
        before = sum(attempt.endpoint.name == name for attempt in call.ledger.attempts)
        dice = random.Random(f"{self._settings.seed}:{metadata[NUMBER]}:{name}:{before}")
        past, sent_s = self._settings.pasts[name], self._clock()
        size = math.log2(max(1, call.prompt_tokens))
        seen = past.like(sent_s - self._began_s, size, call.target.slots.in_flight, dice)
        first_s = past.longer_than(seen.what.total_s, dice) if seen.is_cut_off else seen.first_s
        if seen.what.outcome == "failed":
            await self._fail(call, emit, seen.what, first_s)
        if call.request.operation is Operation.EMBEDDING:
            await anyio.sleep(first_s or 0.0)
            await emit(Chunk(embeddings=((1.0,),), usage=Usage(input_tokens=call.prompt_tokens, output_tokens=0)))
            return
        tokens = metadata[TOKENS]
        if not isinstance(tokens, int) or first_s is None:
            raise TypeError("a replayed call says how long its answer is, and an attempt when it began")
        if call.max_tokens is not None:
            tokens = min(tokens, call.max_tokens)
        comes_whole = not seen.what.streamed or not call.request.stream
        tpot_s = 0.0 if not seen.what.streamed else seen.what.tpot_s or past.tpot_s
        begins_s = sent_s + first_s + (tpot_s * (tokens - 1) if comes_whole else 0.0)
        for after_s in [0.0] if comes_whole else _times_s((tokens - 1) * tpot_s):
            await anyio.sleep(max(0.0, begins_s + after_s - self._clock()))
            await emit(Chunk("w"))
        usage = Usage(input_tokens=call.prompt_tokens, output_tokens=tokens)
        await emit(Chunk(finish_reason="stop", usage=usage))

    async def _fail(self, call: Call, emit: Emit, seen: AttemptRecord, first_s: float | None) -> None:
        """Fail as it was seen to.

        Raises:
            AttemptFailed: always, after as long.
        """
        if first_s is not None:
            await anyio.sleep(first_s)
            await emit(Chunk("w"))
        await anyio.sleep(max(0.0, seen.total_s - (first_s or 0.0)))
        kind = TruncatedAnswer if first_s is not None else FAILURES.get(seen.reason or "", ProviderError)
        raise kind("failed, as recorded", endpoint=call.target.name, retry_after_s=seen.retry_after_s)


def _times_s(generation_s: float) -> Iterator[float]:
    """When each piece of an answer comes, after the first."""
    for piece in range(PIECES):
        yield generation_s * piece / (PIECES - 1)


def _kinds(base: type[AttemptFailed]) -> Iterator[type[AttemptFailed]]:
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


FAILURES = {
    kind.reason: kind
    for kind in _kinds(AttemptFailed)
    if kind.__init__ is AttemptFailed.__init__ and kind.reason not in MADE_BY_DISPATCH
}
"""Kinds of failures by the word that a recording has for them."""
