"""A caller who takes its time, or goes, while it is given a chunk: nobody else's fault, and nothing is left open."""

import asyncio

import pytest

from paceline.policies import Slots
from paceline.router import Chunk, Limits, Outcome, Router
from paceline.router.errors import DeadlineExceeded
from paceline.router.testing import SILENT, Say, Script, Scripted, endpoint, run, virtual_clock

from .stack import Ear, ask, nothing_is_held, routed

ROLE, WORD, FINISH = Chunk(raw=b"role"), Chunk("word"), Chunk(finish_reason="stop")
EMPTY: Script = (Say(0.125, ROLE), Say(0.25, FINISH))
WHOLE: Script = (Say(0.125, ROLE), Say(0.25, WORD), Say(0.25, FINISH))
UNENDED: Script = (Say(0.25, FINISH), *SILENT)
IN_ONE: Script = (Say(0.25, Chunk("all of it", finish_reason="stop")),)


def one(script: Script, limits: Limits) -> tuple[Router, Scripted]:
    provider = Scripted(script)
    return routed(endpoint("a", provider, slots=1, limits=limits), policies=[Slots()]), provider


async def slowly(chunk: Chunk) -> None:
    await asyncio.sleep(8.0)


async def gone(chunk: Chunk) -> None:
    raise ConnectionResetError("the client went away")


def closed(router: Router, provider: Scripted) -> set[Outcome]:
    """How its attempts ended; none is left open anywhere."""
    assert nothing_is_held(router)
    assert (provider.live, router.fleet["a"].learned.recent.unanswered) == (0, 0)
    return {attempt.outcome for call in provider.seen for attempt in call.ledger.attempts}


@pytest.mark.parametrize("limits", [Limits(first_token_s=1.0), Limits(gap_s=1.0), Limits(first_token_s=1.0, gap_s=1.0)])
@pytest.mark.parametrize(("script", "chunks"), [(WHOLE, 3), (EMPTY, 2)], ids=["whole", "empty"])
def test_what_was_kept_back_may_be_taken_slowly_too(script: Script, chunks: int, limits: Limits) -> None:
    async def main() -> None:
        router, provider = one(script, limits)
        async with router:
            await router.send(ask(), slowly)

            assert virtual_clock() == 0.25 + chunks * 8.0
            assert closed(router, provider) == {Outcome.OK}
            assert router.fleet["a"].learned.recent.failing(virtual_clock()) == 0.0

    run(main)


@pytest.mark.parametrize("script", [WHOLE, EMPTY, IN_ONE], ids=["whole", "empty", "in one piece"])
def test_a_caller_too_slow_for_its_own_deadline_is_told_so_at_the_deadline(script: Script) -> None:
    async def main() -> None:
        router, provider = one(script, Limits())
        async with router:
            with pytest.raises(DeadlineExceeded):
                await router.send(ask(budget_s=2.0), slowly)

            assert virtual_clock() == 2.0
            assert Outcome.OK not in closed(router, provider)

    run(main)


def test_an_answer_that_said_it_is_finished_needs_no_end_marker() -> None:
    async def main() -> None:
        router, provider = one((Say(0.25, WORD), *UNENDED), Limits(gap_s=1.0))
        ear = Ear()
        async with router:
            await router.send(ask(), ear)

            assert ear.chunks == [WORD, FINISH]
            assert closed(router, provider) == {Outcome.OK}

    run(main)


def test_an_empty_answer_that_said_it_is_finished_needs_no_end_marker() -> None:
    async def main() -> None:
        router, provider = one(UNENDED, Limits(first_token_s=1.0))
        ear = Ear()
        async with router:
            await router.send(ask(), ear)

            assert ear.chunks == [FINISH]
            assert closed(router, provider) == {Outcome.OK}

    run(main)


@pytest.mark.parametrize("script", [WHOLE, EMPTY, UNENDED, IN_ONE], ids=["whole", "empty", "unended", "in one piece"])
def test_a_caller_who_is_gone_ends_the_call_with_its_own_error(script: Script) -> None:
    async def main() -> None:
        router, provider = one(script, Limits(first_token_s=1.0, gap_s=1.0))
        async with router:
            with pytest.raises(ConnectionResetError):
                await router.send(ask(), gone)

            assert closed(router, provider) == {Outcome.CANCELLED}
            assert router.fleet["a"].learned.recent.failing(virtual_clock()) == 0.0

    run(main)


@pytest.mark.parametrize("script", [WHOLE, EMPTY, UNENDED, IN_ONE], ids=["whole", "empty", "unended", "in one piece"])
def test_a_caller_who_is_cancelled_while_taking_a_chunk_leaves_nothing_open(script: Script) -> None:
    async def main() -> None:
        router, provider = one(script, Limits(first_token_s=1.0, gap_s=1.0))
        async with router:
            task = asyncio.create_task(router.send(ask(), slowly))
            await asyncio.sleep(4.0)
            task.cancel()
            await asyncio.wait([task])

            assert task.cancelled()
            assert closed(router, provider) == {Outcome.CANCELLED}

    run(main)


def test_a_caller_too_slow_for_its_deadline_is_told_so_though_the_end_marker_was_missing() -> None:
    async def main() -> None:
        router, provider = one(UNENDED, Limits(first_token_s=1.0))
        async with router:
            with pytest.raises(DeadlineExceeded):
                await router.send(ask(budget_s=2.0), slowly)

            assert virtual_clock() == 2.0
            assert Outcome.OK not in closed(router, provider)

    run(main)
