"""How these tests make an endpoint ill: as if its last calls had failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paceline.router.testing import virtual_clock

if TYPE_CHECKING:
    from paceline.router import Router

ENOUGH = 8
"""Failures in a row after which it stays ill for twenty seconds."""


def fall_ill(router: Router, *names: str) -> None:
    """Let these endpoints have failed just now."""
    for name in names:
        target = router.fleet[name]
        for _ in range(ENOUGH):
            target.learned.recent.outcome(failed=True, now_s=virtual_clock())
        target.learned._startle(virtual_clock())
