"""The books of a diagnosis: every second of the change entered under one cause and one endpoint.

    change = what the mix of endpoints did  +  what two tails of one mix differ by, part by part

A part that goes with a size, such as the time an answer of its length usually takes, is divided: what all calls have
grown by goes to the size, the rest to the tail's make-up. Whatever one cause is given beyond its due another one gets
less of, so the sum is right by construction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .diagnosis_evidence import Calls
from .diagnosis_mix import of_one_mix
from .diagnosis_parts import Part, Taken
from .diagnosis_result import Cause, Headline
from .diagnosis_sizes import Growth
from .diagnosis_tail import band
from .diagnosis_usual import name_of

CAUSE_OF = {
    Part.QUEUE: Cause.PROVIDER_QUEUE,
    Part.DECODE: Cause.DECODE_SPEED,
    Part.WRITING: Cause.WRITING,
    Part.WAY: Cause.NETWORK,
    Part.SLOT: Cause.OWN_QUEUE,
    Part.ELSEWHERE: Cause.RETRIES,
    Part.HELD: Cause.SLOW_READER,
}
"""Parts that are something's doing; the others say what calls are."""

SIZES = {
    Part.PROMPT: Cause.PROMPT_SIZE,
    Part.CACHED: Cause.CACHED_PROMPT,
    Part.ANSWER: Cause.OUTPUT_LENGTH,
}
"""Parts that go with a size."""

AFTER = frozenset({Cause.OUTPUT_LENGTH, Cause.DECODE_SPEED, Cause.WRITING, Cause.SLOW_READER})
"""Causes at work after the first token: nothing of theirs is in the time to it."""


class Books:
    """Seconds by cause and endpoint, which add up to the change of the tail.

    before, now: the two tails at one mix of endpoints; what they differ by is everything but the mix.
    """

    __slots__ = ("_entries", "before", "now")

    def __init__(self, before: Sequence[Taken], now: Sequence[Taken], headline: Headline) -> None:
        """Neither may be empty."""
        self._entries: dict[Cause, dict[str, list[float]]] = {
            cause: {} for cause in Cause if headline is Headline.TOTAL or cause not in AFTER
        }
        mix = of_one_mix([name_of(call.row) for call in before], [name_of(call.row) for call in now])
        as_they_are = _tail(before), _tail(now)
        self.before, self.now = as_they_are if mix is None else (_tail(before, mix[0]), _tail(now, mix[1]))
        if mix is not None:
            for sign, tail, of_one_mix_ in ((-1.0, as_they_are[0], self.before), (1.0, as_they_are[1], self.now)):
                self._enter_mix(tail, sign)
                self._enter_mix(of_one_mix_, -sign)
        unexplained = Cause.ENDPOINT_MIX if mix is None else Cause.TAIL_MAKEUP
        self._enter_parts(self.before, -1.0, unexplained)
        self._enter_parts(self.now, 1.0, unexplained)
        for part, cause in SIZES.items():
            self._enter_growth(part, cause, unexplained, before, now)

    def where(self, cause: Cause) -> dict[str, float]:
        """Seconds of one cause by endpoint."""
        return {name: math.fsum(entries) for name, entries in sorted(self._entries[cause].items())}

    def seconds(self, cause: Cause) -> float:
        """Of one cause, in all."""
        return math.fsum(entry for entries in self._entries[cause].values() for entry in entries)

    def causes(self) -> list[Cause]:
        """Those that can move the headline."""
        return [*self._entries]

    def _enter(self, cause: Cause, call: Taken, seconds: float) -> None:
        self._entries[cause].setdefault(name_of(call.row), []).append(seconds)

    def _enter_mix(self, tail: Calls, sign: float) -> None:
        for call, weight in zip(tail.calls, tail.weights, strict=True):
            self._enter(Cause.ENDPOINT_MIX, call, sign * weight * call.seconds)

    def _enter_parts(self, tail: Calls, sign: float, unexplained: Cause) -> None:
        for call, weight in zip(tail.calls, tail.weights, strict=True):
            for part, seconds in call.parts.items():
                self._enter(CAUSE_OF.get(part, unexplained), call, sign * weight * seconds)

    def _enter_growth(
        self, part: Part, cause: Cause, unexplained: Cause, before: Sequence[Taken], now: Sequence[Taken]
    ) -> None:
        """Half of it as it looks from the tail before, half as it looks from the tail now."""
        sizes = [[call.parts[part] for call in calls if part in call.parts] for calls in (before, now)]
        if not all(sizes):
            return
        growth = Growth(*sizes)
        for tail, grown in ((self.before, growth.of_one_before), (self.now, growth.of_one_now)):
            for call, weight in zip(tail.calls, tail.weights, strict=True):
                if part in call.parts:
                    seconds = 0.5 * weight * grown(call.parts[part])
                    self._enter(cause, call, seconds)
                    self._enter(unexplained, call, -seconds)


def _tail(calls: Sequence[Taken], weights: Sequence[float] | None = None) -> Calls:
    around = band([call.seconds for call in calls], [1.0] * len(calls) if weights is None else weights)
    return Calls([calls[position] for position, _ in around], [weight for _, weight in around])
