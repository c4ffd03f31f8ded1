"""What a failed attempt says about its endpoint, made of what its error says of health (`router.errors`).

A cancelled attempt says nothing, nor does one cut off by the caller's own deadline, nor a request that no endpoint
would take. A refused key or a spent quota says that no call will succeed until somebody does something about it. A 429
is the vendor's word on now, and no fault. Everything else that is laid at the endpoint's door is a fault of it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from ..ledger import Outcome
from ..verdict import Health

if TYPE_CHECKING:
    from ..ledger import Attempt


DENIALS = {
    "authentication": "the vendor does not accept its key: check api_key",
    "permission": "its key may not use this model: check what api_key is allowed to",
    "quota": "its quota is used up",
}
"""For people, by the error's word."""


class Fault(enum.Enum):
    """What a failure is laid to."""

    ENDPOINT = "endpoint"
    LIMIT = "limit"
    """It asks for fewer calls."""
    CREDENTIAL = "credential"
    """It serves no call with this key, or on this account."""
    UNPROVEN = "unproven"
    """A policy gave it up for being slow, sooner than its own limit: no fault, and no proof of health either."""


FAULTS = {Health.ENDPOINT: Fault.ENDPOINT, Health.LIMIT: Fault.LIMIT, Health.CREDENTIAL: Fault.CREDENTIAL}
"""By what the error says of health. What it has to do with our own configuration is no fault of the endpoint's."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A failed attempt, as far as health is concerned.

    sent_s: when it was sent. reason: the error's word. retry_after_s: seconds it asks to be left alone, above 0.
    """

    fault: Fault
    sent_s: float
    reason: str
    retry_after_s: float | None = None

    @property
    def why(self) -> str:
        """What it says, for people."""
        denial = DENIALS.get(self.reason)
        if denial is not None:
            return denial if self.retry_after_s is None else f"{denial}, for {self.retry_after_s:g} s"
        if self.retry_after_s is not None:
            return f"it asks to be left alone for {self.retry_after_s:g} s ({self.reason})"
        if self.fault is Fault.LIMIT:
            return f"it asks for fewer calls, and does not say for how long ({self.reason})"
        return f"it failed ({self.reason})"


def failure_of(attempt: Attempt, *, blame: bool) -> Failure | None:
    """What an attempt without an answer says; None: nothing about its endpoint.

    blame: whether the failure is the endpoint's, not the caller's or a policy's.
    """
    error = attempt.error
    if error is None:
        return None
    fault = FAULTS.get(error.health)
    if fault is None or (fault is Fault.ENDPOINT and not blame):
        if attempt.outcome is not Outcome.TIMED_OUT:
            return None
        fault = Fault.UNPROVEN
    return Failure(fault=fault, sent_s=attempt.sent_s, reason=error.reason, retry_after_s=error.retry_after_s or None)
