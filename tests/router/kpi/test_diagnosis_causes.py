"""`diagnose` on made-up days: for each thing that may befall a route, with five seeds, it names that thing."""

import pytest

from paceline.router.kpi.diagnosis import diagnose
from paceline.router.kpi.diagnosis_result import Cause, Headline, Verdict

from .days import REGIONS, Day

SEEDS = range(5)
ORDINARY = Day()
LONG_AND_CACHED = Day(prompts=5.0, cached=0.8)
MOSTLY_FAST, MOSTLY_SLOW = Day(mix={"east-1": 0.97, "west-2": 0.03}), Day(mix={"east-1": 0.03, "west-2": 0.97})


def everywhere(value: float) -> dict[str, float]:
    return dict.fromkeys(REGIONS, value)


FIRST_TOKEN = {
    "prompts four times as long": (ORDINARY, Day(prompts=4.0), Cause.PROMPT_SIZE),
    "nothing cached any more": (LONG_AND_CACHED, Day(prompts=5.0), Cause.CACHED_PROMPT),
    "a vendor queues": (ORDINARY, Day(queue_s={"east-1": 3.0}), Cause.PROVIDER_QUEUE),
    "a vendor queues and tells nothing": (
        Day(tells=False), Day(tells=False, queue_s={"west-1": 3.0}), Cause.PROVIDER_QUEUE,
    ),
    "connecting takes a second": (ORDINARY, Day(connect_s=everywhere(1.0)), Cause.NETWORK),
    "the way to a region takes longer": (ORDINARY, Day(way_s={"east-1": 1.5, "east-2": 1.5}), Cause.NETWORK),
    "calls wait for slots": (ORDINARY, Day(waits_s=2.0), Cause.OWN_QUEUE),
    "every fifth call is retried": (ORDINARY, Day(retried=0.2, retry_s=3.0), Cause.RETRIES),
    "most go to the slowest": (MOSTLY_FAST, MOSTLY_SLOW, Cause.ENDPOINT_MIX),
}  # fmt: skip

TOTAL = {
    "answers are longer": (ORDINARY, Day(answers=1.6), Cause.OUTPUT_LENGTH),
    "every vendor writes more slowly": (ORDINARY, Day(slower=everywhere(1.6)), Cause.DECODE_SPEED),
    "one vendor writes more slowly": (ORDINARY, Day(slower={"west-1": 3.0}), Cause.DECODE_SPEED),
    "answers take longer and nobody counts": (
        Day(tells=False), Day(tells=False, slower=everywhere(1.6)), Cause.WRITING,
    ),
    "answers in one piece take longer": (
        Day(in_one_piece=1.0), Day(in_one_piece=1.0, slower=everywhere(1.6)), Cause.DECODE_SPEED,
    ),
    "answers in one piece are longer": (
        Day(in_one_piece=1.0), Day(in_one_piece=1.0, answers=1.6), Cause.OUTPUT_LENGTH,
    ),
    "callers read slowly": (ORDINARY, Day(held_s=4.0), Cause.SLOW_READER),
    "a vendor queues for long": (ORDINARY, Day(queue_s={"east-1": 10.0, "west-1": 10.0}), Cause.PROVIDER_QUEUE),
    "calls wait long for slots": (ORDINARY, Day(waits_s=6.0), Cause.OWN_QUEUE),
    "retries take ten seconds": (ORDINARY, Day(retried=0.25, retry_s=10.0), Cause.RETRIES),
    "all go to a slow newcomer": (Day(mix={"east-1": 1.0}), Day(mix={"west-2": 1.0}), Cause.ENDPOINT_MIX),
    "most go to the slowest": (MOSTLY_FAST, MOSTLY_SLOW, Cause.ENDPOINT_MIX),
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("what", FIRST_TOKEN)
def test_a_first_token_that_comes_later_has_its_cause(what: str, seed: int) -> None:
    before, now, cause = FIRST_TOKEN[what]

    diagnosis = diagnose(before.calls(f"before {seed}"), now.calls(f"now {seed}"), of=Headline.TTFT)

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.ROSE, cause)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("what", TOTAL)
def test_an_end_that_comes_later_has_its_cause(what: str, seed: int) -> None:
    before, now, cause = TOTAL[what]

    diagnosis = diagnose(before.calls(f"before {seed}"), now.calls(f"now {seed}"))

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.ROSE, cause)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_has_passed_is_the_cause_of_a_fall(seed: int) -> None:
    now, before = Day().calls(f"now {seed}"), Day(waits_s=2.0).calls(f"before {seed}")

    diagnosis = diagnose(before, now, of=Headline.TTFT)

    assert (diagnosis.verdict, diagnosis.cause) == (Verdict.FELL, Cause.OWN_QUEUE)
    assert diagnosis.contributions[0].seconds < 0.0


@pytest.mark.parametrize("of", Headline)
def test_two_days_alike_differ_by_nothing_but_chance(of: Headline) -> None:
    verdicts = [
        diagnose(ORDINARY.calls(f"before {seed}", 300), ORDINARY.calls(f"now {seed}", 300), of=of).verdict
        for seed in range(60)
    ]

    assert verdicts.count(Verdict.STEADY) >= 58


def test_what_is_slow_is_slow_at_the_endpoint_where_it_is() -> None:
    before, now = ORDINARY.calls("before", 2_000), Day(queue_s={"west-1": 3.0}).calls("now", 2_000)

    top = diagnose(before, now, of=Headline.TTFT).contributions[0]

    assert top.place == "west-1"
    assert top.where["west-1"] == pytest.approx(top.seconds, rel=0.1)


def test_traffic_that_turned_away_from_a_queue_is_told_apart_from_the_queue() -> None:
    before = ORDINARY.calls("before", 3_000)
    now = Day(queue_s={"east-1": 3.0}, mix={"east-1": 0.05, "east-2": 0.45, "west-1": 0.25, "west-2": 0.25})

    parts = {
        part.cause: part.seconds for part in diagnose(before, now.calls("now", 3_000), of=Headline.TTFT).contributions
    }

    assert parts[Cause.PROVIDER_QUEUE] > 1.0
    assert parts[Cause.ENDPOINT_MIX] < -1.0


def test_waiting_calls_that_push_long_answers_out_of_the_tail_have_not_made_answers_shorter() -> None:
    before, now = ORDINARY.calls("before", 3_000), Day(waits_s=6.0).calls("now", 3_000)

    parts = {part.cause: part.seconds for part in diagnose(before, now).contributions}

    assert parts[Cause.TAIL_MAKEUP] < -1.0
    assert abs(parts[Cause.OUTPUT_LENGTH]) < 0.5
