"""One endpoint's health on its own, fed by hand."""

from __future__ import annotations

import random

from paceline.router import Ejection
from paceline.router.health.failure import Failure, Fault
from paceline.router.health.health import Health
from paceline.router.health.rules import HealthRules


class Patient(Health):
    """Health whose calls take no time unless said, and whose dice are seeded."""

    def __init__(self, rules: HealthRules | None = None, seed: int = 1) -> None:
        super().__init__(rules or HealthRules())
        self._dice = random.Random(seed)

    def fails(
        self,
        now_s: float,
        fault: Fault = Fault.ENDPOINT,
        *,
        sent_s: float | None = None,
        reason: str = "provider_error",
        retry_after_s: float | None = None,
        may_eject: bool = True,
    ) -> bool:
        """A call that was sent at *sent_s*, or just now, has failed."""
        sent_s = now_s if sent_s is None else sent_s
        failure = Failure(fault=fault, sent_s=sent_s, reason=reason, retry_after_s=retry_after_s)
        return self.failed(failure, now_s, self._dice, may_eject=may_eject)

    def answers(self, now_s: float, *, sent_s: float | None = None) -> bool:
        """A call that was sent at *sent_s*, or just now, has been answered."""
        return self.succeeded(now_s if sent_s is None else sent_s, now_s)

    def falls_ill(self, now_s: float = 0.0) -> Ejection:
        """Five failures in a row, and what follows."""
        for _ in range(5):
            self.fails(now_s)
        return self.out

    @property
    def out(self) -> Ejection:
        """The ejection; it is an error of the test if there is none."""
        assert self.ejection is not None
        return self.ejection
