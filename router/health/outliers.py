"""The endpoints of one fleet that stand out by failing: who is out, who is coming back, and who may be ejected.

One object a fleet, which every target knows. It lies idle until a policy gives it rules to follow; from then on
`Target` tells it how attempts went, whatever policies stand in the stack. Reading it costs a call two looks while
everybody is well: nothing is out, nobody is coming back.

By our own conclusion none goes out while half of its model's endpoints, in all of the fleet, are out already:
conclusions can be wrong for all at once, when it is our own network that fails. A vendor's word is no conclusion and
is not limited: calls sent there against it would fail for certain.

Sources: Envoy's outlier detection (ejection cap) and panic threshold.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..events import EndpointEjected, EndpointReturned
from ..ledger import OK
from .ejection import most_out
from .failure import failure_of
from .health import Health

if TYPE_CHECKING:
    import random
    from collections.abc import Collection

    from ..events import Listeners
    from ..ledger import Attempt
    from ..target import Target
    from .rules import HealthRules


class Outliers:
    """Who of *targets* is not simply in.

    rules: those that are followed; None: nobody watches, and nobody is ever out.
    out: targets that are out or on trial, with their health. returning: those that are eased in, with theirs.
    changes: grows whenever somebody goes out or comes back, or is out for another reason.
    """

    __slots__ = ("_dice", "_listeners", "_most_out", "changes", "out", "returning", "rules", "targets")

    def __init__(self, targets: Collection[Target]) -> None:
        self.targets = targets
        self._most_out: dict[str, int] = {}
        self._dice: random.Random
        self._listeners: Listeners
        self.rules: HealthRules | None = None
        self.changes = 0
        self.out: dict[Target, Health] = {}
        self.returning: dict[Target, Health] = {}

    def follow(self, rules: HealthRules, dice: random.Random, listeners: Listeners) -> None:
        """Watch all targets by *rules* from now on; all are in. The dice draw how long ejections last."""
        self.rules, self._dice, self._listeners = rules, dice, listeners
        peers = Counter(target.model for target in self.targets)
        self._most_out = {model: most_out(rules.most_ejected, count) for model, count in peers.items()}
        self.changes += 1
        self.out.clear()
        self.returning.clear()
        for target in self.targets:
            target.health = Health(rules)

    def tidy(self, now_s: float) -> None:
        """Let go of those whose pause or whose easing in is over."""
        for target, health in tuple(self.out.items()):
            if health.resume(now_s):
                self.changes += 1
                del self.out[target]
        for target, health in tuple(self.returning.items()):
            if health.weight(now_s) >= 1.0:
                del self.returning[target]

    # -- what targets tell

    def spoke(self, target: Target, health: Health, attempt: Attempt, now_s: float) -> None:
        """An attempt has its first progress."""
        ejection = health.ejection
        if ejection is not None and health.spoke(attempt.sent_s, now_s):
            self._returned(target, health, now_s, away_s=now_s - ejection.since_s)

    def finished(self, target: Target, health: Health, attempt: Attempt, now_s: float, *, blame: bool) -> None:
        """An attempt is over. *blame*: a failure is the endpoint's, not the caller's."""
        if attempt.outcome is OK:
            ejection = health.ejection
            if health.succeeded(attempt.sent_s, now_s) and ejection is not None:
                self._returned(target, health, now_s, away_s=now_s - ejection.since_s)
            return
        failure = failure_of(attempt, blame=blame)
        if failure is None:
            return
        news = health.failed(failure, now_s, self._dice, may_eject=self._may_eject(target))
        self.changes += health.ejection is not None
        if news:
            self._ejected(target, health, now_s)

    # -- how it is done

    def _may_eject(self, target: Target) -> bool:
        """Whether one more endpoint of this model may be out by our own conclusion."""
        out = sum(other.model == target.model for other in self.out)
        return out < self._most_out[target.model]

    def _ejected(self, target: Target, health: Health, now_s: float) -> None:
        self.out[target] = health
        self.returning.pop(target, None)
        if self._listeners and health.ejection is not None and not health.ejection.pause:
            self._listeners.tell(EndpointEjected(at_s=now_s, endpoint=target.endpoint, ejection=health.ejection))

    def _returned(self, target: Target, health: Health, now_s: float, *, away_s: float) -> None:
        self.changes += 1
        del self.out[target]
        if health.weight(now_s) < 1.0:
            self.returning[target] = health
        if self._listeners:
            self._listeners.tell(EndpointReturned(at_s=now_s, endpoint=target.endpoint, away_s=away_s))
