"""`Shadow`: copies reach the endpoint that is tried out, and nobody else notices anything."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from paceline.policies import Admission, Fallback, Regions, Retry, Shadow, Slots
from paceline.router import AttemptEnded, Call, CallEnded, Chunk, Emit, Event, Handler, Policy, Route, Router, Usage
from paceline.router.errors import ConfigurationError, ImpossibleOrder, PolicyFailed, ProviderError, RateLimited
from paceline.router.testing import (
    SILENT,
    Resist,
    Script,
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from .asking import Told, hello, in_pieces, told, whole

if TYPE_CHECKING:
    from paceline.router import Endpoint

CHAT = Route(name="chat", models="m")
GOOD = answers(1.0, "good", usage=Usage(input_tokens=1, output_tokens=1))


def fleet(candidate: Scripted, *, main: Script = GOOD, slots: int | None = None, **fields: object) -> list[Endpoint]:
    """One endpoint of the route, and the one that is tried out."""
    prices = {"price_in_per_m": 1.0, "price_out_per_m": 1.0}
    return [
        endpoint("a", Scripted(main), slots=slots, **prices),
        endpoint("new", candidate, **{"model": "other", **prices, **fields}),
    ]


def opened(
    endpoints: list[Endpoint],
    policies: list[Policy],
    routes: tuple[Route, ...] = (CHAT,),
    *,
    seed: int = 1,
    hear: Callable[[Event], None] | None = None,
) -> Router:
    return Router(
        endpoints,
        routes,
        policies,
        clock=virtual_clock,
        dice=random.Random(seed),
        listeners=[] if hear is None else [hear],
    )


def after(
    candidate: Scripted, shadow: Shadow, calls: int = 1, *, every_s: float = 0.0, wait_s: float = 100.0
) -> tuple[list[Told], Router]:
    """What so many calls come to, asked one after another; copies have a while to end."""

    async def main() -> tuple[list[Told], Router]:
        async with opened(fleet(candidate), [shadow]) as router:
            ends: list[Told] = []
            for _ in range(calls):
                ends.append(await told(whole, router, hello(route="chat")))
                await anyio.sleep(every_s)
            await anyio.sleep(wait_s)
            return ends, router

    return run(main)


EVERY = Shadow(to="new", share=1.0)


def test_the_candidate_gets_the_same_question_at_the_same_moment() -> None:
    candidate = Scripted(answers(5.0))

    (end,), _ = after(candidate, EVERY)

    assert end.answer.text == "good"
    (copy,) = candidate.seen
    assert copy.request is not None
    assert copy.request.messages == ({"role": "user", "content": "hello"},)
    assert copy.attempt is not None
    assert copy.attempt.sent_s == 0.0


@pytest.mark.parametrize(
    "script",
    [answers(0.0), answers(50.0), SILENT, fails(0.0, ProviderError), fails(0.5, lambda: ValueError("confused")),
     fails(0.0, lambda: RateLimited("as scripted", retry_after_s=20.0)), (Resist(3.0), *SILENT)],
    ids=["fast", "slow", "silent", "failing", "confused", "limited", "resisting"],
)  # fmt: skip
def test_whatever_becomes_of_it_the_call_is_what_it_would_have_been(script: Script) -> None:
    async def outcome(policies: list[Policy]) -> tuple[object, ...]:
        async with opened(fleet(Scripted(script)), [*policies, Retry(), Slots()]) as router:
            end = await told(in_pieces, router, hello(route="chat", budget_s=8.0))
            ended_s = virtual_clock()
            target = router.fleet["a"]
            await anyio.sleep(20.0)
            return (
                ended_s,
                end.answer.text,
                end.answer.usage,
                [attempt.endpoint.name for attempt in end.answer.attempts],
                router.budget.in_flight,
                target.outlook(virtual_clock()).ttft_s,
                target.learned.ttft.overall.samples(virtual_clock()),
                [(row.attempts, row.cost) for row in router.history.rows("chat", -1.0, 100.0)],
            )

    assert run(lambda: outcome([EVERY])) == run(lambda: outcome([]))


def test_what_is_learned_is_learned_of_the_candidate() -> None:
    _, router = after(
        Scripted(answers(2.0, usage=Usage(input_tokens=5, output_tokens=1))), EVERY, 10, every_s=2.0, wait_s=5.0
    )

    now_s = 35.0
    assert router.fleet["new"].learned.ttft.overall.samples(now_s) == 10
    assert router.fleet["new"].learned.ttft.overall.quantile(0.5, now_s) == pytest.approx(2.0, rel=0.01)
    assert router.fleet["a"].learned.ttft.overall.quantile(0.5, now_s) == pytest.approx(1.0, rel=0.01)


def test_copies_are_told_of_under_a_route_of_their_own_and_not_as_calls() -> None:
    told_of: list[tuple[str, str, str]] = []

    def hear(event: Event) -> None:
        if isinstance(event, AttemptEnded):
            told_of.append(("attempt", event.call.route.name, event.attempt.endpoint.name))
        elif isinstance(event, CallEnded):
            told_of.append(("call", event.call.route.name, ""))

    async def main() -> None:
        async with opened(fleet(Scripted(GOOD)), [EVERY], hear=hear) as router:
            await told(whole, router, hello(route="chat"))
            await anyio.sleep(5.0)

    run(main)
    assert sorted(told_of) == [
        ("attempt", "chat", "a"),
        ("attempt", "chat (mirrored)", "new"),
        ("call", "chat", ""),
    ]


def test_the_lengths_of_the_routes_answers_are_those_of_its_own() -> None:
    _, router = after(Scripted(answers(1.0, usage=Usage(output_tokens=5000))), EVERY, 25)

    assert (
        router.fleet.lengths["chat"].likely(100.0) is None or max(router.fleet.lengths["chat"].likely(100.0) or ()) < 10
    )


@settings(max_examples=20)
@given(share=st.integers(1, 10).map(lambda tenths: tenths / 10))
def test_as_many_are_copied_as_was_said(share: float) -> None:
    candidate = Scripted(answers(0.0))

    after(candidate, Shadow(to="new", share=share), 300)

    assert candidate.calls == pytest.approx(300 * share, abs=4 * (300 * share * (1 - share)) ** 0.5)


@settings(max_examples=20)
@given(at_most=st.integers(1, 5), slots=st.none() | st.integers(1, 5), calls=st.integers(1, 20))
def test_there_are_never_more_at_once_than_may_be_and_none_waits(at_most: int, slots: int | None, calls: int) -> None:
    candidate = Scripted(answers(1000.0))

    async def main() -> None:
        endpoints = fleet(candidate, slots=None)
        endpoints[1] = endpoint("new", candidate, model="other", slots=slots)
        async with opened(endpoints, [Shadow(to="new", share=1.0, at_most=at_most)]) as router:
            for _ in range(calls):
                await told(whole, router, hello(route="chat"))
            assert router.fleet["new"].slots.waiting == 0

    run(main)
    assert candidate.most_live == candidate.calls == min(at_most, calls, slots or calls)


@pytest.mark.parametrize(("busy", "copied"), [(7, True), (8, False)])
def test_while_the_calls_own_endpoints_are_busy_none_is_made(busy: int, copied: bool) -> None:  # noqa: FBT001  a table
    candidate = Scripted(GOOD)

    async def main() -> None:
        async with opened(fleet(candidate, slots=10), [EVERY]) as router:
            for _ in range(busy):
                router.fleet["a"].slots.acquire_over_limit()
            answer = (await told(whole, router, hello(route="chat"))).answer
            assert ("busy" in answer.story()) is not copied

    run(main)
    assert candidate.calls == copied


def test_a_candidate_that_asks_to_be_left_alone_is() -> None:
    candidate = Scripted(fails(0.0, lambda: RateLimited("as scripted", retry_after_s=50.0)), GOOD)

    after(candidate, EVERY, 60)

    copied_at_s = [copy.attempt.sent_s for copy in candidate.seen if copy.attempt is not None]
    assert copied_at_s[0] == 0.0
    assert copied_at_s[1] == 50.0


@pytest.mark.parametrize(("region", "copied"), [("eu", True), ("us", False)])
def test_a_call_that_is_bound_to_regions_is_not_copied_out_of_them(region: str, copied: bool) -> None:  # noqa: FBT001
    for bound in (Route(name="chat", models="m", residency="eu"), CHAT):
        candidate = Scripted(GOOD)

        async def main(candidate: Scripted = candidate, route: Route = bound) -> None:
            endpoints = [
                endpoint("a", Scripted(GOOD), region="eu"),
                endpoint("new", candidate, model="other", region=region),
            ]
            async with opened(endpoints, [EVERY, Regions()], (route,)) as router:
                residency = None if route.residency else {"eu"}
                assert (await told(whole, router, hello(route="chat", residency=residency))).answer
                await anyio.sleep(5.0)

        run(main)
        assert candidate.calls == copied


def test_a_policy_that_lies_about_the_regions_changes_nothing() -> None:
    class Lies:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            mirrors = call.mirrors
            assert mirrors is not None
            assert not mirrors.send(replace(call, residency=None), mirrors.target("new"))
            await next(call, emit)
            await anyio.sleep(0.0)

    async def main() -> None:
        endpoints = [
            endpoint("a", Scripted(GOOD), region="eu"),
            endpoint("new", Scripted(GOOD), model="other", region="us"),
        ]
        async with opened(endpoints, [Lies(), Regions()], (Route(name="chat", models="m", residency="eu"),)) as router:
            assert (await told(whole, router, hello(route="chat"))).answer

    run(main)


def test_a_call_that_is_over_is_not_copied() -> None:
    kept: list[Call] = []

    class Keeps:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            kept.append(call)
            await next(call, emit)

    async def main() -> None:
        async with opened(fleet(Scripted(GOOD)), [Keeps()]) as router:
            await told(whole, router, hello(route="chat"))
            mirrors = kept[0].mirrors
            assert mirrors is not None
            with pytest.raises(PolicyFailed, match="a call that is over"):
                mirrors.send(kept[0], mirrors.target("new"))

    run(main)


def test_only_the_routes_that_are_named_are_mirrored() -> None:
    candidate = Scripted(GOOD)

    async def main() -> None:
        routes = (CHAT, Route(name="report", models="m"))
        shadow = Shadow(to="new", share=1.0, routes="chat")
        async with opened(fleet(candidate), [shadow], routes) as router:
            for route in ("report", "report", "chat"):
                await told(whole, router, hello(route=route))
            await told(whole, router, hello(model="other"))

    run(main)
    assert candidate.calls == 1 + 1, "one copy, and the call that was its own"


def test_a_call_that_may_go_there_anyway_is_not_copied() -> None:
    candidate = Scripted(GOOD)

    async def main() -> None:
        async with opened(fleet(candidate), [EVERY]) as router:
            await told(whole, router, hello(model="other"))
            await anyio.sleep(5.0)

    run(main)
    assert candidate.calls == 1


def test_a_copy_outlives_the_caller_but_not_the_router() -> None:
    candidate = Scripted(answers(50.0))

    async def main() -> None:
        async with opened(fleet(candidate), [EVERY]) as router:
            with anyio.move_on_after(0.5):
                await router.complete(hello(route="chat"))
            await anyio.sleep(5.0)
            assert candidate.live == 1
        assert candidate.live == 0
        assert virtual_clock() == 5.5, "and it is not waited for"
        assert router.fleet["new"].in_flight == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main)


def test_one_that_resists_holds_the_close_up_for_a_moment_only() -> None:
    async def main() -> float:
        async with opened(fleet(Scripted((Resist(60.0), *SILENT))), [EVERY]) as router:
            await told(whole, router, hello(route="chat"))
            began_s = virtual_clock()
        return virtual_clock() - began_s

    assert run(main) <= 2.0


def test_a_router_that_is_opened_again_mirrors_again() -> None:
    candidate = Scripted(GOOD)

    async def main() -> None:
        router = opened(fleet(candidate), [EVERY])
        for _ in range(2):
            async with router:
                await told(whole, router, hello(route="chat"))
                await anyio.sleep(5.0)

    run(main)
    assert candidate.calls == 2


def test_nothing_of_the_callers_context_goes_on_in_it() -> None:
    trace = contextvars.ContextVar("trace", default="none")
    seen: list[str] = []

    class Looks(Scripted):
        async def __call__(self, call: Call, emit: Emit) -> None:
            seen.append(trace.get())
            await super().__call__(call, emit)

    async def main() -> None:
        trace.set("the caller's")
        async with opened(fleet(Looks(GOOD)), [EVERY]) as router:
            await told(whole, router, hello(route="chat"))

    run(main)
    assert seen == ["none"]


def test_it_is_copied_once_however_often_it_is_tried() -> None:
    candidate = Scripted(GOOD)

    async def main() -> None:
        endpoints = fleet(candidate, main=fails(0.0, ProviderError))
        async with opened(endpoints, [EVERY, Retry()]) as router:
            end = await told(whole, router, hello(route="chat"))
            assert len(end.given.attempts) > 1
            await anyio.sleep(5.0)

    run(main)
    assert candidate.calls == 1


def test_cancelled_anywhere_it_leaves_nothing_behind() -> None:
    held: list[Router] = []

    async def scenario() -> None:
        async with opened(fleet(Scripted(answers(3.0, "a", "b")), slots=1), [EVERY, Retry(), Slots()]) as router:
            held[:] = [router]
            await router.send(hello(route="chat"), _ignore)

    def nothing_is_held(_: int) -> None:
        assert all((target.in_flight, target.slots.waiting) == (0, 0) for target in held[0].fleet)

    assert cancel_everywhere(scenario, nothing_is_held) >= 2


async def _ignore(chunk: Chunk) -> None:
    pass


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"to": ""}, "to must be a non-empty string"),
        ({"share": 0.0}, "share must be a share above 0"),
        ({"share": 1.5}, "share must be a share above 0"),
        ({"at_most": 0}, "at_most must be a whole number of at least 1"),
        ({"busy_above": 0.0}, "busy_above must be a share above 0"),
        ({"routes": 3}, "Shadow: routes must be a name or several, not 3"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_built(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Shadow(**{"to": "new", "share": 0.5, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shadow", "says"),
    [
        (Shadow(to="nwe", share=0.5), "no endpoint is named 'nwe'; there are a, new"),
        (Shadow(to="new", share=0.5, routes="chta"), "no route is named 'chta'; there are chat, m, other"),
        (Shadow(to="a", share=0.5, routes="chat"), "'a' serves route 'chat' already"),
    ],
)
def test_names_that_are_none_of_the_routers_are_refused_when_it_is_built(shadow: Shadow, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        opened(fleet(Scripted()), [shadow])


def test_it_stands_between_what_lets_in_and_what_tries_again() -> None:
    opened(fleet(Scripted()), [Admission(), EVERY, EVERY, Fallback(), Retry()])
    with pytest.raises(ImpossibleOrder, match="put Shadow before Retry"):
        opened(fleet(Scripted()), [Retry(), EVERY])
