"""The health of one endpoint: a circuit breaker as a plain state machine, fed with outcomes, time and dice.

    in ──failures, or the vendor's word──▶ out ──time is over──▶ on trial ──one call goes well──▶ in, eased in
                                            ▲                        │
                                            └──it fails: for longer──┘

On trial (half-open) one call goes there, the *probe*. Leave for it is given and returned without an ``await``, and it
is returned however the call ends: a probe that was cancelled, or that showed nothing, leaves the place to the next
call. So it can neither let a crowd in nor get stuck. For a stream, the first progress is proof enough: an answer may
take a minute. Any other answer from a call that was sent after the ejection proves as much as the probe's.

What was sent before an ejection says nothing about what came after: stragglers neither end it nor lengthen it, and
are not counted against an endpoint that has returned. But a vendor's word on when to come back holds whenever it is
said, the later of two holds, and only what is sent after it can show that it holds no more.

Sources: Finagle's failure accrual and linkerd2's breaker; Envoy's outlier detection, of which an ejection counts for
less with every window passed in health.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .ejection import Ejection, ejected_for_s
from .failure import Fault
from .outcomes import Outcomes
from .probe import Probe
from .slow_start import ramp

if TYPE_CHECKING:
    import random

    from .failure import Failure
    from .rules import HealthRules

PAUSE_S = 1.0
"""A vendor that asks for less than this has a full queue, not a trouble: one call at a time would cost more."""

LONGEST_TOLD_S = 86_400.0
"""A day. Whoever asks for more will be asked again."""


class Health:
    """Whether one endpoint is in. Everything is O(1) and synchronous; times are seconds on the router's clock.

    ejection: why it is out; None while it is in. probe: the one under way; None if there is none.
    """

    __slots__ = (
        "_in_a_row",
        "_outcomes",
        "_ramp_s",
        "_returned_s",
        "_rules",
        "_since_s",
        "_times",
        "ejection",
        "probe",
    )

    def __init__(self, rules: HealthRules) -> None:
        self._rules = rules
        self._outcomes = Outcomes(rules.window_s)
        self._in_a_row = 0
        self._since_s = -math.inf
        self._returned_s = -math.inf
        self._ramp_s = 0.0
        self._times = 0
        self.ejection: Ejection | None = None
        self.probe: Probe | None = None

    # -- what is asked

    def weight(self, now_s: float) -> float:
        """What it may be given, as a share of its part: below 1 while it is eased in."""
        since_s = now_s - self._returned_s
        return 1.0 if since_s >= self._ramp_s else ramp(since_s, self._ramp_s, self._rules.aggression)

    def is_due(self, now_s: float) -> bool:
        """Whether a call may try it now: it is out, its time is over, and nobody is trying it."""
        ejection = self.ejection
        return ejection is not None and not ejection.pause and self.probe is None and now_s >= ejection.until_s

    def begin_trial(self, now_s: float) -> Probe:
        """Leave to try it, for one call. To be asked for only when it is due, in the same step."""
        self.probe = Probe(self, now_s)
        return self.probe

    # -- what it is told

    def spoke(self, sent_s: float, now_s: float) -> bool:
        """A call has its first progress. True if the endpoint is back in by that."""
        ejection = self.ejection
        if ejection is None or ejection.pause or sent_s <= self._since_s:
            return False
        self.ejection = self.probe = None
        if not ejection.told:
            self._times = ejection.times
        self._returned_s = now_s
        self._ramp_s = min(self._rules.slow_start_s, now_s - ejection.since_s)
        return True

    def succeeded(self, sent_s: float, now_s: float) -> bool:
        """A call has been answered. True if the endpoint is back in by that."""
        if self.ejection is not None and self.spoke(sent_s, now_s):
            return True
        if sent_s > self._since_s:
            self._in_a_row = 0
            self._outcomes.add(now_s, good=True)
        return False

    def failed(self, failure: Failure, now_s: float, dice: random.Random, *, may_eject: bool) -> bool:
        """A call has failed. True if the endpoint is out by that, or out for longer after a trial.

        may_eject: whether one more may be out by our own conclusion. A vendor's word needs no leave.
        """
        ejection, until_s = self.ejection, self._told_until_s(failure, now_s, dice)
        if ejection is not None and not ejection.pause:
            if self.probe is not None and failure.sent_s >= self.probe.since_s:
                self._fail_trial(ejection, failure, until_s, now_s, dice)
                return True
            return (
                until_s is not None and until_s > ejection.until_s and self._put_off(ejection, failure, until_s, now_s)
            )
        tripped = self._count(failure, now_s) if failure.sent_s > self._since_s else None
        if tripped is not None and may_eject:
            self._eject(*tripped, until_s, now_s, dice)
        elif until_s is not None:
            self._leave_alone(failure, until_s, now_s)
        else:
            return False
        return True

    def resume(self, now_s: float) -> bool:
        """Back in if it was but a pause, and that is over. True if so."""
        ejection = self.ejection
        if ejection is None or not ejection.pause or now_s < ejection.until_s:
            return False
        self.ejection = None
        return True

    # -- how it is done

    def _count(self, failure: Failure, now_s: float) -> tuple[str, str] | None:
        """Count a failure while in. Says whether that makes it one too many: in a word, and for people."""
        if failure.fault is Fault.ENDPOINT:
            self._in_a_row += 1
        elif failure.fault is not Fault.LIMIT:
            return None
        outcomes, rules = self._outcomes, self._rules
        outcomes.add(now_s, good=False)
        if self._in_a_row >= rules.failures:
            return "failures_in_a_row", f"{self._in_a_row} failures in a row, the last: {failure.reason}"
        total = outcomes.good + outcomes.bad
        if total >= rules.outcomes and outcomes.good < rules.success_ratio * total:
            return "success_ratio", f"{outcomes.bad} of {total} calls failed within {rules.window_s:g} s"
        return None

    def _eject(self, reason: str, why: str, told_s: float | None, now_s: float, dice: random.Random) -> None:
        """Out, by our own conclusion, and for at least as long as the vendor asks."""
        healthy = int((now_s - self._returned_s) / self._rules.window_s) if self._times else 0
        times = max(0, self._times - healthy) + 1
        until_s = now_s + ejected_for_s(times, self._rules, dice)
        self._outcomes.clear()
        self._go_out(
            Ejection(
                since_s=now_s,
                until_s=max(until_s, told_s or until_s),
                told=told_s is not None,
                reason=reason,
                why=why,
                times=times,
            )
        )

    def _leave_alone(self, failure: Failure, until_s: float, now_s: float) -> None:
        """Out, or paused, by the vendor's word."""
        if self.ejection is not None:
            until_s = max(until_s, self.ejection.until_s)
        pause = until_s - now_s < PAUSE_S
        ejection = Ejection(
            since_s=now_s, until_s=until_s, told=True, reason=failure.reason, why=failure.why, pause=pause
        )
        if pause:
            self.ejection = ejection
        else:
            self._go_out(ejection)

    def _go_out(self, ejection: Ejection) -> None:
        self.ejection = ejection
        self._since_s = ejection.since_s
        self._in_a_row = 0

    def _fail_trial(
        self, ejection: Ejection, failure: Failure, told_s: float | None, now_s: float, dice: random.Random
    ) -> None:
        """The probe has failed: out again, for longer."""
        self.probe = None
        times = ejection.times + 1
        until_s = now_s + ejected_for_s(times, self._rules, dice)
        self.ejection = Ejection(
            since_s=ejection.since_s,
            until_s=max(until_s, told_s or until_s, ejection.until_s),
            told=told_s is not None or ejection.until_s > now_s,  # the vendor has put it off during the trial
            reason=failure.reason,
            why=f"{failure.why}, when it was tried again",
            times=times,
        )

    def _put_off(self, ejection: Ejection, failure: Failure, until_s: float, now_s: float) -> bool:
        """The vendor's word on one that is out already, by a straggler or a call sent in panic. True if it is news."""
        self._since_s = now_s
        self.ejection = replace(ejection, until_s=until_s, told=True, reason=failure.reason, why=failure.why)
        return failure.fault is Fault.CREDENTIAL and failure.reason != ejection.reason

    def _told_until_s(self, failure: Failure, now_s: float, dice: random.Random) -> float | None:
        """Until when the vendor is to be left alone by its own word; None if it has not said a thing."""
        if failure.retry_after_s is not None and failure.fault is not Fault.UNPROVEN:
            return now_s + min(failure.retry_after_s, LONGEST_TOLD_S)
        if failure.fault is Fault.CREDENTIAL:
            return now_s + self._rules.eject_at_most_s
        return now_s + ejected_for_s(1, self._rules, dice) if failure.fault is Fault.LIMIT else None
