"""A bench for balancers alone: live targets, no router around them, a hand clock, and calls that take known times."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from typing import TYPE_CHECKING

from paceline.router import Call, Lease, Ledger, Outcome, Profile, Request, Router, Target
from paceline.router.errors import ProviderError
from paceline.router.health.health import Health
from paceline.router.health.rules import HealthRules
from paceline.router.testing import Scripted, endpoint

from ..asking import routed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paceline.policies import Balancer


def targets(ttft_s: Mapping[str, float | None], *, slots: int | Mapping[str, int] | None = None) -> list[Target]:
    """One target a name, believed to take so long to its first token; None: of which nothing is believed."""
    endpoints = [
        endpoint(
            name,
            Scripted(),
            slots=slots[name] if slots is not None and not isinstance(slots, int) else slots,
            profile=None if believed_s is None else Profile(ttft_s=believed_s),
        )
        for name, believed_s in ttft_s.items()
    ]
    return list(routed(endpoints, []).fleet)


def alike(count: int, *, slots: int | None = None) -> list[Target]:
    """So many targets of which the same is believed."""
    return targets({f"t{number}": 0.25 for number in range(count)}, slots=slots)


class _ComingBack(Health):
    """That of one which is to get a quarter of its part."""

    __slots__ = ()

    def weight(self, now_s: float) -> float:
        return 0.25


def come_back(target: Target) -> None:
    """From now on its weight is a quarter."""
    target.health = _ComingBack(HealthRules())


def call_to(among: Sequence[Target], *, seed: int = 1, stream: bool = True) -> Call:
    """A call for which all of *among* are candidates, with seeded dice."""
    router = Router([target.endpoint for target in among], clock=lambda: 0.0, dice=random.Random(seed))
    admitted = router._admit(Request(messages="hello", model="m", stream=stream), streamed=stream)
    return admitted.with_(candidates=tuple(among))


def drawn(
    balancer: Balancer, among: Sequence[Target], calls: int, *, seed: int = 1, now_s: float = 0.0
) -> Counter[str]:
    """Who was picked how often by calls that take no time."""
    call = call_to(among, seed=seed)
    return Counter(balancer.choose(among, call, now_s).name for _ in range(calls))


class Run:
    """What came of a load: who was picked how often, and the load each was seen under."""

    def __init__(self) -> None:
        self.picked: Counter[str] = Counter()
        self._load: Counter[str] = Counter()
        self._seconds = 0.0

    def watch(self, among: Sequence[Target], seconds: float) -> None:
        """So long the load was what it is."""
        self._seconds += seconds
        for target in among:
            self._load[target.name] += target.slots.in_flight * seconds  # type: ignore[assignment]

    def mean_load(self, name: str) -> float:
        """Calls in flight there, on average over the time."""
        return self._load[name] / self._seconds


def under_load(
    balancer: Balancer, among: Sequence[Target], takes_s: Mapping[str, float], *, rate_per_s: float, seconds: float
) -> Run:
    """An open load; each call holds a slot for the time its target takes, its first token coming at the end of it."""
    run, call, dice = Run(), call_to(among), random.Random(2)
    ends: list[tuple[float, int, Target, Lease]] = []
    now_s, number, warm_s = 0.0, 0, seconds / 5
    while now_s < seconds:
        before_s, now_s = now_s, now_s + dice.expovariate(rate_per_s)
        while ends and ends[0][0] <= now_s:
            ended_s, _, target, lease = heapq.heappop(ends)
            if ended_s > warm_s:
                run.watch(among, ended_s - max(before_s, warm_s))
            before_s = ended_s
            answered(target, takes_s[target.name], ended_s)
            lease.release()
        if now_s > warm_s:
            run.watch(among, now_s - max(before_s, warm_s))
        target = balancer.choose(among, call, now_s)
        if now_s > warm_s:
            run.picked[target.name] += 1
        number += 1
        heapq.heappush(ends, (now_s + takes_s[target.name], number, target, target.slots.acquire_over_limit()))
    for *_, lease in ends:
        lease.release()
    return run


def answered(target: Target, ttft_s: float, now_s: float) -> None:
    """It has answered a call that was sent *ttft_s* ago, in one word."""
    attempt = Ledger(0.0, streamed=True).begin(target.endpoint, now_s - ttft_s)
    target.sent(attempt)
    attempt.first_progress_s = now_s
    target.spoke(attempt, now_s)
    attempt.outcome = Outcome.OK
    target.finished(attempt, now_s, blame=False)


def failed(target: Target, now_s: float, *, after_s: float = 0.001, retry_after_s: float | None = None) -> None:
    """It has failed a call that was sent *after_s* ago."""
    attempt = Ledger(0.0, streamed=True).begin(target.endpoint, now_s - after_s)
    target.sent(attempt)
    attempt.outcome = Outcome.FAILED
    attempt.error = ProviderError("no", retry_after_s=retry_after_s)
    target.finished(attempt, now_s, blame=True)
