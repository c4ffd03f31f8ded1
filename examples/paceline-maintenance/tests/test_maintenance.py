"""`Maintenance`, in virtual time: a week passes in milliseconds."""

from __future__ import annotations

import asyncio
import datetime as dt
import tomllib

import pytest
from paceline_maintenance import Day, Maintenance, Window

from paceline.router import Answer, Request, Router
from paceline.router.errors import ConfigurationError
from paceline.router.plugins import Catalogue
from paceline.router.testing import Scripted, assert_policy_sound, endpoint, run, virtual_clock

SUNDAY = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
AT_TWO = Window(endpoints={"first"}, day=Day.SUNDAY, begins=dt.time(2), lasts_s=7200.0)


def since_sunday(zone: dt.tzinfo) -> dt.datetime:
    """A Sunday begins when virtual time does."""
    return (SUNDAY + dt.timedelta(seconds=virtual_clock())).astimezone(zone)


def asked_at(hour: float, *windows: Window, zone: str = "UTC") -> Answer:
    """The answer to a call that comes so many hours after the beginning of that Sunday."""

    async def main() -> Answer:
        policy = Maintenance(windows=windows, zone=zone, now=since_sunday)
        fleet = [endpoint(name, Scripted()) for name in ("first", "second")]
        async with Router(fleet, policies=[policy], clock=virtual_clock) as router:
            await asyncio.sleep(hour * 3600.0)
            return await router.complete(Request(messages="hello", model="m"))

    return run(main)


@pytest.mark.parametrize(
    ("hour", "who"),
    [(1.9, "first"), (2 - 1 / 60, "second"), (2.0, "second"), (3.99, "second"), (4.0, "first"), (26.0, "first")],
)
def test_calls_are_kept_away_during_the_window_and_a_minute_before(hour: float, who: str) -> None:
    assert asked_at(hour, AT_TWO).endpoint == who


def test_a_week_later_it_is_on_again() -> None:
    assert asked_at(7 * 24 + 2.0, AT_TWO).endpoint == "second"


@pytest.mark.parametrize(("hour", "who"), [(23.6, "second"), (24.4, "second"), (24.6, "first"), (47.6, "second")])
def test_a_window_of_every_day_may_pass_midnight(hour: float, who: str) -> None:
    nightly = Window(endpoints=["first"], begins=dt.time(23, 30), lasts_s=3600.0)

    assert asked_at(hour, nightly).endpoint == who


def test_a_week_ends_where_a_window_goes_on() -> None:
    late = Window(endpoints={"first"}, day=Day.SUNDAY, begins=dt.time(23), lasts_s=7200.0)

    assert asked_at(24.5, late).endpoint == "second"


def test_the_hours_are_those_of_the_zone() -> None:
    assert asked_at(1.0, AT_TWO, zone="Europe/Berlin").endpoint == "second"


def test_when_all_are_worked_on_they_are_asked_after_all_and_it_is_told() -> None:
    everyone = Window(endpoints={"first", "second"}, begins=dt.time(0), lasts_s=3600.0)

    answer = asked_at(0.5, everyone)

    assert answer.endpoint == "first"
    assert "Maintenance: all 2 candidates are being worked on" in answer.story()


def test_a_file_can_name_it() -> None:
    table = tomllib.loads("""
        kind = "maintenance"
        zone = "Europe/Berlin"
        windows = [{endpoints = ["first"], day = "sunday", begins = 02:00:00, lasts_s = 7200}]
    """)

    assert Catalogue.installed().policy(table) == Maintenance(windows=[AT_TWO], zone="Europe/Berlin")


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="zone: no time zone is named 'Mars/Olympus'"):
        Maintenance(windows=[AT_TWO], zone="Mars/Olympus")


def test_a_window_without_endpoints_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="endpoints is empty"):
        Window(endpoints=[], begins=dt.time(2), lasts_s=1.0)


def test_a_window_without_length_is_refused_in_a_file_too() -> None:
    window = {"endpoints": ["a"], "begins": dt.time(2), "lasts_s": 0}

    with pytest.raises(ConfigurationError, match="windows: Window: lasts_s must be a number above 0"):
        Catalogue.installed().policy({"kind": "maintenance", "windows": [window]})


def test_it_is_sound() -> None:
    everyday = Window(endpoints={"near"}, begins=dt.time(0), lasts_s=86_400.0)

    assert_policy_sound(lambda: Maintenance(windows=[everyday]))
