"""What becomes of the losers of a race, and of all its legs when the caller leaves (I16, I17)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio
import pytest

from paceline.policies.race import CLEANUP_S
from paceline.router import (
    Answer,
    AttemptEnded,
    Call,
    Chunk,
    Emit,
    Event,
    Handler,
    Outcome,
    Router,
    Usage,
)
from paceline.router.errors import (
    CallError,
    NoEndpoint,
    PolicyFailed,
    ProviderError,
    RouterClosed,
)
from paceline.router.testing import (
    SILENT,
    Resist,
    Say,
    Script,
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from .asking import Ask, in_pieces, pushed, routed, whole
from .racing import NO_LIMITS, All, ask, legs, raced


class Ears:
    """A listener that keeps how attempts ended, and when."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, Outcome, float]] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, AttemptEnded):
            self.ended.append((event.attempt.endpoint.name, event.attempt.outcome, event.at_s))


def test_the_loser_is_cancelled_at_the_winners_first_word() -> None:
    ears = Ears()

    async def main() -> None:
        endpoints = legs(SILENT, answers(1.0, "b", "b", gap_s=1.0))
        async with Router(endpoints, [], [All()], clock=virtual_clock, listeners=[ears]) as router:
            await router.complete(ask())

    run(main)
    assert ears.ended == [("a", Outcome.CANCELLED, 1.0), ("b", Outcome.OK, 2.0)]


def test_a_loser_that_resists_delays_nobody_is_asked_again_and_keeps_its_slot_until_it_is_over() -> None:
    ears = Ears()

    async def main() -> None:
        resisting = endpoint("a", Scripted((Resist(60.0), *SILENT)), slots=1)
        endpoints = [resisting, endpoint("b", Scripted(answers(1.0)))]
        async with Router(endpoints, [], [All()], clock=virtual_clock, listeners=[ears]) as router:
            answer = await router.complete(ask())
            assert (answer.endpoint, virtual_clock()) == ("b", 1.0)
            await asyncio.sleep(0.5)
            assert router.fleet["a"].in_flight == 1
            await asyncio.sleep(1.0)
            assert router.fleet["a"].in_flight == 0

    run(main)
    assert ears.ended == [("b", Outcome.OK, 1.0), ("a", Outcome.CANCELLED, 2.0)]


class Deaf(Scripted):
    """Swallows its cancellation until *for_s* are over, however often it is asked."""

    def __init__(self, for_s: float) -> None:
        super().__init__()
        self._for_s = for_s

    async def __call__(self, call: Call, emit: Emit) -> None:
        until_s = virtual_clock() + self._for_s
        while virtual_clock() < until_s:
            try:
                await asyncio.sleep(until_s - virtual_clock())
            except asyncio.CancelledError:
                if virtual_clock() >= until_s:
                    raise
        await emit(Chunk("too late"))


def test_a_loser_that_is_deaf_is_never_heard_and_keeps_its_slot_until_it_is_over() -> None:
    async def main() -> None:
        endpoints = [endpoint("a", Deaf(20.5)), endpoint("b", Scripted(answers(1.0, "b")))]
        async with Router(endpoints, [], [All()], clock=virtual_clock) as router:
            assert (await router.complete(ask())).text == "b"
            assert virtual_clock() == 1.0
            await asyncio.sleep(18.5)
            assert router.fleet["a"].in_flight == 1
            await asyncio.sleep(2.0)
            assert router.fleet["a"].in_flight == 0

    run(main)


def test_the_closing_router_waits_two_seconds_for_losers_and_tells_of_those_that_resist() -> None:
    async def main() -> None:
        endpoints = [endpoint("a", Deaf(20.5)), endpoint("b", Scripted(answers(1.0)))]
        router = Router(endpoints, [], [All()], clock=virtual_clock)
        with pytest.warns(ResourceWarning, match="1 losing legs resisted cancellation when the router closed"):
            async with router:
                await router.complete(ask())
        assert virtual_clock() == 3.0
        await asyncio.sleep(20.0)
        assert router.fleet["a"].in_flight == 0

    run(main)


def test_the_tokens_of_a_loser_are_kept_as_far_as_they_were_told() -> None:
    said = Say(0.5, Chunk(usage=Usage(input_tokens=7)))
    given, _ = raced((said, *SILENT), answers(1.0))

    assert isinstance(given, Answer)
    loser = given.attempts[0]
    assert loser.outcome is Outcome.CANCELLED
    assert loser.usage is not None
    assert loser.usage.input_tokens == 7


def test_cancelled_losers_speak_against_nobody_and_do_not_make_an_endpoint_look_fast() -> None:
    """A thousand races, in each of which one of ten answers of ``a`` is slow and loses; and without any races."""
    times_s = [5.0 if number % 10 == 0 else 0.5 + number % 7 * 0.01 for number in range(1000)]

    async def main(*, racing: object) -> tuple[float | None, int, float]:
        slow = Scripted(*(answers(at_s) for at_s in times_s))
        endpoints = [endpoint("a", slow, limits=NO_LIMITS), endpoint("b", Scripted(answers(1.0)))]
        async with routed(endpoints, [All()] if racing else []) as router:
            await asyncio.gather(*(router.complete(ask()) for _ in times_s))
            await asyncio.sleep(0.5)
            now_s, learned = virtual_clock(), router.fleet["a"].learned
            ttft = learned.ttft.overall
            return ttft.quantile(0.95, now_s), ttft.censored(now_s), learned.recent.failing(now_s)

    raced_s, censored, failing = run(lambda: main(racing=True))
    alone_s, none, _ = run(lambda: main(racing=False))
    assert (censored, none, failing) == (100, 0, 0.0)
    assert alone_s is not None
    assert raced_s is None or raced_s >= alone_s, "unknown, above all that was seen, is not faster"


