"""One endpoint's health: what puts it out, for how long, and what brings it back."""

import pytest

from paceline.router.health.failure import Fault
from paceline.router.health.rules import HealthRules

from .patient import Patient

NO_SLOW_START = HealthRules(slow_start_s=0.0)


# -- going out


def test_five_failures_in_a_row_put_it_out_and_four_do_not() -> None:
    patient = Patient()
    assert [patient.fails(1.0) for _ in range(5)] == [False] * 4 + [True]
    assert patient.out.reason == "failures_in_a_row"
    assert patient.out.why == "5 failures in a row, the last: provider_error"
    assert (patient.out.since_s, patient.out.told, patient.out.times) == (1.0, False, 1)
    assert 1.0 + 2.5 <= patient.out.until_s <= 1.0 + 5.0


def test_an_answer_between_them_begins_the_count_again() -> None:
    patient = Patient()
    for _ in range(3):
        assert not any(patient.fails(1.0) for _ in range(4))
        patient.answers(1.0)
    assert patient.ejection is None


def test_less_than_four_fifths_of_twenty_calls_put_it_out() -> None:
    patient = Patient()
    assert not any(patient.fails(1.0) if call % 4 == 0 else patient.answers(1.0) for call in range(20))
    assert patient.fails(1.0)
    assert (patient.out.reason, patient.out.why) == ("success_ratio", "6 of 21 calls failed within 30 s")


def test_four_fifths_are_enough() -> None:
    patient = Patient()
    assert not any(patient.fails(1.0) if call % 5 == 4 else patient.answers(1.0) for call in range(100))


def test_one_failure_of_one_is_no_ratio() -> None:
    patient = Patient(HealthRules(failures=100))
    assert not any(patient.fails(1.0) for _ in range(19))
    assert patient.fails(1.0)


def test_what_is_older_than_the_window_does_not_count() -> None:
    patient = Patient(HealthRules(failures=100))
    for _ in range(19):
        patient.fails(1.0)
    assert not patient.fails(1.0 + 33.0)


def test_what_put_it_out_is_not_counted_again_once_it_is_back() -> None:
    patient = Patient(HealthRules(failures=100))
    for _ in range(20):
        patient.fails(1.0)
    patient.answers(patient.out.until_s)
    assert not any(patient.fails(10.0) for _ in range(19))


def test_where_no_more_may_be_out_it_stays_in_and_goes_at_the_next_chance() -> None:
    patient = Patient()
    assert not any(patient.fails(1.0, may_eject=False) for _ in range(10))
    assert patient.fails(1.0)


def test_being_given_up_early_is_no_failure() -> None:
    patient = Patient()
    assert not any(patient.fails(1.0, Fault.UNPROVEN) for _ in range(100))


# -- the vendor's own word


def test_a_wait_the_vendor_asks_for_is_kept_to_the_letter_and_needs_no_leave() -> None:
    patient = Patient()
    assert patient.fails(1.0, Fault.LIMIT, retry_after_s=30.0, reason="rate_limited", may_eject=False)
    assert (patient.out.until_s, patient.out.told) == (31.0, True)
    assert patient.out.why == "it asks to be left alone for 30 s (rate_limited)"


def test_a_server_that_fails_and_names_a_time_is_left_alone_as_well() -> None:
    patient = Patient()
    assert patient.fails(1.0, Fault.ENDPOINT, retry_after_s=30.0)
    assert (patient.out.until_s, patient.out.told) == (31.0, True)


def test_a_limit_without_a_time_is_left_alone_for_as_long_as_a_first_ejection() -> None:
    patient = Patient()
    assert patient.fails(1.0, Fault.LIMIT, may_eject=False)
    assert 3.5 <= patient.out.until_s <= 6.0


def test_limits_that_come_again_and_again_are_not_held_against_it() -> None:
    patient, now_s = Patient(), 0.0
    for _ in range(10):
        patient.fails(now_s, Fault.LIMIT)
        assert patient.out.until_s - now_s <= 5.0
        now_s = patient.out.until_s
        assert patient.answers(now_s)
        now_s += 1.0


@pytest.mark.parametrize("reason", ["authentication", "permission", "quota"])
def test_a_refused_key_or_a_spent_quota_puts_it_out_at_once_for_the_longest_time(reason: str) -> None:
    patient = Patient()
    assert patient.fails(1.0, Fault.CREDENTIAL, reason=reason, may_eject=False)
    assert (patient.out.until_s, patient.out.told, patient.out.reason) == (301.0, True, reason)


def test_a_quota_that_says_when_it_is_filled_again_is_waited_for() -> None:
    patient = Patient()
    patient.fails(1.0, Fault.CREDENTIAL, reason="quota", retry_after_s=7200.0)
    assert patient.out.until_s == 7201.0


def test_nobody_is_left_alone_for_more_than_a_day() -> None:
    patient = Patient()
    patient.fails(0.0, Fault.LIMIT, retry_after_s=1e12)
    assert patient.out.until_s == 86_400.0


