"""`Breaker`: who is left to choose from when some are out, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from paceline.policies import Breaker, LatencyBudget, Regions, RoundRobin, Slots
from paceline.policies.eligible import MOST_KEPT
from paceline.router import Event, Panic, Router
from paceline.router.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ImpossibleOrder,
    NoEndpoint,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from paceline.router.testing import Scripted, endpoint, fails, run, virtual_clock

from .ailing import REQUEST, WELL, attempted, fall_ill, out, several, watched
from .asking import Ask, asked, at_a_steady_rate, routed, served, told
from .between import Seen, nobody

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Endpoint, Handler, Policy
    from paceline.router.errors import AttemptFailed


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


def tied_to(first: int) -> Policy:
    """The candidates as they are, so many of the first as good as one another."""

    async def tie(call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(tied=first), emit)

    return tie


def test_the_next_nearest_region_is_the_tie_whatever_orders_the_candidates() -> None:
    endpoints = several("ab", region="eu") + several("cd", region="us") + several("ef", region="jp")
    seen = seen_after("ab", endpoints, (tied_to(2),))
    assert (seen.order, seen.tied) == (["c", "d", "e", "f"], {"c", "d"})


def test_the_first_that_is_not_tied_is_of_the_second_level() -> None:
    """The first level is in panic, so all of it may be asked; the second is not."""
    seen = seen_after("abcdefgpqr", several("abcdefgh") + several("pqrstu"), (tied_to(8),), Breaker(most_ejected=1.0))
    assert seen.order == [*"abcdefgh", *"stu"]


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


def test_when_all_are_out_wherever_they_are_those_are_asked_that_the_vendor_has_not_spoken_of(ask: Ask) -> None:
    seen, breaker = Seen(), Breaker(most_ejected=1.0, panic_below=0.0)
    regions = Regions(here="eu", rtt_s={("eu", "us"): 0.1})

    async def main() -> None:
        async with routed(several("a", region="eu") + several("b", region="us"), [regions, breaker, seen]) as router:
            fall_ill(watched(router, breaker), "a", error=lambda: AuthenticationFailed("as scripted"))
            fall_ill(router, "b")
            await told(ask, router, REQUEST)

    run(main)
    assert seen.order == ["b"]


def test_who_is_left_is_worked_out_once_until_something_changes() -> None:
    seen, breaker = Seen(), Breaker()

    async def main() -> None:
        async with routed(several("abc"), [breaker, seen, RoundRobin()]) as router:
            fall_ill(watched(router, breaker), "a")
            for _ in range(2):
                await router.complete(REQUEST)

    run(main)
    assert seen.calls[0].candidates is seen.calls[1].candidates


def test_the_only_endpoint_is_never_out_by_our_own_conclusion(ask: Ask) -> None:
    bad = Scripted(*[fails(0.0, ProviderError)] * 50, WELL)

    async def main() -> dict[str, int]:
        async with routed([endpoint("only", bad)], [Breaker(), Slots()]) as router:
            return served(await at_a_steady_rate(ask, router, REQUEST, 60, every_s=0.25))

    assert run(main) == {"only": 10}


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
