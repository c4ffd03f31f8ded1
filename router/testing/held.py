"""What a router still holds: slots in use, places in queues, permits that were not given back.

Between calls it must be nothing, whatever became of the calls before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..router import Router


def held(router: Router) -> list[str]:
    """What is held, in words; empty if nothing is."""
    found: list[str] = []
    for target in router.fleet:
        slots = target.slots
        if slots.in_flight or slots.used:
            found.append(f"{slots.in_flight} call{'s' * (slots.in_flight != 1)} at {target.name!r} with a slot")
        if slots.waiting:
            found.append(f"{slots.waiting} waiting for a slot of {target.name!r}")
    if router.budget.in_flight:
        found.append(f"permits for extra attempts that were not given back: {router.budget.in_flight}")
    return found


def assert_nothing_held(router: Router) -> None:
    """Assert that no slot, no place in a queue and no permit of a router is in use.

    Raises:
        AssertionError: naming what is.
    """
    found = held(router)
    if found:
        raise AssertionError(f"the router still holds something: {'; '.join(found)}")
