"""Keep calls away from endpoints while their vendor works on them, as was announced.

A breaker finds out that an endpoint is down by losing calls to it. Where one is told beforehand, no call need be lost.
A call is kept away from the beginning of the hour, and from a little before, so that an answer that takes long is not
cut in the middle.

It steers, it does not refuse: where every candidate is being worked on, they are asked after all, since an announced
hour is often not used. Stands anywhere outside of what picks one endpoint.

Announcements are in somebody's local time, which no monotonic clock knows. So this policy has a second clock, to be
replaced in tests.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from paceline.router import check
from paceline.router.errors import ConfigurationError

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler

DAY_S = 86_400


class Day(enum.Enum):
    """A day of the week, numbered as `datetime.date.weekday` does."""

    MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


def _named(given: Iterable[str]) -> frozenset[str]:
    names = frozenset(given)
    if not names:
        raise ConfigurationError("Window: endpoints is empty: name at least one, as the router knows it")
    return names


@attrs.frozen(kw_only=True)
class Window:
    """An hour, or several, in which endpoints are worked on.

    endpoints: their names, as the router knows them; at least one.
    begins: time of day, in the policy's time zone.
    lasts_s: seconds, above 0. It may pass midnight.
    day: of the week on which it begins. Default None: every day.
    """

    endpoints: frozenset[str] = attrs.field(converter=_named)
    begins: dt.time = attrs.field(validator=check.one_of(dt.time))
    lasts_s: float = attrs.field(validator=check.positive)
    day: Day | None = attrs.field(default=None, validator=check.if_given(check.one_of(Day)))

    def is_on(self, now: dt.datetime, early_s: float) -> bool:
        """Whether it has begun, or will within *early_s* seconds, and is not over."""
        since_s = (now - dt.datetime.combine(now.date(), self.begins, now.tzinfo)).total_seconds()
        if self.day is None:
            return any(-early_s <= since_s + days * DAY_S < self.lasts_s for days in (-1, 0, 1))
        since_s += (now.weekday() - self.day.value) * DAY_S
        return any(-early_s <= since_s + weeks * 7 * DAY_S < self.lasts_s for weeks in (-1, 0, 1))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigurationError(
            f"Maintenance: zone: no time zone is named {name!r}: give one such as 'Europe/Berlin'"
        ) from None


def _now(zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.now(zone)


@attrs.frozen(kw_only=True)
class Maintenance:
    """Prefers the endpoints that nobody works on.

    windows: when which are worked on.
    zone: the time zone of the windows, as the tz database names it. Default ``UTC``.
    early_s: seconds before a window from which calls are kept away. Default 60; at least 0.
    now: the time of day in a zone. Default: this machine's.
    """

    windows: tuple[Window, ...] = attrs.field(
        converter=tuple[Window, ...], validator=attrs.validators.deep_iterable(check.one_of(Window))
    )
    zone: str = attrs.field(default="UTC", validator=check.named)
    early_s: float = attrs.field(default=60.0, validator=check.at_least_zero)
    now: Callable[[dt.tzinfo], dt.datetime] = attrs.field(default=_now, repr=False)

    _tz: ZoneInfo = attrs.field(
        default=attrs.Factory(lambda self: _zone(self.zone), takes_self=True), init=False, repr=False
    )

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """Narrow the call to the candidates that are left alone, if there are any."""
        now = self.now(self._tz)
        closed = {name for window in self.windows if window.is_on(now, self.early_s) for name in window.endpoints}
        open_ones = tuple(target for target in call.candidates if target.name not in closed)
        if len(open_ones) == len(call.candidates):
            await next(call, emit)
            return
        if not open_ones:
            call.note("Maintenance", "all %d candidates are being worked on, and are asked", len(call.candidates))
            await next(call, emit)
            return
        call.note("Maintenance", "%d of %d candidates are being worked on", len(closed), len(call.candidates))
        tied = sum(target.name not in closed for target in call.candidates[: call.tied])
        await next(call.with_(candidates=open_ones, tied=tied or 1), emit)
