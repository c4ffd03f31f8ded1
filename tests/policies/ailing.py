"""Endpoints made to fail, without the calls it takes: their attempts are told to the router, as `dispatch` would."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from paceline.router import Attempt, Outcome
from paceline.router.errors import AttemptFailed, ProviderError
from paceline.router.events import Listeners
from paceline.router.testing import Scripted, answers, endpoint, virtual_clock

from .asking import hello

if TYPE_CHECKING:
    from paceline.policies import Breaker
    from paceline.router import Endpoint, Router, Target


WELL = answers(0.25)
REQUEST = hello(model="m")


def several(names: str, **fields: object) -> list[Endpoint]:
    """Endpoints that are well, one a letter."""
    return [endpoint(name, Scripted(WELL), **fields) for name in names]


def watched(router: Router, breaker: Breaker) -> Router:
    """The router, its health kept by the rules of *breaker* from now on and not from its first call."""
    next(iter(router.fleet)).outliers.follow(breaker, random.Random(1), Listeners([]))
    return router


def attempted(target: Target, error: AttemptFailed | None = None) -> None:
    """An attempt that took no time."""
    now_s = virtual_clock()
    attempt = Attempt(endpoint=target.endpoint, number=1, sent_s=now_s, finished_s=now_s, error=error)
    attempt.outcome = Outcome.OK if error is None else Outcome.FAILED
    target.finished(attempt, now_s, blame=error is not None and error.blames_endpoint)


def fall_ill(
    router: Router, *names: str, error: Callable[[], AttemptFailed] = lambda: ProviderError("as scripted")
) -> None:
    """Five attempts at each of *names* that have failed."""
    for name in names:
        for _ in range(5):
            attempted(router.fleet[name], error())


def out(router: Router) -> list[str]:
    """Who is out."""
    return [target.name for target in router.fleet if target in target.outliers.out]


def until_s(router: Router, name: str) -> float:
    """When one that is out is to be tried; it is an error of the test if it is in."""
    health = router.fleet[name].health
    assert health is not None
    assert health.ejection is not None
    return health.ejection.until_s
