"""The rates a vendor allows, read from the headers it sends with every answer and every refusal.

Two families of names are in use. OpenAI's, which Azure, Groq and most others took over, tells when a rate is whole
again as a duration in Go's way (``6m0s``, ``20ms``, ``1h2m3.5s``) or in plain seconds; Anthropic's tells a calendar
time of RFC 3339. The calendar is the vendor's own, so it is turned into seconds at once, against the vendor's own
``Date`` where it sent one: a clock that is wrong on either side then does no harm.

Whatever cannot be believed is passed over, as if it were not there: pacing then knows less, and no call fails for it.
A vendor that sends none of these headers costs six look-ups.

Sources: the vendors' documentation of rate limits; Go's ``time.ParseDuration``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from ..router.rate_limits import Rate, RateLimits
from .retry_after import LONGEST_S, calendar_time

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNT = re.compile(r"[0-9]{1,15}")
SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")
UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?|\.[0-9]{1,15})(ns|us|µs|μs|ms|s|m|h|d)")
DURATION = re.compile(rf"(?:{PART.pattern})+")


@attrs.frozen
class _Names:
    """What one rate's headers are called. A rate of which nothing says what remains is of no use."""

    remaining: str
    limit: str
    reset: str


def _openai(of: str) -> _Names:
    return _Names(f"x-ratelimit-remaining-{of}", f"x-ratelimit-limit-{of}", f"x-ratelimit-reset-{of}")


def _anthropic(of: str) -> _Names:
    return _Names(*(f"anthropic-ratelimit-{of}-{what}" for what in ("remaining", "limit", "reset")))


REQUESTS = (_openai("requests"), _anthropic("requests"))
TOKENS = (_openai("tokens"), _anthropic("tokens"))
INPUT_TOKENS = (_anthropic("input-tokens"),)
OUTPUT_TOKENS = (_anthropic("output-tokens"),)
EVERY = tuple(names.remaining for names in (*REQUESTS, *TOKENS, *INPUT_TOKENS, *OUTPUT_TOKENS))


def tells_rates(headers: Mapping[str, str]) -> bool:
    """Whether there is anything to read. *headers*: as for `rate_limits`."""
    for name in EVERY:  # noqa: SIM110  a generator would cost as much as the looking
        if name in headers:
            return True
    return False


def rate_limits(headers: Mapping[str, str], received: datetime) -> RateLimits | None:
    """What *headers* say of the vendor's rates; None if they say nothing of use. Never raises.

    headers: names in lower case, or a mapping that takes any case. received: now, by the calendar; what a calendar time
        is measured against where the response has none of its own.
    """
    if not tells_rates(headers):
        return None
    since = calendar_time(headers.get("date", "")) or received
    told = RateLimits(
        requests=_rate(REQUESTS, headers, since),
        tokens=_rate(TOKENS, headers, since),
        input_tokens=_rate(INPUT_TOKENS, headers, since),
        output_tokens=_rate(OUTPUT_TOKENS, headers, since),
    )
    return None if told == NOTHING else told


NOTHING = RateLimits()


def used_up_for_s(limits: RateLimits | None) -> float | None:
    """Seconds until every used-up rate is whole again, from 0 to a day; None if none is, or nothing is told."""
    if limits is None:
        return None
    rates = (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens)
    waits = [rate.resets_in_s for rate in rates if rate is not None and rate.remaining == 0]
    return max((wait_s for wait_s in waits if wait_s is not None), default=None)


def _rate(spellings: tuple[_Names, ...], headers: Mapping[str, str], since: datetime) -> Rate | None:
    for names in spellings:
        if names.remaining in headers:
            rate = Rate(
                limit=_count(headers.get(names.limit, "")),
                remaining=_count(headers[names.remaining]),
                resets_in_s=_until(headers.get(names.reset, ""), since),
            )
            return None if rate == Rate() else rate
    return None


def _count(told: str) -> int | None:
    told = told.strip()
    return int(told) if COUNT.fullmatch(told) else None


def _until(told: str, since: datetime) -> float | None:
    """Seconds from *since*, at most a day: of a duration, of plain seconds, or until a calendar time."""
    told = told.strip()
    if DURATION.fullmatch(told):
        return min(LONGEST_S, sum(float(number) * UNITS_S[unit] for number, unit in PART.findall(told)))
    if SECONDS.fullmatch(told):
        seconds = float(told)
        return seconds if seconds <= LONGEST_S else None
    try:
        at = datetime.fromisoformat(told)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return min(LONGEST_S, max(0.0, (at - since).total_seconds()))
    except (ValueError, OverflowError):
        return None
