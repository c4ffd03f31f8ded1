"""Endpoints with prompt caches: each its own, of so many prefixes, forgotten some minutes after they were last used."""

from __future__ import annotations

import random
from collections import OrderedDict
from contextlib import nullcontext
from typing import TYPE_CHECKING

import anyio

from paceline.router import Chunk, Usage

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from paceline.router import Call, Clock, Emit, Endpoint, Handler

CHARACTERS = 4096
PREFIX_TOKENS = CHARACTERS // 4
FORGETS_AFTER_S = 300.0

UNCACHED_S = 0.9
"""Seconds to the first token of a prompt of which nothing is cached; a cached prefix saves most of them."""
CACHED_S = 0.3


class Cache:
    """Prefixes of one endpoint, the latest *holds* of them."""

    def __init__(self, holds: int) -> None:
        self._holds = holds
        self._used_at_s: OrderedDict[str, float] = OrderedDict()

    def reads(self, prefix: str, now_s: float) -> bool:
        """Whether *prefix* is there; from now on it is."""
        used_at_s = self._used_at_s.get(prefix)
        self._used_at_s[prefix] = now_s
        self._used_at_s.move_to_end(prefix)
        if len(self._used_at_s) > self._holds:
            self._used_at_s.popitem(last=False)
        return used_at_s is not None and now_s - used_at_s < FORGETS_AFTER_S


class Caching:
    """A `Provider` whose endpoints cache prompts.

    holds: prefixes that one of them keeps; 0: none does. slower: factors by the endpoint's name.
    calls, hits: by the endpoint's name, those that were asked and those of them that were read from its cache.
    """

    def __init__(self, dice: random.Random, *, holds: int = 40, slower: dict[str, float] | None = None) -> None:
        self._dice = dice
        self._holds = holds
        self.slower = slower or {}
        self._caches: dict[str, Cache] = {}
        self.calls: dict[str, int] = {}
        self.hits: dict[str, int] = {}

    @property
    def name(self) -> str:
        """For reports."""
        return "caching"

    def check(self, endpoint: Endpoint) -> None:
        """Every endpoint will do."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Nothing to open."""
        del clock
        return nullcontext(self)

    async def __call__(self, call: Call, emit: Emit, /) -> None:
        """Answer, the sooner the more is cached."""
        name = call.target.name
        cache = self._caches.setdefault(name, Cache(self._holds))
        text = str(call.request.messages[0]["content"])
        hit = cache.reads(text[:CHARACTERS], call.clock()) and self._holds > 0
        self.calls[name] = self.calls.get(name, 0) + 1
        self.hits[name] = self.hits.get(name, 0) + hit
        slower = self.slower.get(name, 1.0)
        await anyio.sleep((CACHED_S if hit else UNCACHED_S) * slower * self._dice.lognormvariate(0.0, 0.15))
        await emit(Chunk("ok"))
        await anyio.sleep(0.5 * slower)
        usage = Usage(input_tokens=call.prompt_tokens, output_tokens=25, cached_tokens=PREFIX_TOKENS if hit else 0)
        await emit(Chunk(finish_reason="stop", usage=usage))