@pytest.mark.parametrize(("first_s", "second_s", "until_s"), [(30.0, 10.0, 30.0), (10.0, 30.0, 31.0)])
def test_of_two_times_the_later_holds(first_s: float, second_s: float, until_s: float) -> None:
    patient = Patient()
    patient.fails(0.0, Fault.LIMIT, retry_after_s=first_s)
    assert not patient.fails(1.0, Fault.LIMIT, sent_s=0.0, retry_after_s=second_s)
    assert patient.out.until_s == until_s


def test_a_refused_key_is_news_even_of_one_that_is_out() -> None:
    patient = Patient()
    patient.falls_ill()
    assert patient.fails(1.0, Fault.CREDENTIAL, reason="authentication")
    assert not patient.fails(2.0, Fault.CREDENTIAL, reason="authentication")
    assert (patient.out.until_s, patient.out.told) == (302.0, True)


def test_a_failing_one_that_asks_for_a_time_is_out_for_no_less() -> None:
    patient = Patient()
    for _ in range(4):
        patient.fails(0.0)
    assert patient.fails(0.0, retry_after_s=60.0)
    assert (patient.out.until_s, patient.out.told, patient.out.reason) == (60.0, True, "failures_in_a_row")


# -- short pauses


def test_a_short_pause_needs_no_trial_and_no_easing_in() -> None:
    patient = Patient()
    assert patient.fails(1.0, Fault.LIMIT, retry_after_s=0.5)
    assert (patient.out.pause, patient.is_due(1.5)) == (True, False)
    assert [patient.resume(1.25), patient.resume(1.5), patient.resume(1.5)] == [False, True, False]
    assert (patient.ejection, patient.weight(1.5)) == (None, 1.0)


def test_a_second_is_no_pause() -> None:
    patient = Patient()
    patient.fails(1.0, Fault.LIMIT, retry_after_s=1.0)
    assert not patient.out.pause
    assert not patient.resume(100.0)


def test_pauses_add_up_to_an_ejection_when_a_fifth_of_the_calls_meet_one() -> None:
    patient = Patient(NO_SLOW_START)
    for second in range(19):
        patient.fails(float(second), Fault.LIMIT, retry_after_s=0.5)
        assert patient.out.pause
        patient.resume(second + 0.5)
    patient.fails(19.0, Fault.LIMIT, retry_after_s=0.5)
    assert (patient.out.pause, patient.out.reason) == (False, "success_ratio")


def test_within_a_pause_the_longer_of_two_holds_and_answers_still_count() -> None:
    patient = Patient()
    for _ in range(4):
        patient.fails(1.0)
    patient.fails(1.0, Fault.LIMIT, retry_after_s=0.75)
    assert not patient.answers(1.125)
    assert patient.fails(1.25, Fault.LIMIT, retry_after_s=0.25)
    assert patient.out.until_s == 1.75
    assert not patient.fails(1.5, sent_s=1.5)
    assert patient.out.pause


def test_a_pause_becomes_an_ejection_by_the_vendors_word() -> None:
    patient = Patient()
    patient.fails(1.0, Fault.LIMIT, retry_after_s=0.5)
    patient.fails(1.25, Fault.LIMIT, retry_after_s=8.0)
    assert (patient.out.pause, patient.out.until_s) == (False, 9.25)


# -- coming back


def test_it_is_due_when_its_time_is_over_and_for_one_call_at_a_time() -> None:
    patient = Patient()
    until_s = patient.falls_ill().until_s
    assert [patient.is_due(until_s - 0.001), patient.is_due(until_s)] == [False, True]
    with patient.begin_trial(until_s):
        assert not patient.is_due(until_s)
    assert patient.is_due(until_s)


def test_a_trial_that_is_answered_brings_it_back() -> None:
    patient = Patient()
    until_s = patient.falls_ill().until_s
    with patient.begin_trial(until_s):
        assert patient.answers(until_s + 1.0, sent_s=until_s)
    assert (patient.ejection, patient.probe) == (None, None)


def test_the_first_word_of_a_trial_is_answer_enough() -> None:
    patient = Patient()
    until_s = patient.falls_ill().until_s
    with patient.begin_trial(until_s):
        assert patient.spoke(until_s, until_s + 0.25)
        assert patient.ejection is None


@pytest.mark.parametrize("fault", [Fault.ENDPOINT, Fault.LIMIT, Fault.UNPROVEN, Fault.CREDENTIAL])
def test_a_trial_that_fails_in_any_way_lengthens_the_ejection(fault: Fault) -> None:
    patient = Patient()
    ejection = patient.falls_ill()
    with patient.begin_trial(ejection.until_s):
        assert patient.fails(ejection.until_s + 1.0, fault, sent_s=ejection.until_s)
    again = patient.out
    assert (again.times, again.since_s) == (2, ejection.since_s)
    assert again.until_s >= ejection.until_s + 1.0 + 5.0
    assert again.why.endswith(", when it was tried again")


