"""What `Watches` tells of made-up weeks: each kind of trouble once and in time, and of quiet ones nothing."""

from collections.abc import Iterator

import pytest

from paceline.router import Event
from paceline.router.kpi.row import CallRow
from paceline.router.kpi.watch import Watches
from paceline.router.kpi.watch_events import AllClear, Concern, PromptGrew, RetriesRising, TailRising

from .weeks import DAY_S, HOUR_S, NONE, Trouble, calls, watch

SEEDS = range(3)
BEGIN_S = 10 * HOUR_S
TROUBLE_S = 12 * HOUR_S + 100.0
"""When it begins, after two hours in which the usual was learned."""


def told(rows: Iterator[CallRow]) -> list[Event]:
    heard: list[Event] = []
    watch(Watches([heard.append]), rows)
    return heard


def told_of(seed: int, *, per_hour: float, hours: float = 4.0, trouble: Trouble) -> list[Event]:
    """Of some hours with trouble, at a rate that is *per_hour* on average over a day."""
    return told(calls(seed, from_s=BEGIN_S, to_s=BEGIN_S + hours * HOUR_S, per_hour=per_hour, trouble=trouble))


def limit_s(per_hour: float) -> float:
    """Five minutes, or 300 calls if that is longer; by day there are half as many again as on average."""
    return max(300.0, 300 / (1.5 * per_hour) * HOUR_S)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quiet_week_raises_no_alarm_and_trouble_at_its_end_one_of_each(seed: int) -> None:
    ends_s = 9 * DAY_S + 10 * HOUR_S
    trouble = Trouble(from_s=ends_s - HOUR_S, to_s=ends_s, slow=0.2, prompts=2.0, retried=0.3)

    heard = told(calls(seed, to_s=ends_s, per_hour=400.0, trouble=trouble))

    assert {type(event) for event in heard} == {TailRising, PromptGrew, RetriesRising}
    assert len(heard) == 3
    assert all(event.at_s > trouble.from_s for event in heard)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quiet_day_of_a_busy_route_raises_no_alarm(seed: int) -> None:
    assert told(calls(seed, to_s=DAY_S, per_hour=3_000.0)) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("per_hour", [600.0, 6_000.0])
def test_a_rising_tail_is_told_once_and_in_time_and_its_end_too(per_hour: float, seed: int) -> None:
    trouble = Trouble(from_s=TROUBLE_S, to_s=TROUBLE_S + HOUR_S, slow=0.2)

    alarm, clear = told_of(seed, per_hour=per_hour, trouble=trouble)

    assert isinstance(alarm, TailRising)
    assert trouble.from_s < alarm.at_s < trouble.from_s + limit_s(per_hour)
    assert alarm.p95_s > 1.5 * alarm.usual_p95_s
    assert alarm.p50_s < 1.5 * alarm.usual_p50_s
    assert "the tail is rising" in str(alarm)
    assert isinstance(clear, AllClear)
    assert clear.concern is Concern.TAIL
    assert trouble.to_s + 900.0 < clear.at_s < trouble.to_s + 2_700.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("per_hour", [600.0, 6_000.0])
def test_rising_retries_are_told_once_and_in_time_and_their_end_too(per_hour: float, seed: int) -> None:
    trouble = Trouble(from_s=TROUBLE_S, to_s=TROUBLE_S + HOUR_S, retried=0.2)

    alarm, clear = told_of(seed, per_hour=per_hour, trouble=trouble)

    assert isinstance(alarm, RetriesRising)
    assert trouble.from_s < alarm.at_s < trouble.from_s + limit_s(per_hour)
    assert alarm.share > 2.0 * alarm.usual_share
    assert alarm.reason == "rate_limited"
    assert "mostly after rate_limited" in str(alarm)
    assert isinstance(clear, AllClear)
    assert "retries as usual again" in str(clear)


@pytest.mark.parametrize("seed", SEEDS)
def test_prompts_that_double_are_told_once_and_within_half_an_hour(seed: int) -> None:
    began_s = 8 * DAY_S + 10.5 * HOUR_S
    trouble = Trouble(from_s=began_s, to_s=began_s + 3 * HOUR_S, prompts=2.0)

    alarm, clear = told(calls(seed, to_s=began_s + 5 * HOUR_S, per_hour=300.0, trouble=trouble))

    assert isinstance(alarm, PromptGrew)
    assert began_s < alarm.at_s < began_s + 1_800.0
    assert alarm.tokens >= alarm.limit_tokens > 1.3 * alarm.usual_tokens
    assert alarm.days == 7
    assert "prompts grew" in str(alarm)
    assert isinstance(clear, AllClear)
    assert clear.concern is Concern.PROMPT


def test_larger_prompts_in_the_first_days_must_be_far_larger() -> None:
    began_s = 4 * DAY_S + 10 * HOUR_S

    def heard_of(prompts: float) -> list[Event]:
        trouble = Trouble(from_s=began_s, prompts=prompts)
        return told(calls(1, to_s=began_s + 2 * HOUR_S, per_hour=500.0, trouble=trouble))

    assert heard_of(1.6) == []
    assert [type(event) for event in heard_of(4.0)] == [PromptGrew]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("per_hour", [600.0, 6_000.0])
def test_where_everything_is_slower_the_tail_is_no_news(per_hour: float, seed: int) -> None:
    trouble = Trouble(from_s=TROUBLE_S, to_s=TROUBLE_S + HOUR_S, slow=1.0, slower=3.0)

    assert told_of(seed, per_hour=per_hour, hours=3.5, trouble=trouble) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hiccup_is_no_incident(seed: int) -> None:
    trouble = Trouble(from_s=TROUBLE_S, to_s=TROUBLE_S + 60.0, slow=0.3)

    assert told_of(seed, per_hour=12_000.0, hours=2.3, trouble=trouble) == []


def test_a_hiccup_after_an_incident_is_none_either() -> None:
    def incident_and_hiccup() -> Iterator[CallRow]:
        for part, minutes, slow in ((0, 120, 0.0), (1, 10, 0.2), (2, 60, 0.0), (3, 1, 0.3), (4, 20, 0.0)):
            begins_s = BEGIN_S + 60.0 * (0, 120, 130, 190, 191)[part]
            trouble = Trouble(from_s=begins_s, slow=slow)
            yield from calls(part, from_s=begins_s, to_s=begins_s + 60.0 * minutes, per_hour=12_000.0, trouble=trouble)

    assert [type(event) for event in told(incident_and_hiccup())] == [TailRising, AllClear]


def test_what_comes_and_goes_is_one_incident() -> None:
    def on_and_off() -> Iterator[CallRow]:
        for part in range(24):
            begins_s = BEGIN_S + part * 600.0
            trouble = Trouble(from_s=begins_s, slow=0.3) if part >= 12 and part % 2 else NONE
            yield from calls(part, from_s=begins_s, to_s=begins_s + 600.0, per_hour=3_000.0, trouble=trouble)

    assert [type(event) for event in told(on_and_off())] == [TailRising]


def test_what_lasts_a_day_becomes_the_usual() -> None:
    trouble = Trouble(from_s=TROUBLE_S, retried=0.15)

    alarm, clear = told_of(1, per_hour=300.0, hours=40.0, trouble=trouble)

    assert isinstance(alarm, RetriesRising)
    assert isinstance(clear, AllClear)
    assert clear.at_s > alarm.at_s + DAY_S
