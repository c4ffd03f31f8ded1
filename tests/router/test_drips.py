"""An endpoint that begins as ever and then drips: it is known while its first answers are still coming."""

import asyncio

import pytest

from paceline.router import Chunk, Limits, Usage
from paceline.router.testing import Say, Script, Scripted, endpoint, run, virtual_clock

from .stack import Ear, ask, nothing_is_held, routed

USUAL_S, TOKENS = 0.02, 100
PATIENT = Limits(gap_s=None)


def written(pace_s: float, *, word: str = "four") -> Script:
    """An answer of a hundred tokens, one by one."""
    pieces = [Say(0.25 + pace_s * place, Chunk(word)) for place in range(TOKENS)]
    end = Chunk(finish_reason="stop", usage=Usage(output_tokens=TOKENS))
    return (*pieces, Say(0.25 + pace_s * TOKENS, end))


def drags(pace_s: float, *, word: str = "four", calls: int = 3) -> float:
    """How slow the endpoint is taken to be three seconds after it has begun to answer at this pace."""
    usual = [written(USUAL_S, word=word)] * 10

    async def main() -> float:
        router = routed(endpoint("a", Scripted(*usual, written(pace_s, word=word)), limits=PATIENT))
        async with router:
            for _ in usual:
                await router.send(ask(), Ear())
            tasks = [asyncio.create_task(router.send(ask(budget_s=100.0), Ear())) for _ in range(calls)]
            await asyncio.sleep(3.0)
            drag = router.fleet["a"].outlook(virtual_clock()).drag
            await asyncio.gather(*tasks)
            assert nothing_is_held(router)
            assert not router.fleet["a"].learned.under_way.dragging
        return drag

    return run(main)


def test_it_is_known_within_seconds() -> None:
    assert drags(30.0 * USUAL_S) == pytest.approx(30.0, rel=0.5)


def test_as_long_as_it_writes_as_ever_nothing_is_known_of_answers_under_way() -> None:
    assert drags(USUAL_S) == 1.0


def test_another_language_is_no_drip() -> None:
    """Two characters a token, where four are usual of English: it seems to be twice as slow at first."""
    assert drags(USUAL_S, word="二字") == 1.0


def test_one_that_drips_is_a_straggler() -> None:
    assert drags(30.0 * USUAL_S, calls=1) == 1.0
