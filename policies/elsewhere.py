"""Is there somebody better to ask than an endpoint that is known to be out?

A layer further out may know one that this call's candidates do not show: a retry has left out those it has tried, a
leg of a fallback has left out the models to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.errors import NoEndpoint
from ..router.ledger import Outcome
from .eligible import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..router.call import Call
    from ..router.health.outliers import Outliers
    from ..router.ledger import Attempt


def tries_before(call: Call) -> Sequence[Attempt]:
    """The tries this call has made at the models of its candidates."""
    attempts = call.ledger.attempts
    if not attempts:
        return ()
    models = {target.model for target in call.candidates}
    return [attempt for attempt in attempts if attempt.endpoint.model in models]


def look_elsewhere(call: Call, before: Sequence[Attempt], outliers: Outliers) -> None:
    """All candidates are out: say so if another layer has somebody better.

    before: the tries that this call has made at their models.

    Raises:
        NoEndpoint: there is somebody better.
    """
    if before:
        ejected = {target.endpoint for target in outliers.out}
        for attempt in before:
            if attempt.endpoint not in ejected and _may_be_asked_again(attempt):
                name = attempt.endpoint.name
                raise NoEndpoint(f"all that is untried is out, and {name}, which was tried, is not: ask it again")
    elif _another_model_follows(call, outliers):
        raise NoEndpoint(f"every endpoint of {call.target.model} is out: {Told(call.candidates, outliers.out)}")


def _may_be_asked_again(attempt: Attempt) -> bool:
    """Whether somebody else sees to it: it is still running, or a retry may go there again."""
    if attempt.outcome is Outcome.RUNNING:
        return True
    return attempt.error is not None and attempt.error.same and attempt.error.retryable


def _another_model_follows(call: Call, outliers: Outliers) -> bool:
    """Whether this is the leg of a fallback, with another to come that has an endpoint which is well."""
    if call.request.model is not None:
        return False
    models = call.route.models
    last = max(models.index(target.model) for target in call.candidates)
    return any(
        target.model in models[last + 1 :]
        and target not in outliers.out
        and (call.residency is None or target.region in call.residency)
        for target in outliers.targets
    )
