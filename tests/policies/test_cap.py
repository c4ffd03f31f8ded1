"""`Cap`: how long an answer may be, what a route may cost, and who is told."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import pytest

from paceline.policies import Cap, CostLimit, Fallback, Hedge, Retry, RoundRobin, Slots
from paceline.router import (
    Call,
    CostThresholdPassed,
    Emit,
    Endpoint,
    Event,
    Handler,
    Policy,
    Request,
    Route,
    Router,
    Usage,
)
from paceline.router.errors import (
    BadRequest,
    ConfigurationError,
    ConnectFailed,
    CostLimitReached,
    ProviderError,
    RateLimited,
)
from paceline.router.testing import (
    SILENT,
    Script,
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from .asking import Ask, cut_after, hello, plenty, routed, told, whole
from .racing import make_known

CHAT = Route(name="chat", models="m")
MINUTE = CostLimit(money=100.0, window_s=60.0)


def priced(provider: Scripted, name: str = "a", price: float = 1e6, **fields: object) -> Endpoint:
    """An endpoint whose tokens cost one each, in and out, unless told otherwise."""
    return endpoint(name, provider, price_in_per_m=price, price_out_per_m=price, **fields)


def ask_for(tokens_in: int, most: int | None, **fields: object) -> Request:
    return hello(route="chat", prompt_tokens=tokens_in, max_tokens=most, **fields)  # type: ignore[arg-type]


def used(tokens_in: int, tokens_out: int, *, after_s: float = 0.0) -> Script:
    return answers(after_s, usage=Usage(input_tokens=tokens_in, output_tokens=tokens_out))


# -- length


@pytest.mark.parametrize(
    ("asked", "of_the_route", "cap", "allowed"),
    [
        (None, None, 500, 500),
        (800, None, 500, 500),
        (300, None, 500, 300),
        (None, 400, 500, 400),
        (None, 600, 500, 500),
        (450, 400, 500, 400),
        (800, 600, None, 600),
    ],
)
def test_the_least_of_all_caps_holds(
    ask: Ask, asked: int | None, of_the_route: int | None, cap: int | None, allowed: int
) -> None:
    vendor = Scripted()
    route = Route(name="chat", models="m", max_tokens=of_the_route)

    async def main() -> None:
        policies: list[Policy] = [Cap(max_tokens=cap, cost=MINUTE if cap is None else None), Slots()]
        async with routed([priced(vendor, price=1e-3)], policies, [route]) as router:
            await ask(router, ask_for(10, asked))

    run(main)
    assert vendor.seen[0].max_tokens == allowed


def test_each_route_may_have_its_own() -> None:
    vendor = Scripted()
    routes = [CHAT, Route(name="report", models="m")]

    async def main() -> None:
        policies = [Cap(max_tokens=50, routes="chat"), Cap(max_tokens=2000, routes=("report",)), Slots()]  # type: ignore[arg-type]
        async with routed([endpoint("a", vendor)], policies, routes) as router:
            for name in ("chat", "report"):
                await whole(router, hello(route=name))
            await whole(router, hello(model="m"))

    run(main)
    assert [call.max_tokens for call in vendor.seen] == [50, 2000, None]


# -- money


def spent_on(script: Script, *policies: Policy, tokens_in: int = 10, most: int | None = 40) -> float:
    """What one call cost its route."""
    cap = Cap(cost=MINUTE)

    async def main() -> float:
        async with routed([priced(Scripted(script))], [cap, *policies, Slots()], [CHAT], budget=plenty()) as router:
            await told(whole, router, ask_for(tokens_in, most))
            spending = cap._spending["chat"]
            assert spending.reserved == 0.0
            return spending.spent

    return run(main)


def test_usage_says_what_it_cost() -> None:
    assert spent_on(used(12, 30)) == pytest.approx(42.0)


def test_what_usage_does_not_say_is_the_prompt_and_a_likely_answer() -> None:
    assert spent_on(answers(0.0, usage=Usage())) == pytest.approx(10.0 + 40.0)
    assert spent_on(answers(0.0, usage=Usage(output_tokens=3))) == pytest.approx(13.0)


def test_a_failure_costs_what_it_may_have_cost() -> None:
    assert spent_on(fails(0.1, ProviderError)) == pytest.approx(10.0)
    assert spent_on(cut_after(0.1, "half")) == pytest.approx(10.0 + 40.0)


@pytest.mark.parametrize("error", [ConnectFailed, RateLimited, BadRequest])
def test_what_a_vendor_did_not_take_costs_nothing(error: type[BadRequest]) -> None:
    assert spent_on(fails(0.1, error)) == 0.0


def test_every_try_costs() -> None:
    failed_then_fine = Scripted(fails(0.0, ProviderError), used(10, 5))
    cap = Cap(cost=MINUTE)

    async def main() -> float:
        endpoints = [priced(failed_then_fine, name) for name in "ab"]
        async with routed(endpoints, [cap, Retry(), RoundRobin()], [CHAT], budget=plenty()) as router:
            await whole(router, ask_for(10, 20))
        return cap._spending["chat"].spent

    assert run(main) == pytest.approx(10.0 + 15.0)


def test_a_second_leg_is_reserved_for_and_costs_as_well() -> None:
    cap = Cap(cost=CostLimit(money=1000.0))
    reserved = list[float]()

    async def main() -> float:
        slow, quick = Scripted(answers(0.1), SILENT), Scripted(answers(0.1))
        endpoints = [priced(slow, "slow"), priced(quick, "quick")]
        async with routed(endpoints, [cap, Hedge(), RoundRobin()], [CHAT], budget=plenty()) as router:
            make_known(router, slow=0.5, quick=0.5)
            await whole(router, ask_for(10, 40))
            await whole(router, ask_for(10, 40))
            before = cap._spending["chat"].spent
            async with anyio.create_task_group() as group:
                group.start_soon(whole, router, ask_for(10, 40))
                await anyio.sleep(0.55)
                reserved.append(cap._spending["chat"].reserved)
            return cap._spending["chat"].spent - before

    cost = run(main)
    assert reserved == [pytest.approx(100.0)]
    assert cost >= 11.0
    assert cap._spending["chat"].reserved == pytest.approx(0.0)


def test_the_dearest_candidate_is_reserved_for_until_it_is_known_who_is_asked() -> None:
    cap = Cap(cost=CostLimit(money=1000.0))
    reserved = list[float]()

    class Looks(Scripted):
        async def __call__(self, call: Call, emit: Emit) -> None:
            reserved.append(cap._spending["chat"].reserved)
            await super().__call__(call, emit)

    async def before(call: Call, emit: Emit, next: Handler, /) -> None:
        reserved.append(cap._spending["chat"].reserved)
        await next(call.with_(candidates=call.candidates[:1]), emit)

    async def main() -> None:
        endpoints = [priced(Looks(), "cheap", 1e6), priced(Looks(), "dear", 3e6)]
        async with routed(endpoints, [cap, before], [CHAT]) as router:
            await whole(router, ask_for(10, 40))

    run(main)
    assert reserved == [pytest.approx(150.0), pytest.approx(50.0)]


def test_two_limits_of_different_windows_both_count() -> None:
    minute, day = Cap(cost=MINUTE), Cap(cost=CostLimit(money=150.0))

    async def main() -> list[str]:
        ends = list[str]()
        async with routed([priced(Scripted(used(10, 30)))], [minute, day, Slots()], [CHAT]) as router:
            for _ in range(6):
                ends.append(type((await told(whole, router, ask_for(10, 30))).given).__name__)
                await anyio.sleep(20.0)
        return ends

    assert run(main) == ["Answer", "Answer", "CostLimitReached", "Answer", "CostLimitReached", "CostLimitReached"]
    assert (minute._spending["chat"].spent, day._spending["chat"].spent) == (40.0, 120.0)


# -- refusals and warnings


def outcomes(
    cost: CostLimit, requests: list[Request], *, every_s: float = 0.0
) -> tuple[list[str], list[CostThresholdPassed]]:
    """What came of calls, one after the other, that cost twenty each; and what listeners were told of money."""
    heard = list[Event]()

    async def main() -> list[str]:
        ends = list[str]()
        vendor = Scripted(used(10, 10))
        async with Router(
            [priced(vendor)], [CHAT], [Cap(cost=cost), Slots()], clock=virtual_clock, listeners=[heard.append]
        ) as router:
            for request in requests:
                ends.append(type((await told(whole, router, request)).given).__name__)
                await anyio.sleep(every_s)
        return ends

    ends = run(main)
    return ends, [event for event in heard if isinstance(event, CostThresholdPassed)]


def test_when_the_money_is_spent_calls_are_refused_until_the_next_window() -> None:
    ends, _ = outcomes(MINUTE, [ask_for(10, 10)] * 14, every_s=5.0)
    assert ends == ["Answer"] * 5 + ["CostLimitReached"] * 7 + ["Answer"] * 2


def test_listeners_are_told_before_anybody_is_refused() -> None:
    _, told_of = outcomes(MINUTE, [ask_for(10, 10)] * 6)
    assert [(event.share, event.spent, event.reserved, event.money) for event in told_of] == [
        (0.8, 60.0, 0.0, 100.0),
        (0.95, 80.0, 0.0, 100.0),
    ]
    assert [event.call.route.name for event in told_of] == ["chat", "chat"]


def test_a_call_that_asks_for_too_much_at_once_warns_and_is_refused_and_smaller_ones_still_fit() -> None:
    ends, told_of = outcomes(MINUTE, [ask_for(10, 95), ask_for(10, 10)])
    assert ends == ["CostLimitReached", "Answer"]
    assert [event.share for event in told_of] == [0.8, 0.95]


def test_the_refusal_says_when_there_is_more_and_nothing_is_sent() -> None:
    vendor = Scripted(used(10, 90))

    async def main() -> None:
        async with routed([priced(vendor)], [Cap(cost=MINUTE), Fallback(), Slots()], [CHAT]) as router:
            await whole(router, ask_for(10, 90))
            await anyio.sleep(12.0)
            error = (await told(whole, router, ask_for(10, 90))).error
            assert isinstance(error, CostLimitReached)
            assert error.opens_in_s == pytest.approx(48.0)
            assert "route 'chat' may cost 100 in 60 s; 100 is spent" in str(error)
            assert error.reason == "cost_limit"
            assert not error.attempts

    run(main)
    assert vendor.calls == 1


def test_routes_do_not_pay_for_one_another() -> None:
    async def main() -> list[str]:
        routes = [CHAT, Route(name="report", models="m")]
        async with routed([priced(Scripted(used(10, 90)))], [Cap(cost=MINUTE), Slots()], routes) as router:
            asked = [ask_for(10, 90), ask_for(10, 90), hello(route="report", prompt_tokens=10, max_tokens=90)]
            return [type((await told(whole, router, request)).given).__name__ for request in asked]

    assert run(main) == ["Answer", "CostLimitReached", "Answer"]


def test_calls_that_run_are_reckoned_with() -> None:
    async def main() -> list[str]:
        ends = list[str]()

        async def one() -> None:
            ends.append(type((await told(whole, router, ask_for(10, 30))).given).__name__)

        async with routed([priced(Scripted(used(10, 5, after_s=1.0)))], [Cap(cost=MINUTE), Slots()], [CHAT]) as router:
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(one)
            await one()
        return ends

    assert run(main) == ["CostLimitReached"] * 2 + ["Answer"] * 2 + ["Answer"]


def test_wherever_it_is_cancelled_nothing_stays_reserved() -> None:
    cap: Cap

    async def scenario() -> None:
        nonlocal cap
        cap = Cap(cost=CostLimit(money=1000.0), max_tokens=50)
        vendor = Scripted(fails(0.5, ProviderError), answers(0.5, "one", "two", gap_s=0.5))
        endpoints = [priced(vendor, name, slots=1) for name in "ab"]
        async with routed(endpoints, [cap, Retry(), Slots()], [CHAT], budget=plenty()) as router:
            await whole(router, ask_for(10, None))

    def check(_: int) -> None:
        assert all(spending.reserved == 0.0 for spending in cap._spending.values())

    assert cancel_everywhere(scenario, check) > 3


# -- how it is built


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "it caps nothing"),
        ({"max_tokens": 0}, "max_tokens must be a whole number of at least 1"),
        ({"cost": 5.0}, "cost must be CostLimit"),
        ({"max_tokens": 5, "routes": 7}, "Cap: routes must be a name or several, not 7"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Cap(**wrong)  # type: ignore[arg-type]


def test_a_route_that_there_is_not_and_an_endpoint_without_a_price_are_refused_by_the_router() -> None:
    with pytest.raises(ConfigurationError, match="no route is named 'chta'; there are chat, m"):
        routed([priced(Scripted())], [Cap(max_tokens=5, routes="chta"), Slots()], [CHAT])  # type: ignore[arg-type]
    free = endpoint("free", Scripted(), price_in_per_m=1.0)
    with pytest.raises(ConfigurationError, match="endpoint 'free' has no price"):
        routed([priced(Scripted()), free], [Cap(cost=MINUTE), Slots()], [CHAT])
    routed(
        [endpoint("n", Scripted(), model="n"), priced(Scripted())], [Cap(cost=MINUTE, routes="chat"), Slots()], [CHAT]
    )  # type: ignore[arg-type]


def test_it_stands_outermost() -> None:
    with pytest.raises(ConfigurationError, match="put Cap before Retry"):
        routed([endpoint("a", Scripted())], [Retry(), Cap(max_tokens=5), Slots()])
