"""The rates a vendor allows: every way of telling them, and everything that says nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.providers.rate_limit_headers import EVERY, rate_limits, used_up_for_s
from paceline.providers.retry_after import LONGEST_S
from paceline.router import Attempt, Rate, RateLimits
from paceline.router.errors import RateLimited

from .loopback import WHOLE, asking, replies, streams

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EVERY_NAME = sorted({name.replace("remaining", what) for name in EVERY for what in ("remaining", "limit", "reset")})


def openai(of: str, left: str, reset: str) -> dict[str, str]:
    return {f"x-ratelimit-remaining-{of}": left, f"x-ratelimit-reset-{of}": reset}


def anthropic(of: str, left: str, reset: str) -> dict[str, str]:
    return {f"anthropic-ratelimit-{of}-remaining": left, f"anthropic-ratelimit-{of}-reset": reset}


def test_openais_headers_are_read() -> None:
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert rate_limits(headers, NOW) == RateLimits(
        requests=Rate(limit=60, remaining=59, resets_in_s=1.0),
        tokens=Rate(limit=150_000, remaining=149_984, resets_in_s=360.0),
    )


def test_anthropics_headers_are_read() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-03-01T12:00:07Z",
        "anthropic-ratelimit-input-tokens-limit": "40000",
        "anthropic-ratelimit-input-tokens-remaining": "39000",
        "anthropic-ratelimit-input-tokens-reset": "2026-03-01T13:00:30+01:00",
        "anthropic-ratelimit-output-tokens-remaining": "8000",
    }
    assert rate_limits(headers, NOW) == RateLimits(
        requests=Rate(limit=50, remaining=49, resets_in_s=7.0),
        input_tokens=Rate(limit=40_000, remaining=39_000, resets_in_s=30.0),
        output_tokens=Rate(remaining=8000),
    )


def test_azure_tells_only_what_remains() -> None:
    headers = {"x-ratelimit-remaining-requests": "11", "x-ratelimit-remaining-tokens": "11480"}

    assert rate_limits(headers, NOW) == RateLimits(requests=Rate(remaining=11), tokens=Rate(remaining=11_480))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("20ms", 0.02),
        (" 1h2m3.5s ", 3723.5),
        (".5s", 0.5),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("3d", LONGEST_S),
        ("60", 60.0),
        ("2.5", 2.5),
        ("0", 0.0),
        ("1772366400", None),  # an instant on some calendar: of seconds? of milliseconds?
        ("1.5S", None),
        ("-1s", None),
        ("1s-2s", None),
        ("soon", None),
        ("6 minutes", None),
        ("٦s", None),
        ("", None),
        ("2026-03-01T12:00:09", 9.0),
        ("2026-03-01T11:59:00Z", 0.0),
        ("2027-03-01T12:01:00Z", LONGEST_S),
        ("0001-01-01T00:00:00+23:59", 0.0),
        ("9999-12-31T23:59:59-23:59", LONGEST_S),
    ],
)
def test_when_a_rate_is_whole_again(told: str, seconds: float | None) -> None:
    limits = rate_limits(openai("requests", "7", told), NOW)
    assert limits is not None
    assert limits.requests is not None
    assert limits.requests.remaining == 7
    assert limits.requests.resets_in_s == (None if seconds is None else pytest.approx(seconds, abs=1e-12))


def test_a_calendar_time_is_measured_against_the_vendors_own_calendar() -> None:
    headers = anthropic("requests", "1", "2026-03-01T12:01:00Z") | {"date": "Sun, 01 Mar 2026 12:00:50 GMT"}

    assert rate_limits(headers, NOW) == RateLimits(requests=Rate(remaining=1, resets_in_s=10.0))


@pytest.mark.parametrize("told", ["", "-1", "many", "1e3", "1_000", "+5", "12.5", "9" * 16, "٢٥"])
def test_what_is_no_count_is_passed_over(told: str) -> None:
    assert rate_limits({"x-ratelimit-remaining-tokens": told}, NOW) is None
    assert rate_limits({"x-ratelimit-remaining-tokens": told, "x-ratelimit-limit-tokens": "7"}, NOW) == RateLimits(
        tokens=Rate(limit=7)
    )


def test_a_vendor_that_says_nothing_has_no_rates() -> None:
    assert rate_limits({"x-request-id": "r-1", "x-ratelimit-reset-tokens": "6m0s"}, NOW) is None


# -- whatever is sent

spelt = st.one_of(
    st.text(max_size=40),
    st.floats().map(str),
    st.integers().map(str),
    st.datetimes().map(datetime.isoformat),
    st.lists(st.sampled_from(["1", "20", ".5", "h", "m", "s", "ms", "d", "-", "."]), max_size=8).map("".join),
)


@given(
    st.dictionaries(st.sampled_from([*EVERY_NAME, "date"]), spelt, max_size=19),
    st.datetimes(timezones=st.just(UTC)),
)
def test_no_headers_crash_it_and_nothing_is_negative(headers: dict[str, str], received: datetime) -> None:
    limits = rate_limits(headers, received)

    assert limits != RateLimits(), "nothing of use is None"
    for rate in () if limits is None else (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens):
        assert rate != Rate()
        if rate is not None:
            assert rate.limit is None or rate.limit >= 0
            assert rate.remaining is None or rate.remaining >= 0
            assert rate.resets_in_s is None or 0.0 <= rate.resets_in_s <= LONGEST_S


def go_duration(milliseconds: int) -> str:
    """As Go prints it."""
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + seconds


@given(st.integers(min_value=0, max_value=86_400_000))
def test_every_duration_of_go_is_read_as_it_was_meant(milliseconds: int) -> None:
    limits = rate_limits(openai("tokens", "1", go_duration(milliseconds)), NOW)

    assert limits is not None
    assert limits.tokens is not None
    assert limits.tokens.resets_in_s == pytest.approx(milliseconds / 1000.0, abs=1e-9)


@given(
    st.floats(min_value=0.0, max_value=86_400.0),
    st.integers(min_value=-14, max_value=14).map(lambda hours: timezone(timedelta(hours=hours))),
)
def test_every_calendar_time_is_read_as_it_was_meant(seconds: float, zone: timezone) -> None:
    told = (NOW + timedelta(seconds=seconds)).astimezone(zone).isoformat()
    limits = rate_limits(anthropic("output-tokens", "1", told), NOW)

    assert limits is not None
    assert limits.output_tokens is not None
    assert limits.output_tokens.resets_in_s == pytest.approx(seconds, abs=1e-5)


# -- of a rate that is used up


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (openai("requests", "0", "2s") | openai("tokens", " 0 ", "1m"), 60.0),
        (openai("requests", "0", "2s") | openai("tokens", "150", "1m"), 2.0),
        (anthropic("input-tokens", "0", "2026-03-01T13:00:30+01:00"), 30.0),
        (openai("tokens", "3000", "6m0s"), None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        (openai("tokens", "0", "soon"), None),
        ({}, None),
    ],
    ids=str,
)
def test_only_a_rate_that_is_used_up_is_a_reason_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert used_up_for_s(rate_limits(headers, NOW)) == seconds


# -- over HTTP


def test_an_answer_brings_its_rates_to_the_attempt() -> None:
    async def main() -> Attempt:
        async with asking(streams(WHOLE, **{"X-RateLimit-Remaining-Tokens": "40"})) as asked:
            return (await asked.complete()).attempts[-1]

    assert asyncio.run(main()).rate_limits == RateLimits(tokens=Rate(remaining=40))


def test_a_refusal_brings_its_rates_too_and_says_when_to_come_back() -> None:
    headers = {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "7s"}

    async def main() -> RateLimited:
        async with asking(replies({}, 429, **headers)) as asked:
            with pytest.raises(RateLimited) as raised:
                await asked.complete()
        return raised.value

    error = asyncio.run(main())
    assert error.retry_after_s == 7.0
    assert error.attempts[-1].rate_limits == RateLimits(requests=Rate(remaining=0, resets_in_s=7.0))
