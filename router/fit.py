"""Does a stack fit the fleet it is to work with?

A policy is built before its router and alone, so it cannot know whether the endpoints and routes that it names exist.
One that names some says so by a method ``check_fleet``; the router asks it once, when it is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from .fleet import Fleet
    from .pipeline import Policy


@runtime_checkable
class FitsSomeFleets(Protocol):
    """A policy that cannot work with every fleet."""

    def check_fleet(self, fleet: Fleet, /) -> None:
        """Refuse a fleet that it cannot work with.

        Raises:
            ConfigurationError: with what to mend.
        """
        ...


def check_fit(policies: Sequence[Policy], fleet: Fleet) -> None:
    """Ask every policy that cares.

    Raises:
        ConfigurationError: one of them cannot work with *fleet*.
    """
    for policy in policies:
        if isinstance(policy, FitsSomeFleets):
            policy.check_fleet(fleet)
