"""How long `Retry` waits: full jitter from the router's dice, Retry-After to the letter, never past the deadline."""

from __future__ import annotations

import random
from itertools import accumulate

import anyio
import pytest
from tenacity import (
    RetryCallState,
    stop_after_attempt,
    wait_chain,
    wait_combine,
    wait_exponential_jitter,
    wait_fixed,
    wait_incrementing,
    wait_random,
    wait_random_exponential,
)
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from paceline.policies import DecorrelatedJitter, Fallback, FullJitter, Retry
from paceline.router import Endpoint, Route
from paceline.router.errors import AttemptFailed, AuthenticationFailed, ConfigurationError, ProviderError, RateLimited
from paceline.router.testing import Fail, Script, Scripted, answers, endpoint, fails, run, virtual_clock

from .asking import Ask, asked, hello, routed

DOWN = fails(0.0, ProviderError)


def limited(at_s: float, retry_after_s: float) -> Script:
    return (Fail(at_s, lambda: RateLimited("as scripted", retry_after_s=retry_after_s)),)


def fleet(*providers: Scripted) -> list[Endpoint]:
    return [endpoint(name, provider) for name, provider in zip("abcdef", providers, strict=False)]


def sent_at(ask: Ask, providers: list[Scripted], retry: Retry, *, budget_s: float = 60.0, seed: int = 1) -> list[float]:
    end = asked(ask, hello(model="m", budget_s=budget_s), fleet(*providers), [retry], seed=seed)
    return [attempt.sent_s for attempt in end.answer.attempts]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_waits_are_drawn_by_the_routers_dice_below_a_doubling_ceiling(ask: Ask, seed: int) -> None:
    dice = random.Random(seed)
    waits = [dice.uniform(0.0, ceiling_s) for ceiling_s in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)]
    a = Scripted(*[DOWN] * 7, answers(0.0))
    times = sent_at(ask, [a], Retry(stop=stop_after_attempt(8)), seed=seed)
    assert times == list(accumulate(waits, initial=0.0))


@pytest.mark.parametrize("wait", [wait_fixed(1.0), wait_incrementing(start=1.0, increment=2.0)])
def test_any_wait_of_tenacity_that_throws_no_dice_can_be_the_ceiling(ask: Ask, wait: wait_base) -> None:
    first, second = wait_ceilings(wait)
    dice = random.Random(1)
    waits = [dice.uniform(0.0, first), dice.uniform(0.0, second)]
    times = sent_at(ask, [Scripted(DOWN, DOWN, answers(0.0))], Retry(wait=wait))
    assert times == list(accumulate(waits, initial=0.0))


def wait_ceilings(wait: wait_base) -> tuple[float, float]:
    return (1.0, 1.0) if isinstance(wait, wait_fixed) else (1.0, 3.0)


class AsLongAsItSays(wait_base):
    """A wait of tenacity's own kind that looks at the failure."""

    def __call__(self, retry_state: RetryCallState) -> float:
        assert retry_state.outcome is not None
        failure = retry_state.outcome.exception()
        return {"provider_error": 4.0}[failure.reason] if isinstance(failure, AttemptFailed) else 0.0


def test_the_wait_may_depend_on_the_failure(ask: Ask) -> None:
    wait_s = random.Random(1).uniform(0.0, 4.0)
    assert sent_at(ask, [Scripted(DOWN, answers(0.0))], Retry(wait=AsLongAsItSays())) == [0.0, wait_s]


def test_the_waits_may_be_decorrelated(ask: Ask) -> None:
    dice, waits, before_s = random.Random(1), list[float](), 0.5
    for _ in range(3):
        before_s = min(4.0, dice.uniform(0.5, 3.0 * before_s))
        waits.append(before_s)
    retry = Retry(stop=stop_after_attempt(4), wait=DecorrelatedJitter(base_s=0.5, cap_s=4.0))
    assert sent_at(ask, [Scripted(DOWN, DOWN, DOWN, answers(0.0))], retry) == list(accumulate(waits, initial=0.0))


def test_an_untried_endpoint_is_asked_without_any_wait(ask: Ask) -> None:
    providers = [Scripted(DOWN), Scripted(DOWN), Scripted(answers(0.0))]
    assert sent_at(ask, providers, Retry()) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("retry_after_s", [0.0, 1.0, 30.0])
def test_retry_after_is_kept_to_the_letter(ask: Ask, retry_after_s: float) -> None:
    a = Scripted(limited(0.5, retry_after_s), answers(0.25))
    assert sent_at(ask, [a], Retry()) == [0.0, 0.5 + retry_after_s]


def test_one_endpoints_retry_after_does_not_keep_the_call_from_another(ask: Ask) -> None:
    a, b = Scripted(limited(0.5, 30.0)), Scripted(answers(0.25))
    assert sent_at(ask, [a, b], Retry(), budget_s=10.0) == [0.0, 0.5]


def test_of_two_that_asked_for_time_the_one_that_is_ready_first_is_asked_again(ask: Ask) -> None:
    a, b = Scripted(limited(0.5, 3.0)), Scripted(limited(0.25, 1.0), answers(0.25))
    assert sent_at(ask, [a, b], Retry()) == [0.0, 0.5, 1.75]
    assert (a.calls, b.calls) == (1, 2)


def test_an_endpoint_that_asked_for_no_time_is_asked_after_the_jitter(ask: Ask) -> None:
    a, b = Scripted(limited(0.0, 30.0)), Scripted(DOWN, answers(0.25))
    jitter_s = random.Random(1).uniform(0.0, 0.5)
    assert sent_at(ask, [a, b], Retry()) == [0.0, 0.0, jitter_s]
    assert (a.calls, b.calls) == (1, 2)


