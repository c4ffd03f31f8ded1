"""How long to back off before another try: random, so that clients that failed together do not come back together.

Two ways, and what each does to the waits of one call:

    full            U(0, ceiling(n)), n the failures so far        the default; spreads best
    decorrelated    min(cap, U(base, 3 * the wait before))         never near 0, and may shrink again

Neither draws from what the other returned, and no draw is the base of the next ceiling: that is how full jitter
collapses to nothing. The dice are the call's.

Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs
from tenacity import wait_exponential
from tenacity.wait import (
    wait_base,
    wait_chain,
    wait_combine,
    wait_exponential_jitter,
    wait_random,
    wait_random_exponential,
)

from ..router import check
from ..router.errors import ConfigurationError

if TYPE_CHECKING:
    import random

    from tenacity import RetryCallState

THROWS_ITS_OWN_DICE = (wait_random, wait_random_exponential, wait_exponential_jitter)


@runtime_checkable
class Jitter(Protocol):
    """A way to draw waits."""

    def wait_s(self, state: RetryCallState, before_s: float | None, dice: random.Random) -> float:
        """Seconds to wait before the next try.

        state: tenacity's account of the call so far. before_s: the last wait that was drawn; None for the first.
        """
        ...


def _fixed(instance: object, attribute: attrs.Attribute[wait_base], value: wait_base) -> None:
    check.one_of(wait_base)(instance, attribute, value)
    if _throws_dice(value):
        raise ConfigurationError(
            f"FullJitter: {attribute.name} must draw nothing itself, because the jitter below it is drawn with the "
            f"router's dice, and {type(value).__name__} does: give wait_exponential, wait_fixed or wait_incrementing"
        )


def _throws_dice(wait: object) -> bool:
    """Whether a wait is random, or put together of waits of which one is."""
    if isinstance(wait, wait_combine):
        return any(map(_throws_dice, wait.wait_funcs))
    if isinstance(wait, wait_chain):
        return any(map(_throws_dice, wait.strategies))
    return isinstance(wait, THROWS_ITS_OWN_DICE)


@attrs.frozen
class FullJitter:
    """``U(0, ceiling(n))``.

    ceiling: tenacity's wait object, in seconds, one that draws nothing itself. Default
        ``wait_exponential(multiplier=0.25, max=8)``, which is ``min(8, 0.25 * 2^(n-1))``.
    """

    ceiling: wait_base = attrs.field(factory=lambda: wait_exponential(multiplier=0.25, max=8), validator=_fixed)

    def __repr__(self) -> str:
        return f"FullJitter({told(self.ceiling)})"

    def wait_s(self, state: RetryCallState, before_s: float | None, dice: random.Random) -> float:
        """As `Jitter.wait_s`."""
        del before_s
        return dice.uniform(0.0, self.ceiling(state))


@attrs.frozen(kw_only=True)
class DecorrelatedJitter:
    """``min(cap, U(base, 3 * before))``, the first from ``U(base, 3 * base)``.

    base_s: seconds that every wait takes at least. Default 0.25; above 0.
    cap_s: seconds that none exceeds. Default 8; at least *base_s*.
    """

    base_s: float = attrs.field(default=0.25, validator=check.positive)
    cap_s: float = attrs.field(default=8.0, validator=check.positive)

    def __attrs_post_init__(self) -> None:
        if self.cap_s < self.base_s:
            raise ConfigurationError(
                f"DecorrelatedJitter: cap_s must be at least base_s ({self.base_s:g}), not {self.cap_s:g}"
            )

    def wait_s(self, state: RetryCallState, before_s: float | None, dice: random.Random) -> float:
        """As `Jitter.wait_s`."""
        del state
        return min(self.cap_s, dice.uniform(self.base_s, 3.0 * (before_s or self.base_s)))


def told(limit: object) -> str:
    """A stop or wait object in words: tenacity's have no repr, but their parameters are plain attributes."""
    given = ", ".join(f"{name}={value!r}" for name, value in vars(limit).items())
    return f"{type(limit).__name__}({given})"
