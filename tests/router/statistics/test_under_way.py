"""The pace of answers under way: what is much slower than usual is known before its end."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Attempt, Outcome, Usage, WindowShape
from paceline.router.remembered import Pulse
from paceline.router.statistics.learned import Learned
from paceline.router.statistics.level import LAST
from paceline.router.statistics.under_way import SLOW, WEIGHT, WRITES_S, UnderWay
from paceline.router.testing import Scripted, endpoint

HERE = endpoint("here", Scripted())
USUAL_S = 0.02
DRIPS_S = 30.0 * USUAL_S
TOKENS = 100
AS_IT_IS: Mapping[str, object] = MappingProxyType({})


class Idle:
    """An endpoint at no load."""

    in_flight = 0


def learned() -> Learned:
    """Of an endpoint that writes at its usual pace, until a moment ago."""
    made = Learned(None, WindowShape(), Pulse(), Idle())
    for number in range(20):
        end(made, writing(USUAL_S, sent_s=-5.0 + 0.1 * number), now_s=-2.0 + 0.1 * number)
    return made


def writing(
    pace_s: float, *, sent_s: float = 0.0, tokens: int = TOKENS, but: Mapping[str, object] = AS_IT_IS
) -> Attempt:
    """An answer of which so many tokens have come."""
    attempt = Attempt(HERE, 1, sent_s, first_progress_s=sent_s, last_progress_s=sent_s + pace_s * (tokens - 1))
    attempt.characters = 4 * tokens
    for name, value in but.items():
        setattr(attempt, name, value)
    return attempt


def end(of: Learned, attempt: Attempt, now_s: float, outcome: Outcome = Outcome.OK) -> None:
    attempt.outcome, attempt.finished_s = outcome, now_s
    attempt.usage = Usage(output_tokens=attempt.characters // 4) if outcome is Outcome.OK else None
    of.finished(attempt, now_s, blame=False)


def drag(of: Learned, now_s: float) -> float:
    return of.outlook(now_s + 1.0).drag


def test_a_drip_is_known_before_its_first_answer_has_ended() -> None:
    of = learned()
    under_way = [writing(DRIPS_S, sent_s=0.1 * number, tokens=4) for number in range(3)]
    for attempt in under_way:
        of.goes_on(attempt, 2.0)

    assert drag(of, 2.0) == pytest.approx(30.0, rel=0.1)


def test_two_that_drag_are_two_that_drag() -> None:
    of = learned()
    under_way = [writing(DRIPS_S, sent_s=0.1 * number, tokens=4) for number in range(2)]
    for attempt in under_way:
        of.goes_on(attempt, 2.0)

    assert drag(of, 2.0) == 1.0


@pytest.mark.parametrize(
    "says_nothing",
    [
        {"wordless": True},
        {"held_s": 1.0},
        {"first_progress_s": None},
        {"last_progress_s": 0.9 * WRITES_S},
    ],
    ids=["it is not all text", "its reader is slow", "it has not begun", "it has only just begun"],
)
def test_an_answer_that_cannot_tell_its_pace_says_nothing(says_nothing: dict[str, object]) -> None:
    of = learned()
    under_way = [writing(DRIPS_S, tokens=4, but=says_nothing) for _ in range(LAST)]
    for attempt in under_way:
        of.goes_on(attempt, 2.0)

    assert drag(of, 2.0) == 1.0


def test_where_no_pace_is_known_none_is_slow() -> None:
    of = Learned(None, WindowShape(), Pulse(), Idle())
    of.goes_on(writing(DRIPS_S), 60.0)

    assert not of.under_way.dragging


@given(st.floats(0.1, 0.95 * SLOW))
def test_what_is_slower_by_less_is_known_from_its_end(times: float) -> None:
    under_way = UnderWay()
    under_way.goes_on(writing(times * USUAL_S), USUAL_S)

    assert under_way.samples() == []


def test_one_that_drags_no_more_is_no_news() -> None:
    under_way, attempt = UnderWay(), writing(DRIPS_S, tokens=4)
    under_way.goes_on(attempt, USUAL_S)
    before = len(under_way.dragging)
    attempt.characters = 4 * TOKENS
    under_way.goes_on(attempt, USUAL_S)

    assert (before, len(under_way.dragging)) == (1, 0)


def test_the_last_few_are_remembered() -> None:
    under_way = UnderWay()
    attempts = [writing(DRIPS_S, tokens=4, but={"in_flight": number}) for number in range(LAST + 2)]
    for attempt in attempts:
        under_way.goes_on(attempt, USUAL_S)

    assert [in_flight for _, in_flight, _ in under_way.samples()] == list(range(2, LAST + 2))


def test_who_is_overtaken_by_an_answer_at_the_usual_pace_is_a_straggler() -> None:
    of = learned()
    attempts = [writing(DRIPS_S, sent_s=0.1 * number, tokens=4) for number in range(4)]
    for attempt in attempts:
        of.goes_on(attempt, 3.0)
    end(of, writing(USUAL_S, sent_s=0.25), 3.0)

    assert len(of.under_way.samples()) == 1


def test_who_is_overtaken_by_another_that_drags_is_none() -> None:
    of = learned()
    first, second = writing(DRIPS_S, tokens=4), writing(DRIPS_S, sent_s=0.5, tokens=4)
    of.goes_on(first, 3.0)
    end(of, second, 3.0)

    assert len(of.under_way.samples()) == 1


@pytest.mark.parametrize("outcome", [Outcome.TIMED_OUT, Outcome.CANCELLED, Outcome.FAILED])
def test_what_was_cut_off_tells_its_pace_and_is_under_way_no_more(outcome: Outcome) -> None:
    of = learned()
    attempts = [writing(DRIPS_S, sent_s=0.1 * number, tokens=4) for number in range(3)]
    for attempt in attempts:
        of.goes_on(attempt, 2.0)
    for attempt in attempts:
        end(of, attempt, 2.0, outcome)

    assert not of.under_way.dragging
    assert drag(of, 2.0) == pytest.approx(30.0, rel=0.1)


def test_characters_for_each_token_are_learned() -> None:
    """Of a language that has one character for a token, ten of them are ten tokens and not two and a half."""
    under_way = UnderWay()
    for _ in range(int(5 / WEIGHT)):
        attempt = writing(USUAL_S, but={"characters": TOKENS})
        attempt.usage = Usage(output_tokens=TOKENS)
        under_way.ended(attempt)
    under_way.goes_on(writing(1.5 * USUAL_S, but={"characters": TOKENS}), USUAL_S)

    assert not under_way.dragging


@pytest.mark.parametrize("of", [{"characters": 0}, {"wordless": True}, {"usage": None}, {"usage": Usage()}])
def test_an_answer_that_does_not_tell_its_tokens_teaches_none(of: dict[str, object]) -> None:
    under_way = UnderWay()
    for _ in range(200):
        under_way.ended(writing(USUAL_S, but={"usage": Usage(output_tokens=4 * TOKENS), **of}))
    under_way.goes_on(writing(0.9 * SLOW * USUAL_S), USUAL_S)

    assert not under_way.dragging
