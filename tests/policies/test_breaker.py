"""`Breaker`: who is left to choose from when some are out, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from paceline.policies import Breaker, Fallback, LatencyBudget, Regions, Retry, RoundRobin, Slots
from paceline.policies.eligible import MOST_KEPT
from paceline.router import Event, Panic, Route, Router
from paceline.router.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ImpossibleOrder,
    NoEndpoint,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from paceline.router.testing import Scripted, answers, endpoint, fails, run, virtual_clock

from .ailing import attempted, fall_ill, out, watched
from .asking import Ask, asked, at_a_steady_rate, hello, routed, served, told
from .between import Seen, nobody

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Endpoint, Handler, Policy, Request
    from paceline.router.errors import AttemptFailed

WELL = answers(0.25)
REQUEST = hello(model="m")


def several(names: str, **fields: object) -> list[Endpoint]:
    return [endpoint(name, Scripted(WELL), **fields) for name in names]


def seen_after(
    ill: str, endpoints: list[Endpoint], outer: tuple[Policy, ...] = (), breaker: Breaker | None = None
) -> Seen:
    """What a policy inside sees of one call, when those in *ill* are out."""
    seen, breaker = Seen(), breaker or Breaker()

    async def main() -> None:
        async with routed(endpoints, [*outer, breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), *ill)
            await router.complete(REQUEST)

    run(main)
    return seen


# -- who is left


def test_with_everybody_well_the_call_is_passed_on_as_it_is() -> None:
    outer, inner = Seen(), Seen()

    async def main() -> None:
        async with routed(several("abc"), [outer, Breaker(), inner, Slots()]) as router:
            await router.complete(REQUEST)

    run(main)
    assert inner.calls[0] is outer.calls[0]


def test_one_that_is_out_is_left_out_and_the_others_keep_their_order_and_their_tie() -> None:
    seen = seen_after("b", several("abcd"))
    assert (seen.order, seen.tied) == (["a", "c", "d"], {"a", "c", "d"})


def test_of_a_tie_what_is_left_is_tied() -> None:
    near, far = several("ab", region="eu"), several("cd", region="us")
    seen = seen_after("ac", near + far, (Regions(here="eu", rtt_s={("eu", "us"): 0.1}),))
    assert (seen.order, seen.tied) == (["b", "d"], {"b"})


def test_when_nobody_is_left_of_the_tie_the_next_nearest_region_is_the_tie() -> None:
    near, far, farthest = several("ab", region="eu"), several("cd", region="us"), several("ef", region="jp")
    regions = Regions(here="eu", rtt_s={("eu", "us"): 0.1, ("eu", "jp"): 0.3})
    seen = seen_after("ab", near + far + farthest, (regions,))
    assert (seen.order, seen.tied) == (["c", "d", "e", "f"], {"c", "d"})


def test_without_a_candidate_it_says_so(ask: Ask) -> None:
    end = asked(ask, REQUEST, several("a"), [nobody, Breaker(), Slots()])
    assert type(end.error) is NoEndpoint


def test_what_is_remembered_of_those_who_are_left_is_forgotten_when_somebody_goes_or_comes() -> None:
    seen, breaker = Seen(), Breaker(slow_start_s=0.0)

    async def main() -> list[str]:
        orders: list[str] = []
        async with routed(several("abcd"), [breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "a")
            for change in (lambda: None, lambda: fall_ill(router, "b"), lambda: attempted(router.fleet["a"])):
                change()
                for _ in range(2):
                    await router.complete(REQUEST)
                    orders.append("".join(seen.order))
        return orders

    assert run(main) == ["bcd", "bcd", "cd", "cd", "acd", "acd"]


def test_what_is_remembered_is_for_the_same_tie() -> None:
    seen, breaker = Seen(), Breaker()

    async def tie(call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(tied=1 + len(seen.calls)), emit)

    async def main() -> list[int]:
        async with routed(several("abcd"), [tie, breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "d")
            for _ in range(3):
                await router.complete(REQUEST)
        return [call.tied for call in seen.calls]

    assert run(main) == [1, 2, 3]


def test_a_thousand_different_choices_are_not_all_remembered() -> None:
    breaker = Breaker()

    async def shuffled(call: Call, emit: Emit, next: Handler, /) -> None:
        candidates = list(call.candidates)
        call.dice.shuffle(candidates)
        await next(call.with_(candidates=tuple(candidates)), emit)

    async def main() -> int:
        async with routed(several("abcd"), [shuffled, breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "a", error=lambda: QuotaExhausted("", retry_after_s=3600.0))
            for _ in range(1000):
                await router.complete(REQUEST)
        return len(breaker._eligible._kept)

    assert 1 < run(main) <= MOST_KEPT


# -- going out


def test_after_five_failures_in_a_row_one_gets_no_more_calls(ask: Ask) -> None:
    bad = Scripted(fails(0.0, ProviderError))

    async def main() -> int:
        async with routed([endpoint("bad", bad), *several("ab")], [Breaker(), RoundRobin()]) as router:
            await at_a_steady_rate(ask, router, REQUEST, 30, every_s=1 / 16)
        return bad.calls

    assert run(main) == 5


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (AuthenticationFailed, "bad (the vendor does not accept its key: check api_key)"),
        (QuotaExhausted, "bad (its quota is used up)"),
    ],
)
def test_a_refused_key_or_a_spent_quota_puts_one_out_at_once_and_the_decision_says_so(
    ask: Ask, error: type[AttemptFailed], why: str
) -> None:
    bad = Scripted(fails(0.0, error))

    async def main() -> list[str]:
        async with routed([endpoint("bad", bad), *several("a")], [Breaker(), RoundRobin()]) as router:
            ends = await at_a_steady_rate(ask, router, REQUEST, 800, every_s=0.25)
        return [decision.reason for decision in ends[-1].answer.decisions if decision.by == "Breaker"]

    assert run(main) == [f"keeps out {why}"]
    assert bad.calls == 1


@pytest.mark.parametrize(("retry_after_s", "gate_s"), [(8.0, 8.0), (0.5, 0.5)])
def test_nobody_calls_before_the_time_the_vendor_names(ask: Ask, retry_after_s: float, gate_s: float) -> None:
    limited = Scripted(fails(0.0, lambda: RateLimited("as scripted", retry_after_s=retry_after_s)), WELL)

    async def main() -> list[float]:
        async with routed([endpoint("bad", limited), *several("a")], [Breaker(), RoundRobin()]) as router:
            await at_a_steady_rate(ask, router, REQUEST, 200, every_s=1 / 16)
        return [call.attempt.sent_s for call in limited.seen if call.attempt is not None]

    first_s, second_s, *_ = run(main)
    assert first_s + gate_s <= second_s <= first_s + gate_s + 2 / 16


def test_a_thousand_cancelled_calls_put_nobody_out() -> None:
    async def main() -> list[str]:
        async with routed(several("ab"), [Breaker(), RoundRobin()]) as router:
            for _ in range(1000):
                with anyio.move_on_after(0.125):
                    await router.complete(REQUEST)
            return out(router)

    assert run(main) == []


# -- when few or none are left


def test_below_half_those_that_are_out_by_our_own_conclusion_are_asked_too_and_it_is_flagged(ask: Ask) -> None:
    heard: list[Event] = []
    seen, breaker = Seen(), Breaker(most_ejected=1.0)

    async def main() -> list[str]:
        policies = [breaker, seen, Slots()]
        async with Router(several("abcd"), (), policies, clock=virtual_clock, listeners=[heard.append]) as router:
            fall_ill(watched(router, breaker), "a", "b")
            attempted(router.fleet["c"], AuthenticationFailed("as scripted"))
            return [decision.reason for decision in (await told(ask, router, REQUEST)).answer.decisions]

    decisions = run(main)
    assert seen.order == ["a", "b", "d"]
    assert decisions[:2] == [
        "panic: 1 of 4 are well, so 2 that are out may be asked too",
        "keeps out c (the vendor does not accept its key: check api_key)",
    ]
    (panic,) = [event for event in heard if isinstance(event, Panic)]
    assert (panic.at_s, panic.well, panic.of, panic.call) == (0.0, 1, 4, panic.call)


def test_with_half_of_them_well_nobody_panics() -> None:
    assert seen_after("ab", several("abcd")).order == ["c", "d"]


def test_a_near_region_that_is_all_out_is_left_for_one_that_can_bear_it() -> None:
    near, far = several("ab", region="eu"), several("cd", region="us")
    seen = seen_after("ab", near + far, (Regions(here="eu", rtt_s={("eu", "us"): 0.1}),))
    assert seen.order == ["c", "d"]


def test_a_near_region_in_panic_is_asked_in_full_while_a_far_one_that_is_not_keeps_its_ill_out() -> None:
    near, far = several("abcdefgh", region="eu"), several("pqrstu", region="us")
    regions = Regions(here="eu", rtt_s={("eu", "us"): 0.1})
    seen = seen_after("abcdefgpqr", near + far, (regions,), Breaker(most_ejected=1.0))
    assert seen.order == [*"abcdefgh", *"stu"]


@pytest.mark.parametrize("error", [AuthenticationFailed, ProviderError])
def test_when_all_are_out_all_are_asked(ask: Ask, error: type[AttemptFailed]) -> None:
    seen, breaker = Seen(), Breaker(most_ejected=1.0, panic_below=0.0)

    async def main() -> str:
        async with routed(several("abc"), [breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "a", "b", "c", error=lambda: error("as scripted"))
            return (await told(ask, router, REQUEST)).answer.decisions[0].reason

    assert run(main) == "panic: 0 of 3 are well, so 3 that are out may be asked too"
    assert seen.order == ["a", "b", "c"]


def test_when_all_are_out_those_are_asked_that_the_vendor_has_not_spoken_of(ask: Ask) -> None:
    seen, breaker = Seen(), Breaker(most_ejected=1.0, panic_below=0.0)

    async def main() -> None:
        async with routed(several("abc"), [breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "a", "c")
            fall_ill(router, "b", error=lambda: AuthenticationFailed("as scripted"))
            await told(ask, router, REQUEST)

    run(main)
    assert seen.order == ["a", "c"]


def test_the_only_endpoint_is_never_out_by_our_own_conclusion(ask: Ask) -> None:
    bad = Scripted(*[fails(0.0, ProviderError)] * 50, WELL)

    async def main() -> dict[str, int]:
        async with routed([endpoint("only", bad)], [Breaker(), Slots()]) as router:
            return served(await at_a_steady_rate(ask, router, REQUEST, 60, every_s=0.25))

    assert run(main) == {"only": 10}


# -- with those that repeat


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


# -- coming back


@pytest.mark.parametrize(
    "inside", [[Slots()], [LatencyBudget(), Slots()], [RoundRobin()]], ids=["slots", "budget_and_slots", "round_robin"]
)
def test_one_that_returns_is_eased_in_whatever_stands_inside(ask: Ask, inside: list[Policy]) -> None:
    breaker = Breaker()

    async def main() -> list[float]:
        async with routed(several("abcd"), [breaker, *inside]) as router:
            fall_ill(watched(router, breaker), "a", error=lambda: QuotaExhausted("", retry_after_s=600.0))
            await anyio.sleep(600.0)
            attempted(router.fleet["a"])
            ends = await at_a_steady_rate(ask, router, REQUEST, 40 * 64, every_s=1 / 64)
        return [served(ends[64 * begin : 64 * (begin + 10)]).get("a", 0) / 640 for begin in (0, 10, 20, 30)]

    first, second, third, after = run(main)
    assert first < second < third
    assert first <= 2 * 0.18 * 0.25 + 0.01  # of ten seconds in which its weight is 0.18 on average
    assert third >= 0.7 * 0.25
    assert after == pytest.approx(0.25, rel=0.2)


def test_without_one_that_is_eased_in_the_others_keep_their_tie(ask: Ask) -> None:
    near, far = several("ab", region="eu"), several("cd", region="us")
    seen, breaker = Seen(), Breaker()

    async def main() -> set[tuple[str, int]]:
        regions = Regions(here="eu", rtt_s={("eu", "us"): 0.1})
        async with routed(near + far, [regions, breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "a")
            await anyio.sleep(5.0)
            attempted(router.fleet["a"])
            await at_a_steady_rate(ask, router, REQUEST, 50, every_s=1 / 64)
        return {("".join(target.name for target in call.candidates), call.tied) for call in seen.calls}

    assert run(main) == {("abcd", 2), ("bcd", 1)}


def test_those_that_return_together_share_the_calls_between_them(ask: Ask) -> None:
    breaker = Breaker()

    async def main() -> dict[str, int]:
        async with routed(several("ab"), [breaker, RoundRobin()]) as router:
            fall_ill(watched(router, breaker), "a", "b", error=lambda: QuotaExhausted("", retry_after_s=600.0))
            await anyio.sleep(600.0)
            for target in router.fleet:
                attempted(target)
            return served(await at_a_steady_rate(ask, router, REQUEST, 100, every_s=1 / 64))

    assert run(main) == {"a": 50, "b": 50}


def test_one_that_is_eased_in_elsewhere_is_no_concern_of_a_call(ask: Ask) -> None:
    breaker, seen = Breaker(), Seen()

    async def main() -> list[str]:
        async with routed([*several("ab"), *several("cd", model="n")], [breaker, seen, Slots()]) as router:
            fall_ill(watched(router, breaker), "c")
            await anyio.sleep(10.0)
            attempted(router.fleet["c"])
            await told(ask, router, REQUEST)
        return seen.order

    assert run(main) == ["a", "b"]


def test_one_that_is_eased_in_takes_all_when_the_others_are_full(ask: Ask) -> None:
    endpoints = [endpoint("back", Scripted(WELL)), endpoint("full", Scripted(answers(60.0)), slots=1)]
    breaker = Breaker()

    async def main() -> dict[str, int]:
        async with routed(endpoints, [breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "back")
            await anyio.sleep(10.0)
            attempted(router.fleet["back"])
            router.fleet["full"].slots.acquire_over_limit()
            return served(await at_a_steady_rate(ask, router, REQUEST, 20, every_s=1 / 64))

    assert run(main) == {"back": 20}


# -- as an object


def test_it_reads_as_it_is_built() -> None:
    assert "failures=3" in repr(Breaker(failures=3))
    assert "panic_below=0.25" in repr(Breaker(panic_below=0.25))


@pytest.mark.parametrize("wrong", [{"panic_below": 1.5}, {"failures": 0}])
def test_what_cannot_work_is_refused_by_its_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=f"Breaker: {next(iter(wrong))}"):
        Breaker(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("stack", [[Breaker(), Regions()], [LatencyBudget(), Breaker()], [Breaker(), Breaker()]])
def test_it_has_one_place_in_a_stack(stack: list[Policy]) -> None:
    with pytest.raises(ImpossibleOrder, match="Breaker"):
        routed(several("a"), stack)


def test_one_object_serves_two_routers_that_never_meet(ask: Ask) -> None:
    breaker = Breaker()

    async def main() -> list[list[str]]:
        async with routed(several("ab"), [breaker, Slots()]) as one, routed(several("ab"), [breaker, Slots()]) as other:
            for router in (one, other):
                await told(ask, router, REQUEST)
            fall_ill(one, "a")
            return [out(one), out(other)]

    assert run(main) == [["a"], []]
