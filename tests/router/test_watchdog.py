"""The limits of an attempt: which one passed, when exactly, and what does not count."""

import asyncio

import pytest

from paceline.router import Call, Chunk, Emit, Handler, Limits, Router
from paceline.router.errors import AttemptTimeout, CallError, DeadlineExceeded, StreamInterrupted
from paceline.router.testing import SILENT, Say, Script, Scripted, answers, endpoint, run, virtual_clock

from .stack import Ear, ask, nothing_is_held, routed

NO_LIMITS = Limits(first_token_s=None, gap_s=None, total_s=None)
PINGS: Script = tuple(Say(second / 2, Chunk()) for second in range(1, 400))


def one(script: Script, limits: Limits, **fields: object) -> Router:
    return routed(endpoint("a", Scripted(script), limits=limits, **fields))


async def failing(router: Router, *, budget_s: float = 100.0) -> tuple[CallError, float]:
    """The error of a streamed call, and when it came."""
    async with router:
        with pytest.raises(CallError) as caught:
            await router.send(ask(budget_s=budget_s), Ear())
        assert nothing_is_held(router)
        return caught.value, virtual_clock()


def why(error: CallError) -> str:
    """The limit that passed, by the error or its cause."""
    timeout = error.__cause__ if isinstance(error, StreamInterrupted) else error
    return timeout.limit if isinstance(timeout, AttemptTimeout) else type(error).__name__


@pytest.mark.parametrize(
    ("script", "limits", "limit", "at_s"),
    [
        (SILENT, Limits(first_token_s=0.5), "first_token", 0.5),
        (PINGS, Limits(first_token_s=5.0), "first_token", 5.0),
        (SILENT, Limits(total_s=0.75), "total", 0.75),
        (answers(1.0, *"abcdefgh", gap_s=1.0), Limits(total_s=4.5), "total", 4.5),
        (answers(0.25, "a", "b", gap_s=9.0), Limits(gap_s=1.0), "gap", 1.25),
        ((Say(0.25, Chunk("a")), *PINGS), Limits(gap_s=4.0), "gap", 4.25),
        (answers(0.25, "a", "b", gap_s=50.0), Limits(first_token_s=30.0, gap_s=0.5), "gap", 0.75),
        (SILENT, NO_LIMITS, "DeadlineExceeded", 100.0),
        (answers(1.0, "a", "b", gap_s=200.0), NO_LIMITS, "DeadlineExceeded", 100.0),
        (answers(99.5, "a", "b", gap_s=10.0), Limits(first_token_s=None, gap_s=1.0), "DeadlineExceeded", 100.0),
    ],
)
def test_the_limit_that_passes_first_ends_the_attempt_at_its_instant(
    script: Script, limits: Limits, limit: str, at_s: float
) -> None:
    async def main() -> None:
        error, when_s = await failing(one(script, limits))

        assert (why(error), when_s) == (limit, at_s)

    run(main)


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (Limits(first_token_s=4.0), "DeadlineExceeded"),
        (Limits(total_s=4.0), "DeadlineExceeded"),
        (Limits(first_token_s=2.0, total_s=2.0), "total"),
    ],
)
def test_of_two_limits_at_one_instant_the_outer_is_named(limits: Limits, limit: str) -> None:
    async def main() -> None:
        error, _ = await failing(one(SILENT, limits), budget_s=4.0)

        assert why(error) == limit

    run(main)


def test_a_timeout_says_which_limit_where_and_after_what_time() -> None:
    async def main() -> None:
        error, _ = await failing(one(SILENT, Limits(first_token_s=0.5)))

        assert str(error) == "a: first_token limit passed after 0.500 s"

    run(main)