def test_a_trial_that_is_asked_to_wait_waits_no_less() -> None:
    patient = Patient()
    until_s = patient.falls_ill().until_s
    patient.begin_trial(until_s)
    patient.fails(until_s, Fault.LIMIT, retry_after_s=90.0)
    assert patient.out.until_s == until_s + 90.0


def test_each_trial_that_fails_doubles_the_time_up_to_five_minutes() -> None:
    patient = Patient()
    patient.falls_ill()
    for times in range(2, 10):
        now_s = patient.out.until_s
        patient.begin_trial(now_s)
        patient.fails(now_s)
        longest_s = min(300.0, 5.0 * 2 ** (times - 1))
        assert longest_s / 2 <= patient.out.until_s - now_s <= longest_s


def test_a_leave_of_old_that_is_given_back_late_takes_nothing_from_a_new_one() -> None:
    patient = Patient()
    first_s = patient.falls_ill().until_s
    with patient.begin_trial(first_s):
        patient.spoke(first_s, first_s)
        second_s = patient.falls_ill(first_s + 100.0).until_s
        probe = patient.begin_trial(second_s)
    assert patient.probe is probe


def test_what_was_sent_before_the_ejection_neither_ends_nor_lengthens_it() -> None:
    patient = Patient()
    ejection = patient.falls_ill(1.0)
    assert not patient.answers(2.0, sent_s=0.5)
    assert not patient.spoke(0.5, 2.0)
    patient.begin_trial(ejection.until_s)
    assert not patient.fails(ejection.until_s + 1.0, sent_s=0.5)
    assert patient.ejection is ejection
    assert patient.probe is not None


def test_what_was_sent_before_the_ejection_is_not_counted_against_one_that_is_back() -> None:
    patient = Patient()
    until_s = patient.falls_ill(1.0).until_s
    patient.answers(until_s)
    assert not any(patient.fails(until_s, sent_s=0.5) for _ in range(50))
    assert not any(patient.answers(until_s, sent_s=0.5) for _ in range(50))
    assert [patient.fails(until_s) for _ in range(5)][-1]


def test_a_call_that_went_there_in_panic_and_was_answered_brings_it_back() -> None:
    patient = Patient()
    patient.falls_ill(1.0)
    assert patient.answers(2.0, sent_s=1.5)


def test_a_call_that_went_there_in_panic_and_failed_changes_nothing() -> None:
    patient = Patient()
    ejection = patient.falls_ill(1.0)
    assert not patient.fails(2.0)
    assert patient.ejection is ejection


def test_a_trial_does_not_overrule_a_word_that_came_after_it_was_sent() -> None:
    patient = Patient()
    until_s = patient.falls_ill().until_s
    patient.begin_trial(until_s)
    patient.fails(until_s + 1.0, Fault.LIMIT, sent_s=0.0, retry_after_s=60.0)
    assert not patient.answers(until_s + 2.0, sent_s=until_s)
    assert patient.fails(until_s + 3.0, sent_s=until_s)
    assert (patient.out.until_s, patient.out.told) == (until_s + 61.0, True)


# -- what is remembered


def test_failing_again_soon_after_coming_back_counts_as_the_next_of_a_row() -> None:
    patient = Patient()
    until_s = patient.falls_ill().until_s
    patient.answers(until_s)
    assert patient.falls_ill(until_s + 29.0).times == 2


@pytest.mark.parametrize(("healthy_s", "times"), [(29.0, 3), (31.0, 2), (61.0, 1), (1e6, 1)])
def test_each_half_minute_in_health_takes_one_off(healthy_s: float, times: int) -> None:
    patient = Patient()
    until_s = patient.falls_ill().until_s
    patient.begin_trial(until_s)
    patient.fails(until_s)
    until_s = patient.out.until_s
    patient.answers(until_s)
    assert patient.falls_ill(until_s + healthy_s).times == times


def test_being_left_alone_for_a_while_does_not_make_up_for_having_failed() -> None:
    patient = Patient()
    patient.falls_ill()
    patient.begin_trial(10.0)
    patient.fails(10.0)
    patient.answers(30.0)
    patient.fails(31.0, Fault.LIMIT, retry_after_s=2.0)
    patient.answers(33.0)
    assert patient.falls_ill(34.0).times == 3


@pytest.mark.parametrize(("away_s", "ramp_s"), [(10.0, 10.0), (30.0, 30.0), (200.0, 30.0)])
def test_it_is_eased_in_for_as_long_as_it_was_away_and_half_a_minute_at_most(away_s: float, ramp_s: float) -> None:
    patient = Patient()
    patient.falls_ill(0.0)
    patient.answers(away_s)
    assert patient.weight(away_s) == pytest.approx(max(0.1, 1.0 / ramp_s))
    assert patient.weight(away_s + ramp_s / 2) == pytest.approx(0.5)
    assert patient.weight(away_s + ramp_s) == 1.0


def test_without_slow_start_it_is_back_at_once() -> None:
    patient = Patient(NO_SLOW_START)
    patient.answers(patient.falls_ill().until_s)
    assert patient.weight(10.0) == 1.0
