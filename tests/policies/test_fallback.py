"""`Fallback`, in virtual time: no test here waits, and some of them would take an hour."""

from __future__ import annotations

import asyncio

import pytest

from paceline.policies import Fallback, LatencyBudget, Otherwise, Regions, Retry, Slots
from paceline.router import Endpoint, ModelLeft, Policy, Profile, Request, Route
from paceline.router.errors import (
    AttemptFailed,
    BadRequest,
    ConfigurationError,
    ContentBlocked,
    ContextTooLong,
    DeadlineExceeded,
    EveryModelFailed,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestTooLarge,
    ResidencyUnmet,
    StreamInterrupted,
)
from paceline.router.testing import SILENT, Scripted, answers, endpoint, fails, run

from .asking import Ask, Told, asked, cut_after, given_up, hello, in_a_second, in_pieces, routed, told, whole

CHAT = Route(name="chat", models=("best", "fast"))


def two(best: Scripted, fast: Scripted) -> list[Endpoint]:
    return [endpoint("b", fast, model="fast"), endpoint("a", best, model="best")]


def test_a_model_that_starts_in_time_is_kept(ask: Ask) -> None:
    best, fast = Scripted(answers(1.75, "best")), Scripted(answers(0.25, "fast"))
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert (end.answer.text, end.answer.model, end.answer.fell_back) == ("best", "best", False)
    assert fast.calls == 0


def test_a_model_that_is_slow_to_start_is_left_for_the_next(ask: Ask) -> None:
    best, fast = Scripted(answers(3600.0, "best")), Scripted(answers(0.5, "fast"))
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert (end.answer.text, end.answer.model, end.at_s) == ("fast", "fast", 2.5)


def test_the_deadline_holds_across_all_models(ask: Ask) -> None:
    best, fast = Scripted(answers(3600.0)), Scripted(answers(3600.0))
    end = asked(ask, hello(budget_s=3.0), two(best, fast), [Fallback()], [CHAT])
    assert isinstance(end.error, DeadlineExceeded)
    assert [attempt.endpoint.model for attempt in end.error.attempts] == ["best", "fast"]
    assert end.at_s == 3.0


def test_an_answer_that_started_may_take_longer_than_the_start_limit(ask: Ask) -> None:
    best, fast = Scripted(answers(1.0, *".....", gap_s=1.0)), Scripted()
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert (end.answer.text, end.at_s) == (".....", 5.0)


def test_the_last_model_has_all_that_is_left_of_the_deadline(ask: Ask) -> None:
    best, fast = Scripted(SILENT), Scripted(answers(25.0, "late"))
    end = asked(ask, hello(budget_s=30.0), two(best, fast), [Fallback()], [CHAT])
    assert (end.answer.text, end.at_s) == ("late", 27.0)


def test_every_model_but_the_last_has_a_start_limit_of_its_own(ask: Ask) -> None:
    best, fast, spare = Scripted(SILENT), Scripted(SILENT), Scripted(answers(20.0, "spare"))
    models = [*two(best, fast), endpoint("c", spare, model="spare")]
    end = asked(ask, hello(), models, [Fallback()], [Route(name="chat", models=("best", "fast", "spare"))])
    assert (end.answer.text, end.at_s) == ("spare", 24.0)


def test_a_deadline_that_passes_with_the_start_limit_leaves_nothing_to_try(ask: Ask) -> None:
    best, fast = Scripted(SILENT), Scripted()
    end = asked(ask, hello(budget_s=2.0), two(best, fast), [Fallback(start_within_s=2.0)], [CHAT])
    assert isinstance(end.error, DeadlineExceeded)
    assert (end.at_s, fast.calls) == (2.0, 0)


def test_the_only_model_has_no_start_limit(ask: Ask) -> None:
    end = asked(ask, hello(model="m"), [endpoint("a", Scripted(answers(29.0, "slow")))], [Fallback()])
    assert (end.answer.text, end.at_s) == ("slow", 29.0)


def test_the_only_model_keeps_its_own_error(ask: Ask) -> None:
    best, fast = Scripted(fails(0.5, ProviderError)), Scripted()
    end = asked(ask, hello(model="best"), two(best, fast), [Fallback()], [CHAT])
    assert isinstance(end.error, ProviderError)
    assert fast.calls == 0


@pytest.mark.parametrize("fault", [BadRequest, ContextTooLong, RequestTooLarge, ContentBlocked])
def test_what_another_model_could_not_mend_goes_up_at_once(ask: Ask, fault: type[AttemptFailed]) -> None:
    best, fast = Scripted(fails(0.25, fault)), Scripted()
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert isinstance(end.error, fault)
    assert (end.at_s, fast.calls) == (0.25, 0)


def test_a_failure_an_inner_layer_has_given_up_on_is_not_multiplied(ask: Ask) -> None:
    best, fast = Scripted(fails(0.25, given_up)), Scripted()
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert isinstance(end.error, ProviderError)
    assert fast.calls == 0


@pytest.mark.parametrize(
    ("request_", "policies"),
    [
        pytest.param(hello(residency={"eu"}), [Regions()], id="residency"),
        pytest.param(hello(min_quality=1), [LatencyBudget()], id="quality"),
        pytest.param(hello(budget_s=4.0), [LatencyBudget(otherwise=Otherwise.REFUSE)], id="too_little_time"),
    ],
)
def test_a_model_that_cannot_be_asked_is_passed_over_at_once(
    ask: Ask, request_: Request, policies: list[Policy]
) -> None:
    best, fast = Scripted(), Scripted(answers(0.25, "fast"))
    slow, quick = Profile(ttft_s=10.0), Profile(ttft_s=0.25)
    models = [
        endpoint("a", best, model="best", region="us", quality=0, profile=slow),
        endpoint("b", fast, model="fast", region="eu", quality=1, profile=quick),
    ]
    end = asked(ask, request_, models, [Fallback(), *policies], [CHAT])
    assert (end.answer.text, end.at_s) == ("fast", 0.25)
    assert best.calls == 0
    assert [left.timed_out for left in end.answer.fallbacks] == [request_.budget_s is not None]


