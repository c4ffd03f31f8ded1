"""Which call goes when and where, decided before anything is sent."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import attrs


@attrs.frozen
class Due:
    """One call. number: from 0, over all endpoints. at_s: seconds from the start of the run."""

    number: int
    endpoint: str
    at_s: float


@attrs.frozen(kw_only=True)
class Plan:
    """What is sent.

    calls: to each endpoint, at least 1. rate: calls a second to each endpoint, above 0.
    prompt_tokens, max_tokens: of each call, at least 1. at_once: calls in flight at one endpoint, at least 1; those
        beyond wait here. timeout_s: for each, above 0. seed: of the order and the prompts.
    """

    calls: int = 30
    rate: float = 1.0
    prompt_tokens: int = 500
    max_tokens: int = 128
    at_once: int = 8
    timeout_s: float = 60.0
    seed: int = 1

    @property
    def seconds(self) -> float:
        """From the start until the last round has been sent."""
        return self.calls / self.rate

    def schedule(self, endpoints: Sequence[str]) -> Iterator[Due]:
        """Every call in order of time. In each round every endpoint has one, in an order of that round's own.

        A round is spread evenly over its time, so that no two endpoints are asked in the same instant.
        """
        dice = random.Random(self.seed)
        apart_s = 1.0 / (self.rate * len(endpoints))
        number = 0
        for _ in range(self.calls):
            for endpoint in dice.sample(endpoints, len(endpoints)):
                yield Due(number, endpoint, number * apart_s)
                number += 1
