"""What the end of a failed call means: the one error that comes out of it, and whether it counts as a failure.

A stack may raise anything. What comes out is one of Paceline's errors with the call's ledger; or the caller's own
cancellation, untouched. Whose a cancellation is, only the task knows (`inflight`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .errors import CallError, PacelineError, PolicyFailed
from .events import CallOutcome

if TYPE_CHECKING:
    from .inflight import InFlight
    from .ledger import Ledger
    from .receiver import Receiver


def meant(raised: BaseException, ledger: Ledger, in_flight: InFlight) -> BaseException:
    """The one error that comes out, of what a stack has raised."""
    if isinstance(raised, PacelineError):
        if isinstance(raised, CallError):
            raised.ledger = ledger
        return raised
    if isinstance(raised, Exception):
        failed = policy_failed(ledger, f"a policy raised {type(raised).__name__}: see the cause of this")
        failed.__cause__ = raised
        return failed
    if isinstance(raised, asyncio.CancelledError):
        return in_flight.meaning(raised, ledger) or policy_failed(
            ledger, "a policy was cancelled from within, though nobody had asked the call to end"
        )
    return raised


def outcome_of(failure: BaseException, receiver: Receiver | None) -> tuple[CallOutcome, str | None]:
    """How a call ended that was not answered, and why in a word. Who leaves by raising has left, and not failed."""
    if not isinstance(failure, Exception) or (receiver is not None and receiver.has_left(failure)):
        return CallOutcome.CANCELLED, None
    return CallOutcome.FAILED, failure.reason if isinstance(failure, PacelineError) else None


def policy_failed(ledger: Ledger, message: str) -> PolicyFailed:
    """The error of a stack that has broken its promise."""
    failed = PolicyFailed(message)
    failed.ledger = ledger
    return failed
