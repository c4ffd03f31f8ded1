"""`Breaker` inside those that repeat: who is better to ask than an endpoint that is out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paceline.policies import Breaker, Fallback, LatencyBudget, Regions, Retry, RoundRobin, Slots
from paceline.router import Limits, Route
from paceline.router.errors import AuthenticationFailed, ProviderError, QuotaExhausted, RateLimited
from paceline.router.testing import SILENT, Scripted, endpoint, fails, run

from .ailing import REQUEST, WELL, fall_ill, several, watched
from .asking import Ask, asked, hello, in_pieces, routed, told
from .between import Seen

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler, Request


def test_a_retry_asks_the_one_that_is_in_again_rather_than_one_that_is_out(ask: Ask) -> None:
    dead, shaky = Scripted(fails(30.0, ProviderError)), Scripted(fails(0.25, ProviderError), WELL)
    breaker = Breaker()

    async def main() -> list[str]:
        async with routed([endpoint("dead", dead), endpoint("shaky", shaky)], [Retry(), breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "dead")
            answer = (await told(ask, router, REQUEST)).answer
        return [attempt.endpoint.name for attempt in answer.attempts]

    assert run(main) == ["shaky", "shaky"]


def test_a_retry_asks_one_that_is_out_if_the_others_cannot_be_asked_again(ask: Ask) -> None:
    refusing = Scripted(fails(0.25, AuthenticationFailed))
    breaker = Breaker()

    async def main() -> list[str]:
        policies = [Retry(), breaker, Slots()]
        async with routed([endpoint("dead", Scripted(WELL)), endpoint("refusing", refusing)], policies) as router:
            fall_ill(watched(router, breaker), "dead")
            answer = (await told(ask, router, REQUEST)).answer
        return [attempt.endpoint.name for attempt in answer.attempts]

    assert run(main) == ["refusing", "dead"]


def test_a_retry_asks_one_that_is_out_rather_than_one_that_was_too_slow(ask: Ask) -> None:
    slow = endpoint("slow", Scripted(SILENT), limits=Limits(first_token_s=0.5))
    breaker = Breaker()

    async def main() -> list[str]:
        async with routed([endpoint("dead", Scripted(WELL)), slow], [Retry(), breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "dead")
            answer = (await told(in_pieces, router, REQUEST)).answer
        return [attempt.endpoint.name for attempt in answer.attempts]

    assert run(main) == ["slow", "dead"]


def test_a_retry_that_waited_for_the_only_endpoint_finds_it_open(ask: Ask) -> None:
    limited = Scripted(fails(0.0, lambda: RateLimited("as scripted", retry_after_s=30.0)), WELL)
    end = asked(ask, hello(model="m", budget_s=60.0), [endpoint("only", limited)], [Retry(), Breaker(), Slots()])
    assert end.at_s == 30.25
    assert "tries only" in " ".join(decision.reason for decision in end.answer.decisions)


def test_a_retry_of_the_only_endpoint_goes_there_though_it_is_out(ask: Ask) -> None:
    limited = Scripted(fails(0.0, RateLimited), WELL)
    end = asked(ask, REQUEST, [endpoint("only", limited)], [Retry(), Breaker(), Slots()])
    assert [attempt.endpoint.name for attempt in end.answer.attempts] == ["only", "only"]
    assert end.at_s <= 0.25 + 0.25


def test_what_is_left_for_a_retry_is_no_reason_to_panic(ask: Ask) -> None:
    seen, breaker = Seen(), Breaker()
    shaky, well = endpoint("shaky", Scripted(fails(0.0, ProviderError))), endpoint("well", Scripted(WELL))

    async def main() -> list[str]:
        async with routed([shaky, well, *several("ab")], [Retry(), breaker, seen, RoundRobin()]) as router:
            fall_ill(watched(router, breaker), "a", "b")
            await told(ask, router, REQUEST)
        return seen.order

    assert run(main) == ["well"]


@pytest.mark.parametrize("ill", ["best", "fast"])
def test_a_model_that_is_all_out_is_passed_over_without_a_try(ask: Ask, ill: str) -> None:
    endpoints = [endpoint(model, Scripted(WELL), model=model) for model in ("best", "fast")]
    breaker = Breaker()

    async def main() -> list[str]:
        policies = [Fallback(), Retry(), Regions(), breaker, LatencyBudget(), Slots()]
        async with routed(endpoints, policies, [Route(name="chat", models=("best", "fast"))]) as router:
            fall_ill(watched(router, breaker), ill, error=lambda: QuotaExhausted("as scripted"))
            answer = (await told(ask, router, hello(route="chat"))).answer
        return [attempt.endpoint.name for attempt in answer.attempts]

    assert run(main) == ["fast" if ill == "best" else "best"]


@pytest.mark.parametrize(
    ("question", "fast_is_ill"),
    [
        (hello(route="chat", model="best"), False),
        (hello(route="chat", residency={"eu"}), False),
        (hello(route="chat"), True),
    ],
    ids=["this_model_was_asked_for", "the_other_is_not_allowed", "the_other_is_out_too"],
)
def test_a_model_that_is_all_out_is_asked_where_no_other_is_better(
    ask: Ask, question: Request, *, fast_is_ill: bool
) -> None:
    endpoints = [
        endpoint(model, Scripted(WELL), model=model, region=region)
        for model, region in (("best", "eu"), ("fast", "us"))
    ]
    breaker = Breaker()

    async def main() -> list[str]:
        policies = [Fallback(), Retry(), Regions(), breaker, LatencyBudget(), Slots()]
        async with routed(endpoints, policies, [Route(name="chat", models=("best", "fast"))]) as router:
            ill = ["best", "fast"] if fast_is_ill else ["best"]
            fall_ill(watched(router, breaker), *ill, error=lambda: QuotaExhausted("as scripted"))
            answer = (await told(ask, router, question)).answer
        return [attempt.endpoint.name for attempt in answer.attempts]

    assert run(main) == ["best"]


def test_the_last_model_is_asked_though_an_endpoint_of_it_is_well_that_the_call_may_not_use(ask: Ask) -> None:
    endpoints = [
        endpoint("best", Scripted(fails(0.25, ProviderError)), model="best"),
        endpoint("ill", Scripted(WELL), model="fast"),
        endpoint("hidden", Scripted(WELL), model="fast"),
    ]
    breaker = Breaker()

    async def hide(call: Call, emit: Emit, next: Handler, /) -> None:
        left = tuple(target for target in call.candidates if target.name != "hidden")
        await next(call.with_(candidates=left, tied=len(left)), emit)

    async def main() -> str:
        route = Route(name="chat", models=("best", "fast"))
        async with routed(endpoints, [Fallback(), hide, breaker, Slots()], [route]) as router:
            fall_ill(watched(router, breaker), "ill")
            return (await told(ask, router, hello())).answer.endpoint

    assert run(main) == "ill"
