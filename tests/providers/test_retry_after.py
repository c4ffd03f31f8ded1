"""When to come back: every way of saying it, and everything that is no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers.retry_after import LONGEST_S, NotToBeRetried, retry_after_s, seconds_of

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def in_s(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": in_s(90)}, 90.0),
        ({"retry-after": in_s(-5)}, 0.0),
        ({"retry-after": in_s(90), "date": in_s(60)}, 30.0),
        ({"retry-after": in_s(90), "date": "who knows"}, 90.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:07 -0000"}, 7.0),
        ({"retry-after": "20", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "20", "x-ms-retry-after-ms": "12.5"}, 0.0125),
        ({"retry-after": "999999999"}, LONGEST_S),
    ],
)
def test_every_way_of_saying_it_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds


@pytest.mark.parametrize("told", ["-1", "soon", "", "nan", "inf", "-inf", "Sun, 99 Foo 2026"])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_what_is_no_time_to_wait_means_do_not(name: str, told: str) -> None:
    with pytest.raises(NotToBeRetried):
        retry_after_s({name: told}, NOW)


@pytest.mark.parametrize(("told", "seconds"), [("17s", 17.0), ("0.5s", 0.5), ("17", None), ("s", None), ("-1s", None)])
def test_googles_durations(told: str, seconds: float | None) -> None:
    assert seconds_of(told) == seconds


@given(st.text(max_size=60))
def test_no_header_crashes_it_and_every_wait_is_bounded(told: str) -> None:
    try:
        seconds = retry_after_s({"retry-after": told}, NOW)
    except NotToBeRetried:
        return
    assert seconds is not None
    assert 0.0 <= seconds <= LONGEST_S
