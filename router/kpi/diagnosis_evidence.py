"""What speaks for a cause besides its seconds: how its own figure has moved, and where it is at work."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from .diagnosis_parts import Part, Taken
from .diagnosis_result import Cause
from .diagnosis_usual import name_of

MOST = 0.8
"""A contribution is of one place if that place has this share of it."""

Figure: TypeAlias = Callable[[Taken], float | None]


def _seconds(part: Part) -> Figure:
    return lambda call: call.parts.get(part, 0.0)


MEASURES: Mapping[Cause, tuple[str, Figure]] = {
    Cause.PROMPT_SIZE: ("input tokens", lambda call: call.row.input_tokens),
    Cause.CACHED_PROMPT: ("cached tokens", lambda call: call.row.cached_tokens),
    Cause.PROVIDER_QUEUE: ("s to the first token beyond what is usual there", _seconds(Part.QUEUE)),
    Cause.NETWORK: ("s on the way", _seconds(Part.WAY)),
    Cause.OUTPUT_LENGTH: ("output tokens", lambda call: call.row.output_tokens),
    Cause.DECODE_SPEED: ("s of writing beyond what is usual there", _seconds(Part.DECODE)),
    Cause.WRITING: ("s of writing", _seconds(Part.WRITING)),
    Cause.OWN_QUEUE: ("s waiting for a slot", _seconds(Part.SLOT)),
    Cause.RETRIES: ("s before the attempt that answered", _seconds(Part.ELSEWHERE)),
    Cause.ENDPOINT_MIX: ("", lambda _: None),
    Cause.SLOW_READER: ("s taken over by the caller", _seconds(Part.HELD)),
    Cause.TAIL_MAKEUP: ("", lambda _: None),
}
"""What each cause is measured by, with its unit; the last two have no figure of their own."""


class Calls(msgspec.Struct, frozen=True):
    """Some calls, each with its weight; the weights add up to 1."""

    calls: Sequence[Taken]
    weights: Sequence[float]

    def mean(self, figure: Figure) -> float | None:
        """Of those that have the figure; None if none has that counts."""
        weighed: list[float] = []
        known: list[float] = []
        for call, weight in zip(self.calls, self.weights, strict=True):
            value = figure(call)
            if value is not None:
                weighed.append(value * weight)
                known.append(weight)
        total = math.fsum(known)
        return math.fsum(weighed) / total if total else None

    def shares(self) -> dict[str, float]:
        """Of the calls, by endpoint."""
        shares: dict[str, float] = {}
        for call, weight in zip(self.calls, self.weights, strict=True):
            name = name_of(call.row)
            shares[name] = shares.get(name, 0.0) + weight
        return shares


def all_of(calls: Sequence[Taken]) -> Calls:
    """Every call, alike."""
    return Calls(calls, [1.0 / len(calls)] * len(calls))


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The calls a diagnosis is made of: those around the p95 at one mix of endpoints, and all that count."""

    tail_before: Calls
    tail_now: Calls
    all_before: Calls
    all_now: Calls

    def place(self, where: Mapping[str, float], seconds: float) -> str | None:
        """The one endpoint of several, or else the one region of several, that has most of a contribution."""
        regions = self.regions()
        if seconds == 0.0 or len(regions) < 2:
            return None
        shares = {name: share_s / seconds for name, share_s in where.items()}
        at_one = next((name for name, share in shares.items() if share >= MOST), None)
        return at_one or self._region(shares, regions)

    def _region(self, shares: Mapping[str, float], regions: Mapping[str, str | None]) -> str | None:
        """The region that has most, if it has it at more than one endpoint, and is not the only one there is."""
        names = sorted({region for region in regions.values() if region is not None})
        for region in names if len(names) > 1 else []:
            inside = [share for name, share in shares.items() if regions[name] == region]
            if math.fsum(inside) >= MOST and sum(share > (1.0 - MOST) / len(inside) for share in inside) > 1:
                return region
        return None

    def regions(self) -> dict[str, str | None]:
        """The region of every endpoint that answered."""
        return {name_of(call.row): call.row.region for side in (self.all_before, self.all_now) for call in side.calls}

    def moved(self) -> list[tuple[str, float, float]]:
        """The endpoint that has lost most of all calls and the one that has won most: name, share before and now."""
        before, now = self.all_before.shares(), self.all_now.shares()
        by_gain = sorted({**before, **now}, key=lambda name: now.get(name, 0.0) - before.get(name, 0.0))
        return [(name, before.get(name, 0.0), now.get(name, 0.0)) for name in dict.fromkeys((by_gain[0], by_gain[-1]))]