def test_when_no_model_can_be_asked_each_is_named(ask: Ask) -> None:
    end = asked(ask, hello(residency={"mars"}), two(Scripted(), Scripted()), [Fallback(), Regions()], [CHAT])
    assert isinstance(end.error, EveryModelFailed)
    assert [(model, type(failure)) for model, failure in end.error.failures] == [
        ("best", ResidencyUnmet),
        ("fast", ResidencyUnmet),
    ]


def test_every_model_failed_names_each_with_its_own_error(ask: Ask) -> None:
    best, fast = Scripted(fails(0.5, ProviderError)), Scripted(fails(0.25, RateLimited))
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert isinstance(end.error, EveryModelFailed)
    assert [(model, type(failure)) for model, failure in end.error.failures] == [
        ("best", ProviderError),
        ("fast", RateLimited),
    ]
    assert str(end.error) == "no model answered (best: as scripted; fast: as scripted)"
    assert end.error.__cause__ is end.error.failures[-1][1]


def test_each_of_those_errors_has_the_calls_record(ask: Ask) -> None:
    down = Scripted(fails(0.25, ProviderError))
    models = [endpoint("a", down, model="best"), endpoint("b", down, model="fast")]
    error = asked(ask, hello(), models, [Fallback()], [Route(name="chat", models=("best", "fast"))]).error
    assert isinstance(error, EveryModelFailed)
    assert all(failure.attempts is error.attempts for _, failure in error.failures)


def test_the_answer_says_that_a_model_timed_out(ask: Ask) -> None:
    best, fast = Scripted(SILENT), Scripted(answers(0.5))
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert end.answer.fell_back
    assert end.answer.fallbacks == (ModelLeft("best", "a: start limit passed after 2.000 s", timed_out=True),)
    assert "Fallback: leaves best: a: start limit passed" in end.answer.story()


def test_the_answer_says_that_a_model_failed(ask: Ask) -> None:
    best, fast = Scripted(fails(0.5, ProviderError)), Scripted(answers(0.5))
    end = asked(ask, hello(), two(best, fast), [Fallback()], [CHAT])
    assert end.answer.fallbacks == (ModelLeft("best", "as scripted", timed_out=False),)


def test_a_stream_that_began_is_never_replaced() -> None:
    best, fast = Scripted(cut_after(0.5, "half")), Scripted()
    end = asked(in_pieces, hello(), two(best, fast), [Fallback()], [CHAT])
    assert isinstance(end.error, StreamInterrupted)
    assert (end.error.delivered, fast.calls) == (4, 0)


def test_a_whole_answer_cut_short_is_given_by_the_next_model_and_by_it_alone() -> None:
    best, fast = Scripted(cut_after(0.5, "half")), Scripted(answers(0.25, "all"))
    end = asked(whole, hello(), two(best, fast), [Fallback()], [CHAT])
    assert (end.answer.text, end.at_s) == ("all", 0.75)


def test_waiting_for_a_slot_spends_the_start_limit(ask: Ask) -> None:
    best, fast = Scripted(SILENT), Scripted(answers(0.5, "fast"))
    models = [endpoint("a", best, model="best", slots=1), endpoint("b", fast, model="fast")]

    async def main() -> Told:
        policies: list[Policy] = [Fallback(), Slots(max_wait_s=9.0)]
        async with routed(models, policies, [CHAT]) as router, asyncio.TaskGroup() as others:
            other = others.create_task(router.complete(hello(model="best")))
            await asyncio.sleep(1.0)
            end = await told(ask, router, hello())
            other.cancel()
        return end

    end = run(main)
    assert (end.answer.text, end.at_s) == ("fast", 3.5)
    assert "no slot came free in 2.000 s" in end.answer.fallbacks[0].reason


def test_a_wait_that_ends_with_the_deadline_leaves_nothing_to_try(ask: Ask) -> None:
    best, fast = Scripted(SILENT), Scripted(answers(0.5))
    models = [endpoint("a", best, model="best", slots=1), endpoint("b", fast, model="fast")]

    async def main() -> Told:
        policies: list[Policy] = [Fallback(), Slots(max_wait_s=9.0)]
        async with routed(models, policies, [CHAT]) as router, asyncio.TaskGroup() as others:
            other = others.create_task(router.complete(hello(model="best")))
            await asyncio.sleep(1.0)
            end = await told(ask, router, hello(budget_s=1.5))
            other.cancel()
        return end

    end = run(main)
    assert isinstance(end.error, Overloaded)
    assert (end.at_s, fast.calls) == (2.5, 0)


def test_backing_off_spends_the_start_limit(ask: Ask) -> None:
    best, fast = Scripted(fails(0.5, in_a_second), SILENT), Scripted(answers(0.25, "fast"))
    end = asked(ask, hello(), two(best, fast), [Fallback(), Retry()], [CHAT])
    assert [attempt.sent_s for attempt in end.answer.attempts] == [0.0, 1.5, 2.0]
    assert (end.answer.text, end.at_s) == ("fast", 2.25)


@pytest.mark.parametrize("start_within_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_start_limit_that_is_none_is_refused(start_within_s: float) -> None:
    with pytest.raises(ConfigurationError, match="start_within_s must be a number above 0"):
        Fallback(start_within_s=start_within_s)
