"""How long a vendor asks to be left alone.

Four ways of saying it are in use. Milliseconds, where given, are the finer word and win over seconds. A date is on
the vendor's calendar, so it is turned into seconds at once, against the vendor's own ``Date`` where it sent one: a
clock that is wrong on either side then does no harm. A value that is no time to wait, a negative one among them, means
that waiting does not help.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_S = 86_400.0
"""A day. Whoever asks for more will be asked again."""

IN_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")


class NotToBeRetried(ValueError):
    """The vendor's word on when to come back is not a time: do not."""


def retry_after_s(headers: Mapping[str, str], received: datetime) -> float | None:
    """Seconds to wait, from 0 to a day; None if the vendor says nothing.

    headers: names in lower case, or a mapping that takes any case. received: now, by the calendar; what a date is
        measured against where the response has none of its own.

    Raises:
        NotToBeRetried: it says something that is no time to wait.
    """
    for name in IN_MILLISECONDS:
        if name in headers:
            return _waiting(_number(headers[name]) / 1000.0)
    told = headers.get("retry-after")
    if told is None:
        return None
    at = None if _is_number(told) else calendar_time(told)
    if at is None:
        return _waiting(_number(told))
    since = calendar_time(headers.get("date", "")) or received
    # A date that has just passed is an honest "now": clocks tick between its writing and its reading.
    return _waiting(max(0.0, (at - since).total_seconds()))


def seconds_of(duration: str) -> float | None:
    """Seconds of Google's ``RetryInfo.retryDelay``, such as ``"17s"``; None for anything else."""
    if not duration.endswith("s"):
        return None
    try:
        return _waiting(_number(duration[:-1]))
    except NotToBeRetried:
        return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_number(text: str) -> bool:
    return not math.isnan(_number(text))


def _waiting(seconds: float) -> float:
    if not 0.0 <= seconds < math.inf:
        raise NotToBeRetried
    return min(seconds, LONGEST_S)


def calendar_time(text: str) -> datetime | None:
    """The instant an HTTP date tells; None if it is none."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
