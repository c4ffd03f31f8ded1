"""What a vendor allows a credential, as it is configured."""

from __future__ import annotations

import enum
from typing import Any

import attrs

from ..router import check
from ..router.errors import ConfigurationError


class Counts(enum.Enum):
    """What a vendor counts against its limits in tokens."""

    USED = "used"
    """What was really used. A call reserves its prompt and an answer of the likely length; usage settles it."""
    ALLOWED = "allowed"
    """The prompt and the most the answer may have, taken when the call is admitted and never given back. OpenAI and
    Azure OpenAI say that they do so. A call without ``max_tokens`` counts as with `USED`."""


LONGEST_BURST_S = 30.0


def _burst(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    check.at_least_zero(instance, attribute, value)
    if value > LONGEST_BURST_S:
        raise ConfigurationError(
            f"Quota: burst_s must be at most {LONGEST_BURST_S:g}, not {value!r}: more would be no smoothing"
        )


def _endpoints(value: object) -> tuple[str, ...]:
    return check.names(value, "Quota: endpoints")


@attrs.frozen(kw_only=True)
class Quota:
    """The limits of one credential; at least one of them must be given. None: not limited, as far as is known.

    endpoints: the names of those that share it, at least one.
    requests_per_min: calls; above 0. Default None.
    tokens_per_min: tokens in and out together; above 0. Default None.
    input_tokens_per_min, output_tokens_per_min: for vendors that count them apart; above 0. Default None.
    counts: what the vendor counts. Default `Counts.USED`.
    burst_s: seconds' worth that may go at once. Default 1.0; at least 0, up to 30. It is taken off the sustained rate,
        so that no minute has more than the limit: a second costs 1.7 %. One call may always go.

    What is configured here takes precedence over a limit that the vendor's headers name; what they say is left of it
    takes precedence when it is less.
    """

    endpoints: tuple[str, ...] = attrs.field(converter=_endpoints)
    requests_per_min: float | None = attrs.field(default=None, validator=check.if_given(check.positive))
    tokens_per_min: float | None = attrs.field(default=None, validator=check.if_given(check.positive))
    input_tokens_per_min: float | None = attrs.field(default=None, validator=check.if_given(check.positive))
    output_tokens_per_min: float | None = attrs.field(default=None, validator=check.if_given(check.positive))
    counts: Counts = attrs.field(default=Counts.USED, validator=check.one_of(Counts))
    burst_s: float = attrs.field(default=1.0, validator=_burst)

    def __attrs_post_init__(self) -> None:
        if not self.endpoints:
            raise ConfigurationError("Quota: endpoints is empty: name those that share it")
        if self.limits == (None, None, None, None):
            raise ConfigurationError("Quota: it limits nothing: give requests_per_min, tokens_per_min, or both")

    @property
    def limits(self) -> tuple[float | None, float | None, float | None, float | None]:
        """A minute's calls, tokens, tokens in and tokens out."""
        return self.requests_per_min, self.tokens_per_min, self.input_tokens_per_min, self.output_tokens_per_min