def test_a_thousand_cancelled_losers_are_a_thousand_censored_samples_and_no_failure() -> None:
    async def main() -> None:
        endpoints = [endpoint("a", Scripted(SILENT)), endpoint("b", Scripted(answers(1.0)))]
        async with routed(endpoints, [All()]) as router:
            await asyncio.gather(*(router.complete(ask()) for _ in range(1000)))
            await asyncio.sleep(0.5)
            now_s, a = virtual_clock(), router.fleet["a"]
            assert (a.learned.ttft.overall.censored(now_s), a.learned.ttft.overall.samples(now_s)) == (1000, 0)
            assert (a.learned.recent.failing(now_s), a.in_flight) == (0.0, 0)

    run(main)


# -- leaving


def test_a_caller_who_leaves_ends_all_legs() -> None:
    async def main() -> None:
        async with routed(legs(SILENT, SILENT, SILENT), [All()]) as router:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await router.complete(ask())
            assert virtual_clock() == 1.0
            assert all(target.in_flight == 0 for target in router.fleet)

    run(main)


def test_a_caller_who_leaves_waits_a_moment_for_what_resists_and_no_longer() -> None:
    async def main() -> None:
        async with routed(legs((Resist(0.25), *SILENT), (Resist(60.0), *SILENT)), [All()]) as router:
            task = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(1.0)
            task.cancel()
            await asyncio.wait([task])
            assert (task.cancelled(), virtual_clock()) == (True, 1.0 + CLEANUP_S)
            assert [target.in_flight for target in router.fleet] == [0, 1]

    run(main)


def test_a_caller_whose_scope_is_cancelled_waits_that_moment_too() -> None:
    """Anyio cancels what is inside a cancelled scope at every await again."""

    async def main() -> None:
        async with routed(legs((Resist(0.25), *SILENT), SILENT), [All()]) as router:
            with anyio.move_on_after(1.0):
                await router.complete(ask())
            assert virtual_clock() == 1.25
            assert [target.in_flight for target in router.fleet] == [0, 0]

    run(main)


def test_a_router_that_closes_ends_races_too() -> None:
    async def main() -> None:
        async with Router(legs(SILENT, SILENT), [], [All()], clock=virtual_clock, grace_s=1.0) as router:
            task = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(0.0)
        assert virtual_clock() == 1.0
        assert isinstance(task.exception(), RouterClosed)
        assert all(target.in_flight == 0 for target in router.fleet)

    run(main)


def test_what_the_caller_raises_when_given_the_answer_is_the_callers_own_and_ends_the_race() -> None:
    async def broken(chunk: Chunk) -> None:
        raise ValueError(chunk.text)

    async def main() -> None:
        async with routed(legs(SILENT, answers(1.0, "b")), [All()]) as router:
            with pytest.raises(ValueError, match="b"):
                await router.send(ask(), broken)
            await asyncio.sleep(0.0)
            assert all(target.in_flight == 0 for target in router.fleet)

    run(main)


def test_a_reader_who_leaves_a_stream_ends_the_winner() -> None:
    async def main() -> None:
        async with routed(legs(SILENT, (Say(1.0, Chunk("b")), *SILENT)), [All()]) as router:
            async with router.stream(ask()) as chunks:
                async for chunk in chunks:
                    assert chunk.text == "b"
                    break
            assert all(target.in_flight == 0 for target in router.fleet)

    run(main)


async def cancelled_from_within(call: Call, emit: Emit, next: Handler, /) -> None:
    raise asyncio.CancelledError


async def nothing_left(call: Call, emit: Emit, next: Handler, /) -> None:
    raise NoEndpoint("nothing is left")


async def silent(call: Call, emit: Emit, next: Handler, /) -> None:
    """Returns without an answer."""


@pytest.mark.parametrize(
    ("policy", "kind", "told_of"),
    [
        (cancelled_from_within, PolicyFailed, "cancelled from within"),
        (silent, PolicyFailed, "returned without an answer"),
        (nothing_left, NoEndpoint, "nothing is left"),
    ],
)
def test_what_a_policy_inside_does_means_what_it_means_without_a_race(
    policy: Callable[[Call, Emit, Handler], object], kind: type[CallError], told_of: str
) -> None:
    async def main() -> None:
        async with routed(legs(SILENT, SILENT), [All(), policy]) as router:  # type: ignore[list-item]
            with pytest.raises(kind, match=told_of):
                await router.complete(ask())

    run(main)


@pytest.mark.parametrize("way", [whole, pushed, in_pieces])
@pytest.mark.parametrize(
    "scripts",
    [
        (answers(1.0, "a", "a", gap_s=1.0), answers(2.0)),
        (answers(3.0), answers(1.0, "b", "b", gap_s=1.0), fails(0.5, ProviderError)),
        (fails(1.0, ProviderError), (Resist(0.25), *answers(1.0, "b", "b", gap_s=1.0))),
    ],
)
def test_wherever_a_race_is_cancelled_nothing_is_left(scripts: tuple[Script, ...], way: Ask) -> None:
    routers: list[Router] = []

    async def scenario() -> None:
        async with routed(legs(*scripts), [All()]) as router:
            routers.append(router)
            await way(router, ask())

    def nothing_is_held(point: int) -> None:
        assert all(target.in_flight == 0 for target in routers[-1].fleet), point

    assert cancel_everywhere(scenario, nothing_is_held) >= 1
