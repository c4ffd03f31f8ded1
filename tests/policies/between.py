"""Policies to put between two others: one that sees what the outer one has decided, one that leaves no choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler


async def nobody(call: Call, emit: Emit, next: Handler, /) -> None:
    """Leave no candidate."""
    await next(call.with_(candidates=()), emit)


class Seen:
    """Passes every call on as it is, and keeps it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self.calls.append(call)
        await next(call, emit)

    @property
    def order(self) -> list[str]:
        """The candidates of the last call, the preferred first."""
        return [target.name for target in self.calls[-1].candidates]

    @property
    def tied(self) -> set[str]:
        """Those of them that are as good as the first."""
        return set(self.order[: self.calls[-1].tied])
