"""A scripted provider whose answers say what is left of its rates, as a vendor's headers do."""

from __future__ import annotations

from paceline.router import Call, Emit, RateLimits
from paceline.router.testing import Scripted, answers


class RatedScripted(Scripted):
    """Answers after a tenth of a second; every attempt has *limits*."""

    def __init__(self, limits: RateLimits) -> None:
        super().__init__(answers(0.1))
        self._limits = limits

    async def __call__(self, call: Call, emit: Emit) -> None:
        """One answer."""
        assert call.attempt is not None
        call.attempt.headers_s = call.clock()
        call.attempt.rate_limits = self._limits
        await super().__call__(call, emit)
