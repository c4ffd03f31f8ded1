"""When a quota that is used up is full again, for vendors that refuse a call and do not say when to come back.

Their headers tell of each quota (requests, tokens) what remains of it and when it is whole again: as a duration in
Go's way (``6m0s``, ``20ms``), or as a calendar time. Only one of which nothing remains is a reason to wait. The
calendar is the vendor's own, and is turned into seconds at once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .retry_after import LONGEST_S, calendar_time

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTAS = (
    *(
        (f"x-ratelimit-remaining-{of}", f"x-ratelimit-reset-{of}")
        for of in ("requests", "tokens")
    ),
    *(
        (f"anthropic-ratelimit-{of}-remaining", f"anthropic-ratelimit-{of}-reset")
        for of in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
)  # fmt: skip
"""Names of the headers with what remains and with when it is whole again."""

UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|ms|s|m|h|d)")
DURATION = re.compile(rf"(?:{PART.pattern})+")


def quota_reset_s(headers: Mapping[str, str], received: datetime) -> float | None:
    """Seconds until every used-up quota is whole again, from 0 to a day; None if none is, or nothing is told.

    headers: names in lower case, or a mapping that takes any case. received: now, by the calendar; what a calendar time
        is measured against where the response has none of its own.
    """
    since = calendar_time(headers.get("date", "")) or received
    told = [_until(headers.get(reset, ""), since) for left, reset in QUOTAS if headers.get(left, "").strip() == "0"]
    return max((seconds for seconds in told if seconds is not None), default=None)


def _until(reset: str, since: datetime) -> float | None:
    reset = reset.strip()
    if DURATION.fullmatch(reset):
        return min(LONGEST_S, sum(float(number) * UNITS_S[unit] for number, unit in PART.findall(reset)))
    try:
        at = datetime.fromisoformat(reset)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(LONGEST_S, max(0.0, (at - since).total_seconds()))
