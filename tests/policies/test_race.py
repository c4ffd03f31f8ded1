"""`Race`: the first progress wins, a failure never does, and nobody waits for a loser (I16, I17, I18)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from paceline.policies.race import CLEANUP_S, Race
from paceline.router import (
    Answer,
    AttemptEnded,
    Call,
    Chunk,
    Emit,
    Endpoint,
    Event,
    Handler,
    Layer,
    Limits,
    Outcome,
    Router,
    Usage,
)
from paceline.router.errors import (
    AttemptTimeout,
    BadRequest,
    CallError,
    DeadlineExceeded,
    NoEndpoint,
    PolicyFailed,
    ProviderError,
    RouterClosed,
    StreamInterrupted,
)
from paceline.router.testing import (
    SILENT,
    Cut,
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

from .asking import Ask, in_pieces, pushed, routed, told, whole
from .racing import ask

NO_LIMITS = Limits(first_token_s=None, gap_s=None)


class All:
    """Every candidate at once, the first one first."""

    layer = Layer.HEDGE

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        race = Race(call, emit, next)
        for target in call.candidates[1:]:
            asyncio.get_running_loop().call_soon(race.start, call.with_(candidates=(target,)))
        await race.run(call)


def legs(*scripts: Script) -> list[Endpoint]:
    return [endpoint(name, Scripted(script), limits=NO_LIMITS) for name, script in zip("abc", scripts, strict=False)]


def raced(*scripts: Script, way: Ask = whole) -> tuple[Answer | CallError, float]:
    """What a race of these comes to, and when."""

    async def main() -> tuple[Answer | CallError, float]:
        async with routed(legs(*scripts), [All()]) as router:
            end = await told(way, router, ask())
        assert all(target.in_flight == 0 for target in router.fleet)
        return end.given, end.at_s

    return run(main)


OK, RETRYABLE, FATAL = "ok", "retryable", "fatal"


def script(outcome: str, at_s: float, name: str) -> Script:
    if outcome == OK:
        return answers(at_s)
    kind = ProviderError if outcome == RETRYABLE else BadRequest
    return fails(at_s, lambda: kind("as scripted", endpoint=name))


@pytest.mark.parametrize("way", [whole, in_pieces])
@pytest.mark.parametrize("outcomes", list(itertools.product([OK, RETRYABLE, FATAL], repeat=3)), ids="-".join)
def test_the_first_to_speak_wins_a_fatal_failure_ends_it_and_any_other_waits_for_the_rest(
    outcomes: tuple[str, str, str], way: Ask
) -> None:
    for order in itertools.permutations([1.0, 2.0, 3.0]):
        given, at_s = raced(*map(script, outcomes, order, "abc"), way=way)

        decisive = [(when, outcome) for when, outcome in zip(order, outcomes, strict=True) if outcome != RETRYABLE]
        if not decisive:
            assert isinstance(given, ProviderError), order
            assert (given.endpoint, at_s, len(given.__notes__)) == ("a", 3.0, 2), order
            continue
        when, outcome = min(decisive)
        assert at_s == when, order
        name = "abc"[order.index(when)]
        if outcome == OK:
            assert isinstance(given, Answer), order
            assert given.endpoint == name, order
        else:
            assert isinstance(given, BadRequest), order
            assert given.endpoint == name, order


def test_the_failures_of_the_others_are_noted_on_the_first_ones() -> None:
    given, _ = raced(script(RETRYABLE, 2.0, "a"), script(RETRYABLE, 1.0, "b"))

    assert isinstance(given, ProviderError)
    assert given.__notes__ == ["the second leg failed as well: b: as scripted"]
    assert [attempt.outcome for attempt in given.attempts] == [Outcome.FAILED, Outcome.FAILED]


def test_it_is_the_first_word_that_wins_and_not_the_first_end() -> None:
    given, at_s = raced(answers(1.0, "a", "a", gap_s=5.0), answers(2.0))

    assert isinstance(given, Answer)
    assert (given.endpoint, given.ttft_s, at_s) == ("a", 1.0, 6.0)


def test_what_says_nothing_does_not_win() -> None:
    given, _ = raced((Say(0.5, Chunk()), *answers(3.0)), answers(2.0))

    assert isinstance(given, Answer)
    assert given.endpoint == "b"


def test_of_two_that_speak_in_the_same_instant_one_is_heard() -> None:
    heard: list[str] = []

    async def emit(chunk: Chunk) -> None:
        heard.append(chunk.text)

    async def main() -> None:
        async with routed(legs(answers(1.0, "a"), answers(1.0, "b")), [All()]) as router:
            await router.send(ask(), emit)
            await asyncio.sleep(0.1)
            assert all(target.in_flight == 0 for target in router.fleet)

    run(main)
    assert "".join(heard) in {"a", "b"}


def test_a_winner_that_breaks_off_is_the_end_of_the_call() -> None:
    given, at_s = raced((Say(1.0, Chunk("half")), Cut(2.0)), answers(1.5), way=in_pieces)

    assert isinstance(given, StreamInterrupted)
    assert at_s == 2.0
    assert [attempt.outcome for attempt in given.attempts] == [Outcome.FAILED, Outcome.CANCELLED]


def test_the_limits_of_all_are_the_callers() -> None:
    async def main() -> None:
        async with routed(legs(SILENT, SILENT), [All()]) as router:
            with pytest.raises(DeadlineExceeded) as caught:
                await router.complete(ask(budget_s=2.0))
            assert virtual_clock() == 2.0
            assert [attempt.outcome for attempt in caught.value.attempts] == [Outcome.TIMED_OUT] * 2

    run(main)


def test_the_first_token_limit_of_one_leaves_the_other_running() -> None:
    async def main() -> Answer:
        slow = endpoint("a", Scripted(SILENT), limits=Limits(first_token_s=1.0))
        async with routed([slow, endpoint("b", Scripted(answers(3.0)))], [All()]) as router:
            return await router.complete(ask())

    answer = run(main)
    assert (answer.endpoint, answer.total_s) == ("b", 3.0)
    assert isinstance(answer.attempts[0].error, AttemptTimeout)


# -- losers


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
        endpoints = [endpoint("a", Deaf(20.0)), endpoint("b", Scripted(answers(1.0, "b")))]
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
        endpoints = [endpoint("a", Deaf(20.0)), endpoint("b", Scripted(answers(1.0)))]
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
