"""`Race`: the first progress wins and a failure never does (I18)."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from paceline.router import (
    Answer,
    Chunk,
    Limits,
    Outcome,
)
from paceline.router.errors import (
    AttemptTimeout,
    BadRequest,
    DeadlineExceeded,
    Overloaded,
    ProviderError,
    StreamInterrupted,
)
from paceline.router.testing import SILENT, Cut, Say, Script, Scripted, answers, endpoint, fails, run, virtual_clock

from .asking import Ask, in_pieces, routed, whole
from .racing import All, ask, legs, raced

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


def test_a_word_in_the_instant_of_a_fatal_failure_reaches_nobody() -> None:
    heard: list[Chunk] = []

    async def emit(chunk: Chunk) -> None:
        heard.append(chunk)

    async def main() -> None:
        async with routed(legs(fails(1.0, BadRequest), answers(1.0, "b")), [All()]) as router:
            with pytest.raises(BadRequest):
                await router.send(ask(), emit)

    run(main)
    assert heard == []


def test_a_failure_that_another_model_could_mend_is_not_the_end_of_a_race() -> None:
    given, _ = raced(fails(0.5, Overloaded), answers(1.0))

    assert isinstance(given, Answer)
    assert given.endpoint == "b"


def test_a_fatal_failure_of_the_second_is_told_without_the_others() -> None:
    given, _ = raced(script(RETRYABLE, 1.0, "a"), script(FATAL, 2.0, "b"))

    assert isinstance(given, BadRequest)
    assert not hasattr(given, "__notes__")


def test_a_race_that_is_closed_in_the_middle_ends_its_legs() -> None:
    """As a loop does with what it has not finished when it stops."""

    async def main() -> None:
        async with routed(legs(SILENT, SILENT), [All()]) as router:
            call = router.complete(ask())
            call.send(None)
            await asyncio.sleep(1.0)
            assert [target.in_flight for target in router.fleet] == [1, 1]
            call.close()
            await asyncio.sleep(0.0)
            await asyncio.sleep(0.0)
            assert [target.in_flight for target in router.fleet] == [0, 0]

    run(main)