@pytest.mark.parametrize(
    ("script", "says"), [(SILENT, "nothing had come"), (answers(1.0, "abc", "d", gap_s=9.0), "3 cha")]
)
def test_a_deadline_that_passes_says_how_much_had_come(script: Script, says: str) -> None:
    async def main() -> None:
        error, _ = await failing(one(script, NO_LIMITS), budget_s=4.0)

        assert isinstance(error, DeadlineExceeded)
        assert "the deadline passed 4.000 s into a call of a" in str(error)
        assert says in str(error)

    run(main)


def test_a_stream_that_stays_within_its_gaps_may_take_an_hour() -> None:
    async def main() -> None:
        words = answers(1.0, *["word"] * 3600, gap_s=1.0)
        async with one(words, Limits(first_token_s=1.5, gap_s=1.5)) as router:
            answer = await router.complete(ask(budget_s=7200.0))

        assert (answer.total_s, answer.usage.output_tokens) == (3600.0, 3600)

    run(main)


@pytest.mark.parametrize("limits", [Limits(gap_s=1.0), Limits(first_token_s=0.5, gap_s=0.5)])
def test_what_a_slow_caller_takes_is_not_the_endpoints_gap(limits: Limits) -> None:
    async def main() -> None:
        async def emit(chunk: Chunk) -> None:
            await asyncio.sleep(8.0)

        async with one(answers(0.25, "a", "b", "c", gap_s=0.25), limits) as router:
            await router.send(ask(), emit)

            assert virtual_clock() == 0.25 + 4 * 8.0

    run(main)


def test_the_gap_begins_when_the_caller_is_ready_for_more() -> None:
    async def main() -> None:
        async def emit(chunk: Chunk) -> None:
            await asyncio.sleep(8.0)

        async with one((Say(0.25, Chunk("a")), *SILENT), Limits(gap_s=1.0)) as router:
            with pytest.raises(StreamInterrupted):
                await router.send(ask(), emit)

            assert virtual_clock() == 0.25 + 8.0 + 1.0

    run(main)


@pytest.mark.parametrize(
    ("limits", "error", "at_s"), [(NO_LIMITS, DeadlineExceeded, 16.0), (Limits(total_s=2.0), StreamInterrupted, 2.0)]
)
def test_a_caller_who_takes_for_ever_is_ended_by_the_outer_limits(
    limits: Limits, error: type[CallError], at_s: float
) -> None:
    async def main() -> None:
        async def emit(chunk: Chunk) -> None:
            await asyncio.sleep(1e6)

        async with one(answers(0.25), limits, slots=1) as router:
            with pytest.raises(error):
                await router.send(ask(budget_s=16.0), emit)

            assert virtual_clock() == at_s
            assert nothing_is_held(router)

    run(main)


class StartWithin:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(start_by_s=call.clock() + self.seconds), emit)


@pytest.mark.parametrize(
    ("start_s", "first_token_s", "limit", "failing_share"),
    [(1.0, 2.0, "start", 0.0), (2.0, 1.0, "first_token", 0.2), (1.0, 1.0, "start", 0.0)],
)
def test_a_policys_impatience_does_not_speak_against_the_endpoint(
    start_s: float, first_token_s: float, limit: str, failing_share: float
) -> None:
    async def main() -> None:
        a = endpoint("a", Scripted(SILENT), limits=Limits(first_token_s=first_token_s))
        async with routed(a, policies=[StartWithin(start_s)]) as router:
            with pytest.raises(AttemptTimeout) as caught:
                await router.complete(ask())

            assert (caught.value.limit, virtual_clock()) == (limit, 1.0)
            assert router.fleet["a"].learned.recent.failing(1.0) == pytest.approx(failing_share)

    run(main)


def test_progress_lifts_the_limit_to_start_and_leaves_the_deadline() -> None:
    async def main() -> None:
        a = endpoint("a", Scripted(answers(0.5, *"abcdefghij", gap_s=1.0)))
        async with routed(a, policies=[StartWithin(1.0)]) as router:
            assert (await router.complete(ask())).total_s == 9.5

    run(main)
