"""Whatever calls are like, the contributions of a diagnosis add up to the change, and by endpoint to themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import CallOutcome
from paceline.router.kpi.diagnosis import FEWEST, diagnose
from paceline.router.kpi.diagnosis_result import Diagnosis, Headline
from paceline.router.kpi.row import CallRow

seconds = st.floats(0.0, 1_000.0) | st.just(0.0)
counts = st.integers(0, 200_000)


@st.composite
def rows(draw: st.DrawFn) -> CallRow:
    elsewhere_s, slot_wait_s, connect_s, first_token_s, generation_s = (draw(seconds) for _ in range(5))
    ttft_s = elsewhere_s + slot_wait_s + connect_s + first_token_s
    return CallRow(
        ended_s=0.0,
        outcome=draw(st.sampled_from([CallOutcome.ANSWERED] * 9 + [CallOutcome.FAILED])),
        endpoint=draw(st.sampled_from(["a", "b", "c", None])),
        region=draw(st.sampled_from(["here", "there", None])),
        ttft_s=draw(st.sampled_from([ttft_s] * 4 + [None])),
        total_s=ttft_s + generation_s,
        elsewhere_s=elsewhere_s,
        slot_wait_s=slot_wait_s,
        connect_s=connect_s,
        first_token_s=first_token_s,
        generation_s=generation_s,
        network_s=draw(st.none() | st.floats(0.0, first_token_s)),
        held_s=draw(st.floats(0.0, generation_s)),
        tpot_s=draw(st.none() | st.floats(1e-4, 1.0)),
        input_tokens=draw(counts),
        cached_tokens=draw(st.none() | counts),
        output_tokens=draw(st.none() | counts),
        keepalives=draw(st.integers(0, 100)),
    )


some = st.lists(rows(), min_size=1, max_size=8)


def window(kinds: list[CallRow], repeats: int) -> list[CallRow]:
    """Enough calls for a diagnosis, unless most have failed: each of *kinds* as often."""
    return kinds * (2 * FEWEST // len(kinds) + 1 + repeats)


def adds_up(diagnosis: Diagnosis) -> bool:
    assert diagnosis.change_s is not None
    parts = diagnosis.contributions
    scale = max([1.0, *(abs(share_s) for part in parts for share_s in part.where.values())])
    close = {"rel_tol": 0.0, "abs_tol": 1e-9 * scale}
    return math.isclose(math.fsum(part.seconds for part in parts), diagnosis.change_s, **close) and all(
        math.isclose(math.fsum(part.where.values()), part.seconds, **close) for part in parts
    )


@pytest.mark.parametrize("of", Headline)
@given(before=some, now=some, repeats=st.integers(0, 20))
def test_contributions_add_up(of: Headline, before: list[CallRow], now: list[CallRow], repeats: int) -> None:
    diagnosis = diagnose(window(before, repeats), window(now, 0), of=of)

    assert (diagnosis.change_s is None) == (min(diagnosis.before.counted, diagnosis.now.counted) < FEWEST)
    assert diagnosis.change_s is None or adds_up(diagnosis)
    assert str(diagnosis)


@given(before=some, now=some)
def test_the_tail_is_told_as_it_is(before: list[CallRow], now: list[CallRow]) -> None:
    diagnosis = diagnose(window(before, 0), window(now, 0))

    slowest = max((row.total_s for row in before if row.outcome is CallOutcome.ANSWERED), default=None)
    if slowest is not None and diagnosis.change_s is not None and diagnosis.before.tail_s is not None:
        assert diagnosis.now.tail_s == pytest.approx(diagnosis.before.tail_s + diagnosis.change_s)
        assert diagnosis.before.tail_s == pytest.approx(slowest), "one of eight at most is more than the slowest 5 %"
