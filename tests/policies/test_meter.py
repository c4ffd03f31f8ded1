"""A meter follows what the vendor says is left, and returns to what was configured."""

from __future__ import annotations

import pytest

from paceline.policies.meter import TRICKLE, Meter
from paceline.router import Rate


def configured() -> Meter:
    return Meter.of_quota(600, 1.0, 0.0)


USUAL = configured().rate_per_s


def test_what_is_left_is_spread_over_the_time_until_it_is_whole() -> None:
    meter = configured()
    meter.heard(Rate(limit=600, remaining=100, resets_in_s=50.0), 0.0, 10.0, 10.0)
    assert meter.rate_per_s == 2.0


def test_what_the_vendor_cannot_have_counted_yet_is_taken_off() -> None:
    meter = configured()
    meter.heard(Rate(limit=600, remaining=100, resets_in_s=50.0), 20.0, 10.0, 20.0)
    assert meter.rate_per_s == 80.0 / 40.0


def test_a_trickle_goes_on_when_nothing_is_left() -> None:
    meter = configured()
    meter.heard(Rate(limit=600, remaining=0, resets_in_s=50.0), 0.0, 10.0, 10.0)
    assert meter.rate_per_s == TRICKLE * USUAL


def test_when_the_limit_is_whole_again_all_is_as_configured() -> None:
    meter = configured()
    meter.heard(Rate(limit=600, remaining=0, resets_in_s=50.0), 0.0, 10.0, 10.0)
    assert meter.has(1, 60.0)
    assert meter.rate_per_s == USUAL


@pytest.mark.parametrize(
    "rate",
    [
        Rate(limit=600, remaining=590, resets_in_s=20.0),
        Rate(limit=600, remaining=100),
        Rate(limit=600, resets_in_s=20.0),
        Rate(limit=6, remaining=0, resets_in_s=0.0),
    ],
    ids=["plenty", "no reset", "no remainder", "whole already"],
)
def test_nothing_that_is_said_makes_it_faster_and_what_says_too_little_changes_nothing(rate: Rate) -> None:
    meter = configured()
    meter.heard(rate, 0.0, 10.0, 10.0)
    assert meter.rate_per_s == USUAL


def test_better_news_lifts_what_worse_news_had_slowed() -> None:
    meter = configured()
    meter.heard(Rate(limit=600, remaining=1, resets_in_s=50.0), 0.0, 10.0, 10.0)
    meter.heard(Rate(limit=600, remaining=599, resets_in_s=49.0), 0.0, 11.0, 11.0)
    assert meter.rate_per_s == USUAL


def test_a_rate_that_nobody_configured_is_learned() -> None:
    meter = Meter.of_headers(Rate(limit=600, remaining=300, resets_in_s=30.0), 0.0, 10.0, 10.0)
    assert meter is not None
    assert meter.rate_per_s == 10.0
    assert meter.burst == 10.0


def test_when_a_learned_limit_is_whole_it_is_spread_over_the_longest_time_it_took() -> None:
    meter = Meter.of_headers(Rate(limit=600, remaining=500, resets_in_s=40.0), 0.0, 0.0, 0.0)
    assert meter is not None
    meter.heard(Rate(limit=600, remaining=30, resets_in_s=10.0), 0.0, 30.0, 30.0)
    assert meter.rate_per_s == 3.0
    assert meter.has(1, 40.0)
    assert meter.rate_per_s == 600 / 40


def test_a_learned_rate_of_unknown_size_goes_on_as_it_did() -> None:
    meter = Meter.of_headers(Rate(remaining=300, resets_in_s=30.0), 0.0, 0.0, 0.0)
    assert meter is not None
    assert meter.has(1, 31.0)
    assert meter.rate_per_s == 10.0


@pytest.mark.parametrize(
    "rate",
    [Rate(), Rate(limit=600), Rate(limit=600, remaining=5), Rate(remaining=0, resets_in_s=5.0), Rate(resets_in_s=5.0)],
)
def test_too_little_is_said_to_learn_from(rate: Rate) -> None:
    assert Meter.of_headers(rate, 0.0, 0.0, 0.0) is None
