"""`Stall`: how long an answer may pause, learned from the endpoint's own pauses, and how slowly it may come."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Resume, Retry, Splice, Stall
from paceline.router import Chunk, Limits, Outcome, Policy, Route, Router
from paceline.router.errors import AttemptTimeout, ConfigurationError, StreamInterrupted
from paceline.router.testing import Say, Script, Scripted, Silence, answers, endpoint, run, virtual_clock

from .asking import hello, in_pieces, pushed, routed, told, whole
from .continuing import STALLS, TEXT, Model, hear, heard, models

CHAT = Route(name="chat", models="m", budget_s=1000.0)
WIDE = Limits(first_token_s=None, gap_s=None, total_s=None)


def gapped(*gaps_s: float, then: float | None = None) -> Script:
    """Words with these gaps between them; and then the end, or for ever nothing, or a word after *then*."""
    steps: list[Say] = [Say(0.0, Chunk("word "))]
    for gap_s in gaps_s:
        steps.append(Say(steps[-1].at_s + gap_s, Chunk("word ")))
    if then is not None:
        return (*steps, Say(steps[-1].at_s + then, Chunk("late", finish_reason="stop")))
    return (*steps, Silence())


def ended(gaps_s: tuple[float, ...]) -> Script:
    return gapped(*gaps_s, then=0.0)


def cut_after_s(learned: list[Script], last: Script, stall: Stall, limits: Limits = WIDE) -> tuple[float, str] | None:
    """How long the last of several calls took until it was cut, and by which limit; None: it was not."""
    provider = Scripted(*learned, last)

    async def main() -> tuple[float, str] | None:
        resume = Resume(otherwise=Splice(), stall=stall)
        async with routed([endpoint("a", provider, limits=limits)], [resume], [CHAT]) as router:
            for _ in learned:
                await told(in_pieces, router, hello(route="chat"))
            began_s = virtual_clock()
            end = await told(in_pieces, router, hello(route="chat"))
        if not isinstance(end.given, StreamInterrupted):
            return None
        cause = end.given.__cause__
        assert isinstance(cause, AttemptTimeout)
        return end.at_s - began_s, cause.limit

    return run(main)


@pytest.mark.parametrize(
    ("usual_s", "stall", "cut_s"),
    [
        (0.25, Stall(), 2.0),
        (1.0, Stall(), 5.0),
        (8.0, Stall(), 15.0),
        (1.0, Stall(times=8.0), 8.0),
        (0.25, Stall(least_s=3.0), 3.0),
        (1.0, Stall(most_s=2.5), 2.5),
    ],
)
def test_an_endpoint_is_judged_by_its_own_pauses(usual_s: float, stall: Stall, cut_s: float) -> None:
    end = cut_after_s([ended((usual_s,))] * 10, (Say(0.0, Chunk("word")), Silence()), stall)

    assert end is not None
    assert end == (pytest.approx(cut_s, rel=0.01), "gap")


@pytest.mark.parametrize("known", [0, 9])
def test_one_that_is_hardly_known_may_pause_as_long_as_any(known: int) -> None:
    assert cut_after_s([ended((0.25,))] * known, gapped(), Stall(most_s=9.0)) == (9.0, "gap")


def test_the_endpoints_own_limit_takes_precedence_when_it_is_less() -> None:
    assert cut_after_s([], gapped(), Stall(most_s=9.0), Limits(gap_s=3.0)) == (3.0, "gap")
    assert cut_after_s([], gapped(), Stall(most_s=9.0), Limits(gap_s=30.0)) == (9.0, "gap")


@settings(max_examples=50)
@given(usual=st.lists(st.integers(1, 3).map(lambda n: n / 8), min_size=20, max_size=40))
def test_a_pause_like_those_before_is_never_a_stall(usual: list[float]) -> None:
    stall = Stall(least_s=0.125, least_tokens_per_s=None)

    assert cut_after_s([ended((gap_s,)) for gap_s in usual], gapped(max(usual), then=0.0), stall) is None


def test_stalls_do_not_raise_what_counts_as_a_stall_as_long_as_they_are_few() -> None:
    sound, stalled = [ended((0.25,))] * 9, gapped(0.25)

    assert cut_after_s([*sound, *sound, *sound, *[*sound, stalled] * 4], stalled, Stall()) == (2.25, "gap")


def test_an_endpoint_that_always_stalls_is_not_given_up_sooner_and_sooner() -> None:
    assert cut_after_s([gapped(0.25)] * 30, gapped(), Stall(most_s=4.0)) == (4.0, "gap")


def test_what_keeps_a_connection_warm_is_no_progress() -> None:
    pings = tuple(Say(second / 2, Chunk()) for second in range(1, 100))

    assert cut_after_s([], (Say(0.0, Chunk("word")), *pings, Silence()), Stall(most_s=6.0)) == (6.0, "gap")


def test_the_pause_before_the_first_word_is_not_its_matter() -> None:
    assert cut_after_s([], answers(60.0), Stall(most_s=2.0)) is None


@pytest.mark.parametrize(("every_s", "cut"), [(0.25, False), (1.0, False), (1.5, True)])
def test_an_answer_that_trickles_is_given_up(every_s: float, cut: bool) -> None:  # noqa: FBT001  a table
    trickle: Script = tuple(Say(number * every_s, Chunk("four ")) for number in range(100))

    end = cut_after_s([], (*trickle, Say(100 * every_s, Chunk(finish_reason="stop"))), Stall(over_s=6.0))

    assert end == ((pytest.approx(7.0, abs=1.0), "slow") if cut else None)


def test_no_pace_is_too_slow_where_none_is_asked_for() -> None:
    trickle: Script = tuple(Say(number * 1.5, Chunk(".")) for number in range(50))

    stall = Stall(least_tokens_per_s=None)
    assert cut_after_s([], (*trickle, Say(75.0, Chunk(finish_reason="stop"))), stall) is None


def test_paragraphs_with_pauses_between_them_are_not_slow() -> None:
    paragraphs: Script = tuple(Say(number * 6.0, Chunk("x" * 100)) for number in range(20))

    assert cut_after_s([], (*paragraphs, Say(115.0, Chunk(finish_reason="stop"))), Stall()) is None


@pytest.mark.parametrize("holds_s", [0.0, 40.0])
def test_the_callers_own_time_is_neither_a_stall_nor_slow(holds_s: float) -> None:
    async def main() -> int:
        async def slowly(chunk: Chunk) -> None:
            await anyio.sleep(holds_s)

        provider = Scripted(answers(0.0, *"abcdefgh" * 3, gap_s=0.125))
        async with routed([endpoint("a", provider, limits=WIDE)], [Resume(otherwise=Splice())], [CHAT]) as router:
            await router.send(hello(route="chat", budget_s=10_000.0), slowly)
        return provider.calls

    assert run(main) == 1


def test_a_stall_is_blamed_on_the_endpoint_and_is_no_answer_time() -> None:
    async def main() -> Router:
        resume = Resume(otherwise=Splice(prefill="best"))
        async with routed(models(Model(TEXT, 20, how=STALLS), Model()), [resume], [CHAT_OF_TWO]) as router:
            end = await hear(router, hello(route="chat"))
            assert [attempt.outcome for attempt in end.answer.attempts] == [Outcome.TIMED_OUT, Outcome.OK]
            assert end.text == TEXT
            gaps = router.fleet["a"].learned.gap.fold(virtual_clock())
            assert (gaps.count, gaps.censored) == (0, 1)
            assert router.fleet["a"].outlook(virtual_clock()).failing > 0.0
        return router

    run(main)


CHAT_OF_TWO = Route(name="chat", models=("best", "fast"))


@pytest.mark.parametrize("policies", [[Resume(stall=None, otherwise=Splice())], [Resume()]], ids=["None", "Refuse"])
def test_where_nothing_is_watched_the_endpoints_limits_hold(policies: list[Policy]) -> None:
    end = heard(models(Model(TEXT, 20, how=STALLS)), policies)

    assert end.given.attempts[0].outcome is Outcome.TIMED_OUT
    assert end.given.attempts[0].total_s == 30.75


def test_of_an_answer_taken_whole_a_stall_is_noticed_as_soon_and_it_is_asked_elsewhere() -> None:
    async def main() -> float:
        fleet = models(Model(TEXT, 20, how=STALLS), Model())
        resume = Resume(otherwise=Splice(), stall=Stall(most_s=3.0))
        async with routed(fleet, [resume, Retry()], [CHAT_OF_TWO]) as router:
            answer = await whole(router, hello(route="chat"))
        assert answer.text == TEXT
        return answer.attempts[0].total_s or 0.0

    assert run(main) == 3.75


def test_after_a_retry_the_pace_is_that_of_the_new_answer() -> None:
    trickle: Script = tuple(Say(number * 1.5, Chunk(".")) for number in range(50))
    brisk = answers(1.0, *("words " for _ in range(40)), gap_s=1.0)

    async def main() -> list[str]:
        fleet = [endpoint("a", Scripted(trickle)), endpoint("b", Scripted(brisk))]
        async with routed(fleet, [Resume(otherwise=Splice()), Retry()], [CHAT]) as router:
            answer = await whole(router, hello(route="chat"))
        return [attempt.outcome.value for attempt in answer.attempts]

    assert run(main) == ["timed_out", "ok"]


def test_asked_for_in_one_piece_an_answer_has_no_pauses() -> None:
    async def main() -> None:
        provider = Scripted(answers(60.0, "whole"))
        async with routed([endpoint("a", provider, limits=WIDE)], [Resume(otherwise=Splice())], [CHAT]) as router:
            await pushed(router, hello(route="chat", stream=False))

    run(main)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"quantile": 1.0}, "quantile must be a share above 0 and below 1"),
        ({"times": 0.0}, "times must be a number above 0"),
        ({"least_s": 0.0}, "least_s must be a number above 0"),
        ({"least_s": 3.0, "most_s": 2.0}, r"most_s \(2\) must be at least least_s \(3\)"),
        ({"fewest": 0}, "fewest must be a whole number of at least 1"),
        ({"least_tokens_per_s": 0.0}, "least_tokens_per_s must be a number above 0"),
        ({"over_s": -1.0}, "over_s must be a number above 0"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_built(fields: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Stall(**fields)  # type: ignore[arg-type]
