"""How a simulated endpoint behaves: the numbers, and where they come from.

Time to first token has a tight body and a rare, heavy tail: at fixed prompt the standard deviation of its logarithm is
0.12 to 0.26 in 14 of 19 cells of the LLMPerf leaderboard (December 2023), while single cells have one call in a hundred
at fifty times the median. One wide distribution would have neither, so it is a mixture. Time per token varies little
within an endpoint and independently of it.

Under load both grow as in a published test of vLLM (Llama 3 8B on one A10G, ray-project/llmperf, pull request 42):
mean TTFT 137, 151, 171, 249, 303, 320, 1,080 ms and 31, 33, 34, 37, 43, 50, 62 ms a token at 1, 2, 4, ... 64 calls at
once: flat, and steep behind a knee at 32.
"""

from __future__ import annotations

from bisect import bisect_left

import attrs

from .. import check
from ..errors import AttemptFailed, AttemptTimeout, ConfigurationError, ProviderError, StreamInterrupted

AT_ONCE = (1, 2, 4, 8, 16, 32, 64)
TTFT_MS = (137, 151, 171, 249, 303, 320, 1080)
MS_A_TOKEN = (31, 33, 34, 37, 43, 50, 62)
KNEE_AT = 32


@attrs.frozen(kw_only=True)
class Incident:
    """A time in which an endpoint is slower, or fails more.

    from_s, to_s: when, in seconds since the router was opened; it ends before *to_s*.
    slower: factor on the time to the first token and per token, above 0. Default 1.
    error_rate: share of calls that fail, 0 to 1; what the behaviour has takes precedence when it is more. Default 0.
    """

    from_s: float = attrs.field(validator=check.at_least_zero)
    to_s: float = attrs.field(validator=check.positive)
    slower: float = attrs.field(default=1.0, validator=check.positive)
    error_rate: float = attrs.field(default=0.0, validator=check.chance)

    def __attrs_post_init__(self) -> None:
        if self.to_s <= self.from_s:
            raise ConfigurationError(f"Incident: to_s ({self.to_s:g}) must be after from_s ({self.from_s:g})")


@attrs.frozen(kw_only=True)
class Behaviour:
    """One endpoint's speed and reliability. Times in seconds.

    ttft_s: median time to the first token of a lone call, without the network; above 0. Default 0.3.
    prefill_s: seconds more for every thousand tokens of the prompt, at least 0. Default 0.
    sigma: standard deviation of its logarithm, at least 0. Default 0.2.
    tail, tail_factor: chance of an excursion, and how many times longer it makes the first token. Default 0.005 and 20.
    tokens_per_s: of a lone call, above 0. Default 50.
    pace_sigma: standard deviation of the logarithm of a call's time per token, at least 0. Default 0.
    tokens_per_chunk: at least 1. Default 1.
    round_trip_s: network time between the router and the endpoint's region, at least 0. Default 0.
    knee: calls at once that it bears well; above them the first token takes far longer. Default None: load does not
        matter to it.
    error_rate: share of calls that fail, 0 to 1. Default 0.
    error: how they fail. Default `ProviderError`.
    error_after_s: after how long, the network apart. Default 0.05.
    retry_after_s: what a failure tells of when to come back. Default None: nothing.
    incidents: times in which it is worse; where they overlap, factors multiply.
    """

    ttft_s: float = attrs.field(default=0.3, validator=check.positive)
    prefill_s: float = attrs.field(default=0.0, validator=check.at_least_zero)
    sigma: float = attrs.field(default=0.2, validator=check.at_least_zero)
    tail: float = attrs.field(default=0.005, validator=check.chance)
    tail_factor: float = attrs.field(default=20.0, validator=check.positive)
    tokens_per_s: float = attrs.field(default=50.0, validator=check.positive)
    pace_sigma: float = attrs.field(default=0.0, validator=check.at_least_zero)
    tokens_per_chunk: int = attrs.field(default=1, validator=check.count(1))
    round_trip_s: float = attrs.field(default=0.0, validator=check.at_least_zero)
    knee: int | None = attrs.field(default=None, validator=check.if_given(check.count(1)))
    error_rate: float = attrs.field(default=0.0, validator=check.chance)
    error: type[AttemptFailed] = attrs.field(default=ProviderError)
    error_after_s: float = attrs.field(default=0.05, validator=check.at_least_zero)
    retry_after_s: float | None = attrs.field(default=None, validator=check.if_given(check.at_least_zero))
    incidents: tuple[Incident, ...] = attrs.field(
        default=(),
        converter=tuple[Incident, ...],
        validator=attrs.validators.deep_iterable(check.one_of(Incident)),
    )

    def __attrs_post_init__(self) -> None:
        kind: object = self.error  # whatever the types promise
        made_by_dispatch = (AttemptTimeout, StreamInterrupted)
        if not (isinstance(kind, type) and issubclass(kind, AttemptFailed)) or issubclass(kind, made_by_dispatch):
            raise ConfigurationError(
                "Behaviour: error must be a class of AttemptFailed that an endpoint can raise, such as RateLimited; "
                "a timeout is made by a slow endpoint and a limit"
            )

    def slowness(self, at_s: float) -> float:
        """Factor of the incidents on, *at_s* seconds after the start."""
        factor = 1.0
        for incident in self.incidents:
            if incident.from_s <= at_s < incident.to_s:
                factor *= incident.slower
        return factor

    def failing(self, at_s: float) -> float:
        """Chance that a call begun *at_s* seconds after the start fails."""
        rates = [incident.error_rate for incident in self.incidents if incident.from_s <= at_s < incident.to_s]
        return max(self.error_rate, *rates, 0.0)

    def ttft_under_load(self, calls: int, prompt_tokens: int = 0) -> float:
        """Median seconds to the first token with *calls* in flight, this one included; without network."""
        return (self.ttft_s + self.prefill_s * prompt_tokens / 1000) * self._load(TTFT_MS, calls)

    def s_per_token_under_load(self, calls: int) -> float:
        """Seconds per token with *calls* in flight, this one included."""
        return self._load(MS_A_TOKEN, calls) / self.tokens_per_s

    def _load(self, curve: tuple[int, ...], calls: int) -> float:
        """What load does to a lone call's time: the published curve, with its knee moved to ours."""
        if self.knee is None:
            return 1.0
        scale = KNEE_AT / self.knee
        return _on(curve, calls * scale) / _on(curve, scale)


def _on(curve: tuple[int, ...], calls: float) -> float:
    """The curve at *calls*: straight between its points, and on at the last slope, as a queue grows."""
    right = min(max(bisect_left(AT_ONCE, calls), 1), len(AT_ONCE) - 1)
    left = right - 1
    slope = (curve[right] - curve[left]) / (AT_ONCE[right] - AT_ONCE[left])
    return curve[left] + (max(calls, 1.0) - AT_ONCE[left]) * slope
