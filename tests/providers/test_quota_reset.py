"""When a used-up quota is whole again: every way of saying it, and everything that says nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers.quota_reset import quota_reset_s
from paceline.providers.retry_after import LONGEST_S

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def openai(of: str, left: str, reset: str) -> dict[str, str]:
    return {f"x-ratelimit-remaining-{of}": left, f"x-ratelimit-reset-{of}": reset}


def anthropic(of: str, left: str, reset: str) -> dict[str, str]:
    return {f"anthropic-ratelimit-{of}-remaining": left, f"anthropic-ratelimit-{of}-reset": reset}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (openai("requests", "0", "20ms"), 0.02),
        (openai("tokens", "0", "6m0s"), 360.0),
        (openai("tokens", " 0 ", " 1h2m3.5s "), 3723.5),
        (openai("requests", "0", "1.5S"), None),
        (openai("requests", "0", ".5s"), 0.5),
        (openai("requests", "0", "250us"), 0.00025),
        (openai("requests", "0", "3d"), LONGEST_S),
        (openai("requests", "0", "2s") | openai("tokens", "0", "1m"), 60.0),
        (openai("requests", "0", "2s") | openai("tokens", "150", "1m"), 2.0),
        (anthropic("requests", "0", "2026-03-01T12:00:07Z"), 7.0),
        (anthropic("input-tokens", "0", "2026-03-01T13:00:30+01:00"), 30.0),
        (anthropic("output-tokens", "0", "2026-03-01T12:00:09"), 9.0),
        (anthropic("tokens", "0", "2026-03-01T11:59:00Z"), 0.0),
        (anthropic("requests", "0", "2026-03-01T12:01:00Z") | {"date": "Sun, 01 Mar 2026 12:00:50 GMT"}, 10.0),
        (anthropic("requests", "0", "2027-03-01T12:01:00Z"), LONGEST_S),
        ({}, None),
        (openai("tokens", "3000", "6m0s"), None),
        ({"x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        (openai("tokens", "0", "soon"), None),
        (openai("tokens", "0", "6 minutes"), None),
        (openai("tokens", "0", "-1s"), None),
    ],
    ids=str,
)
def test_only_a_used_up_quota_is_a_reason_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert quota_reset_s(headers, NOW) == (None if seconds is None else pytest.approx(seconds, abs=1e-12))


@given(st.text(max_size=40))
def test_no_header_crashes_it_and_every_wait_is_bounded(told: str) -> None:
    seconds = quota_reset_s(openai("requests", "0", told), NOW)

    assert seconds is None or 0.0 <= seconds <= LONGEST_S
