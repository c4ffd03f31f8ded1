"""What it takes to be ejected, for how long, and how one comes back: the numbers health is judged by."""

from __future__ import annotations

import attrs

from .. import check
from ..errors import ConfigurationError


@attrs.frozen(kw_only=True)
class HealthRules:
    """The options of health. A policy extends them, and says there what each of them means.

    Raises:
        ConfigurationError: a number is out of its range, or the longest ejection is shorter than the first.
    """

    failures: int = attrs.field(default=5, validator=check.count(1))
    success_ratio: float = attrs.field(default=0.8, validator=check.chance)
    window_s: float = attrs.field(default=30.0, validator=check.positive)
    outcomes: int = attrs.field(default=20, validator=check.count(1))
    eject_for_s: float = attrs.field(default=5.0, validator=check.positive)
    eject_at_most_s: float = attrs.field(default=300.0, validator=check.positive)
    most_ejected: float = attrs.field(default=0.5, validator=check.share)
    slow_start_s: float = attrs.field(default=30.0, validator=check.at_least_zero)
    aggression: float = attrs.field(default=1.0, validator=check.positive)

    def __attrs_post_init__(self) -> None:
        if self.eject_at_most_s < self.eject_for_s:
            raise ConfigurationError(
                f"{type(self).__name__}: eject_at_most_s ({self.eject_at_most_s:g}) must be at least eject_for_s "
                f"({self.eject_for_s:g})"
            )
