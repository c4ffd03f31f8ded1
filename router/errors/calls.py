"""What a call can come to, but for its single tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .roots import PacelineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..chunk import Usage
    from ..ledger import Attempt, Decision, Ledger


class CallError(PacelineError):
    """A call failed. ``ledger`` is its full record, set on the way out of the router."""

    ledger: Ledger | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Copied and pickled as it is, but for its ledger: that holds live endpoints, and their keys."""
        return _remade, (type(self), self.args, {**self.__dict__, "ledger": None})

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Every try that was made, in order; empty when none was."""
        return self.ledger.attempts if self.ledger is not None else ()

    @property
    def decisions(self) -> Sequence[Decision]:
        """Every decision that was taken, in order, with its reason."""
        return self.ledger.decisions if self.ledger is not None else ()


def _remade(kind: type[CallError], args: tuple[object, ...], state: dict[str, object]) -> CallError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InvalidRequest(CallError, ValueError):
    """The request cannot be sent to anyone. The message says how to mend it."""

    reason = "invalid"


class UnknownRoute(InvalidRequest):
    """No route has this name."""


class UnknownModel(InvalidRequest):
    """No endpoint serves this model, or not on this route."""


class NoEndpoint(CallError):
    """No endpoint is left to choose from; the decisions say which policy dropped which."""

    reason = "no_endpoint"


class ResidencyUnmet(NoEndpoint):
    """No endpoint lies in a region this call is allowed to use. Nothing was sent."""

    reason = "residency"


class OperationUnmet(NoEndpoint):
    """No endpoint of the route can do what is asked for, such as embeddings. Nothing was sent.

    The message says what they can do.
    """

    reason = "operation"


class DeadlineExceeded(CallError):
    """The caller's deadline has passed.

    delivered: characters of text that had reached the caller. usage: what the vendor had reported; None if nothing.
    """

    reason = "deadline"

    def __init__(self, message: str, *, delivered: int = 0, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.delivered = delivered
        self.usage = usage


class DeadlineInsufficient(DeadlineExceeded):
    """What is left of the deadline is too little to begin another try. Nothing was started."""

    reason = "deadline_insufficient"


class PolicyFailed(CallError):
    """A policy raised an exception of its own, kept as ``__cause__``: a fault of that policy, not of an endpoint."""

    reason = "policy"


class CostLimitReached(CallError):
    """The money that the route may cost in this window is spent, or reserved for running calls. Nothing was sent.

    opens_in_s: seconds until the next window begins.
    """

    reason = "cost_limit"

    def __init__(self, message: str, *, opens_in_s: float) -> None:
        super().__init__(message)
        self.opens_in_s = opens_in_s


class EveryModelFailed(CallError):
    """Each model of the route was tried or passed over, and none answered. ``failures`` has one error a model."""

    reason = "every_model_failed"

    def __init__(self, failures: Sequence[tuple[str, CallError]]) -> None:
        told = "; ".join(f"{model}: {failure}" for model, failure in failures) or "the route has no model left to try"
        super().__init__(f"no model answered ({told})")
        self.failures = tuple(failures)
