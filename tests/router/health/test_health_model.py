"""Health under chance, held against a model that keeps everything it ever saw in lists.

Whatever is sent, answered, failed, cancelled and waited for, in whatever order: it is out exactly when the rules say,
at most one call has leave to try it, and from any state the passing of time and one arrival are enough for a call.
"""

from __future__ import annotations

import math

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from paceline.router import Ejection
from paceline.router.health.failure import Fault
from paceline.router.health.outcomes import BUCKETS
from paceline.router.health.probe import Probe
from paceline.router.health.rules import HealthRules

from .patient import Patient

RULES = HealthRules(failures=3, outcomes=6, success_ratio=0.7, window_s=20.0, eject_for_s=4.0, eject_at_most_s=32.0)
BUCKET_S = RULES.window_s / BUCKETS


@attrs.define
class Sent:
    """A call on its way, with the leave it holds if it is a trial."""

    at_s: float
    probe: Probe | None = None


class Machine(RuleBasedStateMachine):
    """The model: lists of what has happened since it mattered."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.patient = Patient(RULES)
        self.under_way: list[Sent] = []
        self.life_s = -math.inf  # what was sent until then is of an earlier life
        self.in_a_row = 0
        self.outcomes: list[tuple[float, bool]] = []
        self.out = False
        self.trial: Sent | None = None

    # -- what happens

    @rule(after_s=st.sampled_from([0.25, 1.0, 7.0, 40.0]))
    def time_passes(self, after_s: float) -> None:
        self.now_s += after_s
        if self.patient.resume(self.now_s):
            self.out = False

    @rule()
    def a_call_arrives(self) -> None:
        """It tries an endpoint that is due; one that is out is left alone, unless by panic."""
        call = Sent(self.now_s)
        if self.patient.is_due(self.now_s):
            call.probe = self.patient.begin_trial(self.now_s)
            call.probe.__enter__()
            self.trial = call
        self.under_way.append(call)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_call_is_answered(self, data: st.DataObject) -> None:
        call = self.one_ends(data)
        returned = self.patient.answers(self.now_s, sent_s=call.at_s)
        if self.out and not self.pausing and call.at_s > self.life_s:
            assert returned
            self.out, self.trial = False, None
        else:
            assert not returned
            if call.at_s > self.life_s:
                self.in_a_row = 0
                self.outcomes.append((self.now_s, True))
        self.it_is_over(call)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fault=st.sampled_from(Fault), retry_after_s=st.sampled_from([None, 0.5, 5.0, 60.0]))
    def a_call_fails(self, data: st.DataObject, fault: Fault, retry_after_s: float | None) -> None:
        call = self.one_ends(data)
        before = self.patient.ejection
        self.patient.fails(self.now_s, fault, sent_s=call.at_s, retry_after_s=retry_after_s)
        if before is not None and not before.pause:
            self.failed_outside(call, before)
        else:
            self.failed_inside(call, fault, retry_after_s)
        self.it_is_over(call)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_call_is_cancelled(self, data: st.DataObject) -> None:
        self.it_is_over(self.one_ends(data))

    # -- what should come of it

    def failed_inside(self, call: Sent, fault: Fault, retry_after_s: float | None) -> None:
        tripped = False
        if call.at_s > self.life_s and fault in {Fault.ENDPOINT, Fault.LIMIT}:
            self.in_a_row += fault is Fault.ENDPOINT
            self.outcomes.append((self.now_s, False))
            bucket = int(self.now_s / BUCKET_S)
            seen = [good for at_s, good in self.outcomes if int(at_s / BUCKET_S) > bucket - BUCKETS]
            tripped = self.in_a_row >= RULES.failures or (
                len(seen) >= RULES.outcomes and seen.count(True) < RULES.success_ratio * len(seen)
            )
        told = fault is not Fault.UNPROVEN and (retry_after_s is not None or fault is not Fault.ENDPOINT)
        self.out = self.out or tripped or told
        if not (tripped or told):
            return
        ejection = self.patient.out
        assert ejection.told is told
        if tripped:
            self.outcomes.clear()
        if told and retry_after_s is not None:
            assert ejection.until_s >= self.now_s + retry_after_s
        if not ejection.pause:
            assert ejection.until_s - self.now_s >= (1.0 if told else RULES.eject_for_s / 2)
            self.life_s, self.in_a_row = self.now_s, 0

    def failed_outside(self, call: Sent, before: Ejection) -> None:
        after = self.patient.out
        if self.trial is not None and call.at_s >= self.trial.at_s:
            self.trial = None
            assert after.until_s >= self.now_s + RULES.eject_for_s
            assert after.times == before.times + 1
        elif after.until_s > before.until_s:
            assert after.told
            self.life_s = self.now_s
        assert after.until_s >= before.until_s

    # -- small change

    @property
    def pausing(self) -> bool:
        return self.patient.ejection is not None and self.patient.ejection.pause

    def one_ends(self, data: st.DataObject) -> Sent:
        return self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))

    def it_is_over(self, call: Sent) -> None:
        if call.probe is not None:
            call.probe.__exit__(None, None, None)
            if self.trial is call:
                self.trial = None

    # -- what always holds

    @invariant()
    def it_is_out_when_the_rules_say(self) -> None:
        assert (self.patient.ejection is not None) is self.out

    @invariant()
    def one_call_at_most_has_leave(self) -> None:
        assert (self.patient.probe is None) is (self.trial is None)
        assert self.trial is None or self.trial.probe is self.patient.probe

    @invariant()
    def it_never_gets_stuck(self) -> None:
        """However it stands: once its time is over it is in, being tried, or due."""
        ejection = self.patient.ejection
        if ejection is not None and not ejection.pause:
            assert self.patient.probe is not None or self.patient.is_due(ejection.until_s)
            assert ejection.until_s <= self.now_s + max(RULES.eject_at_most_s, 60.0)

    @invariant()
    def its_weight_is_a_share(self) -> None:
        assert 0.1 <= self.patient.weight(self.now_s) <= 1.0


TestHealth = Machine.TestCase
TestHealth.settings = settings(max_examples=200, stateful_step_count=60)
