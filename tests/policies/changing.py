"""Endpoints that change: healthy until an instant, then something else, and perhaps healthy again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paceline.router.testing import Script, Scripted

if TYPE_CHECKING:
    from paceline.router import Call, Emit


class Changing(Scripted):
    """Follows the script of the hour.

    phases: seconds from which each is followed, and the script; the first from 0.0.
    """

    def __init__(self, *phases: tuple[float, Script]) -> None:
        super().__init__()
        self._phases = [(from_s, Scripted(script)) for from_s, script in phases]
        self.called_at: list[float] = []

    async def __call__(self, call: Call, emit: Emit) -> None:
        now_s = call.clock()
        self.called_at.append(now_s)
        *_, current = (phase for from_s, phase in self._phases if from_s <= now_s)
        await current(call, emit)

    def calls_between(self, from_s: float, to_s: float) -> int:
        """Calls that came from one instant until before another."""
        return sum(from_s <= at_s < to_s for at_s in self.called_at)
