"""How an attempt ended, in one word: for a label, never the message of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ..ledger import Outcome

if TYPE_CHECKING:
    from ..errors import AttemptFailed
    from ..ledger import Attempt

Ending: TypeAlias = "tuple[Outcome, type[AttemptFailed] | None]"
"""The outcome, and the class of the error if the attempt has one."""

OTHER_TYPE = "_OTHER"
"""An error of no known type, as the conventions call it."""

TYPES = {Outcome.OK: None, Outcome.CANCELLED: "CancelledError", Outcome.TIMED_OUT: "DeadlineExceeded"}
"""Types of error of attempts without an error of their own. One that was cut short is told from one that is done."""

REASONS = {Outcome.OK: None, Outcome.CANCELLED: None, Outcome.TIMED_OUT: "deadline"}
"""The same in Paceline's words. Cancelled is not failed."""


def ending_of(attempt: Attempt) -> Ending:
    """How *attempt* ended."""
    return attempt.outcome, None if attempt.error is None else type(attempt.error)


def error_type(ending: Ending) -> str | None:
    """The class of the error an attempt ended with; None if it ended well."""
    outcome, error = ending
    return TYPES.get(outcome, OTHER_TYPE) if error is None else error.__name__


def reason_of(ending: Ending) -> str | None:
    """Why it failed or was cut off, such as ``rate_limited``; None if it did not."""
    outcome, error = ending
    return REASONS.get(outcome, "failed") if error is None else error.reason
