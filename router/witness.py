"""Who is told of what a call sends, as it sends it: a policy that counts, or waits for, the attempts inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .ledger import Attempt
    from .target import Target


class Witness(Protocol):
    """Told of each attempt that is made with the view it stands in. Who takes that place tells the one before."""

    def sent(self, target: Target, attempt: Attempt, /) -> None:
        """An attempt is on its way to the provider. Must not await, nor raise."""
        ...
