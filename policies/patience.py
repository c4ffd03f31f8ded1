"""How long to keep trying and how long to wait in between, as a configuration file can say it.

`Retry` takes tenacity's own stop and wait objects. Those have names of their own for what they count, and some throw
dice of their own. These make the ones that `Retry` can use, in the words that are used here.

    [[policies]]
    kind = "retry"
    stop = {kind = "after-tries", tries = 5}
    wait = {kind = "full-jitter", ceiling = {kind = "doubling", first_s = 0.5, most_s = 20}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import stop_after_attempt, stop_before_delay, wait_exponential, wait_fixed

from ..router.errors import ConfigurationError

if TYPE_CHECKING:
    from tenacity.stop import stop_base
    from tenacity.wait import wait_base


def after_tries(tries: int) -> stop_base:
    """Stop after so many tries, the first one counted; at least 1."""
    if tries < 1:
        raise ConfigurationError(f"after_tries: tries must be a whole number of at least 1, not {tries}")
    return stop_after_attempt(tries)


def after_time(time_s: float) -> stop_base:
    """Stop when another try would begin later than *time_s* seconds after the first one did; above 0."""
    return stop_before_delay(_above_zero("after_time: time_s", time_s))


def doubling(first_s: float = 0.25, most_s: float = 8.0) -> wait_base:
    """``min(most_s, first_s * 2^(n-1))`` seconds after the n-th failure; both above 0."""
    first_s, most_s = _above_zero("doubling: first_s", first_s), _above_zero("doubling: most_s", most_s)
    return wait_exponential(multiplier=first_s, max=most_s)


def steady(every_s: float) -> wait_base:
    """The same seconds after every failure; above 0."""
    return wait_fixed(_above_zero("steady: every_s", every_s))


def _above_zero(what: str, seconds: float) -> float:
    if seconds <= 0:
        raise ConfigurationError(f"{what} must be a number above 0, not {seconds:g}")
    return seconds