def test_an_endpoint_that_refused_the_key_is_not_waited_for(ask: Ask) -> None:
    a, b = Scripted(fails(0.0, AuthenticationFailed)), Scripted(limited(0.5, 8.0), answers(0.25))
    assert sent_at(ask, [a, b], Retry()) == [0.0, 0.0, 8.5]


@pytest.mark.parametrize("retry_after_s", [9.5, 30.0, 1e12])
def test_a_wait_that_would_outlast_the_deadline_is_not_begun(ask: Ask, retry_after_s: float) -> None:
    a = Scripted(limited(0.5, retry_after_s))
    end = asked(ask, hello(model="m", budget_s=10.0), fleet(a), [Retry()])
    assert isinstance(end.error, RateLimited)
    assert (end.at_s, a.calls) == (0.5, 1)
    assert "gives up: a wait of" in end.error.decisions[-1].reason


def test_a_wait_that_leaves_a_moment_is_begun(ask: Ask) -> None:
    a = Scripted(limited(0.5, 9.0), answers(0.25, "mended"))
    assert asked(ask, hello(model="m", budget_s=10.0), fleet(a), [Retry()]).answer.text == "mended"


def test_a_wait_that_would_outlast_the_start_limit_leaves_the_model_at_once(ask: Ask) -> None:
    best, fast = Scripted(limited(0.5, 1.5)), Scripted(answers(0.25))
    models = [endpoint("a", best, model="best"), endpoint("b", fast, model="fast")]
    end = asked(ask, hello(), models, [Fallback(), Retry()], [Route(name="chat", models=("best", "fast"))])
    assert (end.answer.model, end.at_s) == ("fast", 0.75)
    assert not end.answer.fallbacks[0].timed_out


def test_a_caller_who_leaves_during_the_wait_is_let_go_at_once(ask: Ask) -> None:
    a = Scripted(limited(0.5, 30.0))

    async def main() -> None:
        async with routed(fleet(a), [Retry()]) as router:
            with anyio.move_on_after(2.0) as patience:
                await ask(router, hello(model="m"))
            assert patience.cancelled_caught
            assert (virtual_clock(), a.calls, router.fleet["a"].in_flight) == (2.0, 1, 0)

    run(main)


@pytest.mark.parametrize(
    "wait",
    [
        wait_random(0, 1),
        wait_random_exponential(),
        wait_exponential_jitter(),
        pytest.param(wait_combine(wait_fixed(1), wait_random(0, 1)), id="wait_combine"),
        pytest.param(wait_chain(wait_fixed(1), wait_fixed(1) + wait_random(0, 1)), id="wait_chain"),
    ],
)
def test_a_wait_that_throws_dice_of_its_own_is_refused(wait: wait_base) -> None:
    with pytest.raises(ConfigurationError, match="FullJitter: ceiling must draw nothing itself"):
        Retry(wait=wait)


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        ({"stop": 3}, "stop must be stop_base, not int"),
        ({"stop": wait_fixed(1)}, "stop must be stop_base, not wait_fixed"),
        ({"wait": 0.25}, "wait must be a jitter such as FullJitter"),
        ({"wait": FullJitter}, "wait must be a jitter such as FullJitter"),
        ({"at_most": {TimeoutError: 1}}, "at_most must be counts by class of AttemptFailed"),
        ({"at_most": {RateLimited: -1}}, "at_most must be a whole number of at least 0"),
    ],
)
def test_limits_that_cannot_work_are_refused(wrong: dict[str, object], mend: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Retry: {mend}"):
        Retry(**wrong)  # type: ignore[arg-type]


def test_its_repr_says_what_its_limits_are() -> None:
    assert repr(Retry(wait=wait_fixed(1))) == (
        "Retry(stop=stop_after_attempt(max_attempt_number=3), wait=FullJitter(wait_fixed(wait_fixed=1.0)))"
    )
    assert repr(Retry(wait=DecorrelatedJitter(), at_most={RateLimited: 1})) == (
        "Retry(stop=stop_after_attempt(max_attempt_number=3), "
        "wait=DecorrelatedJitter(base_s=0.25, cap_s=8.0), at_most={RateLimited: 1})"
    )


class Exactly:
    """A jitter that is none."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def wait_s(self, state: RetryCallState, before_s: float | None, dice: random.Random) -> float:
        return self.seconds


class AfterWaiting(stop_base):
    """Stops once so many seconds were waited."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, retry_state: RetryCallState) -> bool:
        return retry_state.idle_for >= self.seconds


def test_a_stop_object_is_told_how_long_was_waited(ask: Ask) -> None:
    end = asked(
        ask,
        hello(model="m", budget_s=60.0),
        [endpoint("a", Scripted(limited(0.0, 2.0)))],
        [Retry(stop=AfterWaiting(5.0))],
    )
    assert (end.at_s, len(end.error.attempts)) == (6.0, 4)


def test_it_is_the_last_word_of_an_endpoint_that_counts(ask: Ask) -> None:
    """It named a time once, and then no more: so the second wait is jittered like any other."""
    a = Scripted(
        fails(0.0, lambda: RateLimited("as scripted", retry_after_s=1.0)), fails(0.0, ProviderError), answers(0.25)
    )
    end = asked(ask, hello(model="m"), [endpoint("a", a)], [Retry(wait=Exactly(4.0))])
    assert end.at_s == 5.25
