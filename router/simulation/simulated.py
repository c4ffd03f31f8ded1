"""Endpoints that exist in this process only, as fast and as reliable as they are told to be.

For trying the router out without a key, for tests, and for simulating an hour of traffic: it sleeps on the event
loop's clock, so under `paceline.router.testing.run` an hour takes seconds, and every run with one seed is the same.

Each endpoint has dice of its own, made from the seed and its name, and every call throws them equally often. So what
one endpoint draws does not depend on how many others there are, nor on how often they were called.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from contextlib import nullcontext
from itertools import cycle, islice
from typing import TYPE_CHECKING

import anyio
import attrs

from .. import check
from ..chunk import Chunk, Usage
from ..errors import ConfigurationError
from ..operation import EMBEDDING, EVERY_OPERATION, Operation
from ..request import expected_tokens
from .behaviour import Behaviour
from .vectors import vectors_for

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractAsyncContextManager

    from ..call import Call
    from ..clock import Clock
    from ..endpoint import Endpoint
    from ..errors import AttemptFailed
    from ..pipeline import Emit, Handler

OUTPUT_TOKENS = "output_tokens"
"""Key of a request's metadata: how long its answer will be, whatever the router expects of it."""

WORDS = ("the", "first", "word", "is", "what", "a", "person", "waits", "for")


def _behaviours(value: Mapping[str, Behaviour]) -> Mapping[str, Behaviour]:
    return dict(value)


@attrs.frozen(kw_only=True, eq=False)
class Simulated:
    """A `Provider` whose endpoints are simulated. They can do every operation; embeddings come at their first token.

    behaviour: of every endpoint that *by_endpoint* does not name. Default: `Behaviour()`.
    by_endpoint: behaviours by the endpoint's name.
    seed: of the dice. Default 0.
    name: in reports. Default ``simulated``.
    """

    behaviour: Behaviour = attrs.field(factory=Behaviour, validator=check.one_of(Behaviour))
    by_endpoint: Mapping[str, Behaviour] = attrs.field(factory=dict[str, Behaviour], converter=_behaviours)
    seed: int = attrs.field(default=0, validator=check.one_of(int))
    name: str = attrs.field(default="simulated", validator=check.named)

    def __attrs_post_init__(self) -> None:
        for name, behaviour in self.by_endpoint.items():
            given: object = behaviour  # whatever the types promise
            if not isinstance(given, Behaviour):
                raise ConfigurationError(f"Simulated: by_endpoint[{name!r}] must be a Behaviour, not {given!r}")

    @property
    def operations(self) -> AbstractSet[Operation]:
        """All there are."""
        return EVERY_OPERATION

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint can be simulated."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Endpoints with nothing in flight and fresh dice. Incidents are timed from here."""
        return nullcontext(_Simulation(self, clock))


class _Simulation:
    """The handler: the endpoints of one router."""

    __slots__ = ("_began_s", "_clock", "_endpoints", "_settings")

    def __init__(self, settings: Simulated, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._began_s = clock()
        self._endpoints: dict[str, _Live] = {}

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """One answer of the call's target."""
        name = call.target.name
        live = self._endpoints.get(name)
        if live is None:
            settings = self._settings
            behaviour = settings.by_endpoint.get(name, settings.behaviour)
            live = self._endpoints[name] = _Live(name, behaviour, random.Random(f"{settings.seed}:{name}"))
        live.in_flight += 1
        try:
            await live.answer(call, emit, self._clock() - self._began_s)
        finally:
            live.in_flight -= 1


class _Live:
    """One simulated endpoint, with its load and its dice."""

    __slots__ = ("_behaviour", "_dice", "_name", "in_flight")

    def __init__(self, name: str, behaviour: Behaviour, dice: random.Random) -> None:
        self._name = name
        self._behaviour = behaviour
        self._dice = dice
        self.in_flight = 0

    async def answer(self, call: Call, emit: Emit, at_s: float) -> None:
        """Answer *call*, which came *at_s* seconds after the start."""
        it, began_s = self._behaviour, call.clock()
        spread, tail, luck = self._dice.gauss(0.0, it.sigma), self._dice.random(), self._dice.random()
        slowness = it.slowness(at_s)
        if luck < it.failing(at_s):
            await anyio.sleep(it.round_trip_s + it.error_after_s)
            raise self._failure()
        ttft_s = it.ttft_under_load(self.in_flight, call.prompt_tokens) * slowness * math.exp(spread)
        if tail < it.tail:
            ttft_s *= it.tail_factor
        first_s = began_s + it.round_trip_s + ttft_s
        gap_s = it.s_per_token_under_load(self.in_flight) * slowness
        if it.pace_sigma:
            gap_s *= math.exp(self._dice.gauss(0.0, it.pace_sigma))
        if call.request.operation is EMBEDDING:
            await anyio.sleep(max(0.0, first_s - call.clock()))
            usage = Usage(input_tokens=call.prompt_tokens, output_tokens=0)
            await emit(Chunk(embeddings=vectors_for(call.request), usage=usage))
            return
        tokens = _length(call)
        usage = Usage(input_tokens=call.prompt_tokens, output_tokens=tokens)
        at_once = it.tokens_per_chunk if call.request.stream else tokens
        for sent in range(0, tokens, at_once):
            more = min(at_once, tokens - sent)
            due_s = first_s + (sent if call.request.stream else tokens - 1) * gap_s
            await anyio.sleep(max(0.0, due_s - call.clock()))
            await emit(Chunk(text=_words(sent, more)))
        await emit(Chunk(finish_reason="length" if tokens == call.max_tokens else "stop", usage=usage))

    def _failure(self) -> AttemptFailed:
        failure = self._behaviour.error("failed, as simulated", endpoint=self._name)
        failure.retry_after_s = self._behaviour.retry_after_s
        return failure


def _length(call: Call) -> int:
    """Tokens of the answer: as the request's metadata say, else as many as are expected; none above the cap."""
    wanted = call.request.metadata.get(OUTPUT_TOKENS)
    if not isinstance(wanted, int):
        return expected_tokens(call.request, call.max_tokens)
    return wanted if call.max_tokens is None else min(wanted, call.max_tokens)


def _words(begin: int, count: int) -> str:
    """Words of an answer, from its *begin*-th, each with the space before it but the very first."""
    start = begin % len(WORDS)
    text = " ".join(islice(cycle(WORDS), start, start + count))
    return f" {text}" if begin else text
