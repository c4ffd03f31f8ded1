"""The marks of an attempt: what it waited for, how it flowed, and whose time that was. In virtual time, to the tick."""

import asyncio

import pytest

from paceline.policies import Slots
from paceline.router import Attempt, Chunk, Limits, Router, Usage
from paceline.router.testing import Script, Scripted, answers, endpoint, run

from .stack import ask, routed

HERE = endpoint("here", Scripted())


def one(script: Script, *, slots: int | None = None) -> tuple[Router, Scripted]:
    provider = Scripted(script)
    here = endpoint("here", provider, slots=slots, queue=10, limits=Limits())
    return routed(here, policies=[Slots(max_wait_s=60.0)]), provider


def attempts(provider: Scripted) -> list[Attempt]:
    return [call.ledger.attempts[-1] for call in provider.seen]


async def ignore(chunk: Chunk) -> None:
    pass


def test_who_waits_for_a_slot_is_told_how_long_and_who_does_not_waited_not_at_all() -> None:
    async def main() -> list[Attempt]:
        router, provider = one(answers(0.5), slots=1)
        async with router:
            async with asyncio.TaskGroup() as calls:
                for _ in range(3):
                    calls.create_task(router.send(ask(), ignore))
            return attempts(provider)

    sent = run(main)

    assert [attempt.slot_wait_s for attempt in sent] == [0.0, 0.5, 1.0]
    assert [attempt.ttft_s for attempt in sent] == [0.5, 0.5, 0.5]
    assert [attempt.in_flight for attempt in sent] == [1, 1, 1]


def test_an_attempt_knows_how_many_its_endpoint_had_under_way_itself_included() -> None:
    async def main() -> list[Attempt]:
        router, provider = one(answers(0.5))
        async with router:
            async with asyncio.TaskGroup() as calls:
                for _ in range(3):
                    calls.create_task(router.send(ask(), ignore))
            return attempts(provider)

    assert [attempt.in_flight for attempt in run(main)] == [1, 2, 3]


def asked(script: Script, *, reader_s: float = 0.0) -> Attempt:
    """The only attempt of a call whose caller takes *reader_s* over every piece."""

    async def read(chunk: Chunk) -> None:
        await asyncio.sleep(reader_s)

    async def main() -> Attempt:
        router, provider = one(script)
        async with router:
            await router.send(ask(), read)
        return attempts(provider)[0]

    return run(main)


def test_the_longest_gap_is_that_between_two_pieces() -> None:
    uneven = (*answers(0.25, "a", "b")[:-1], *answers(2.25, "c", "d", gap_s=0.5))

    attempt = asked(uneven)

    assert attempt.longest_gap_s == 2.0
    assert (attempt.generation_s, attempt.ttft_s) == (2.5, 0.25)


def test_an_answer_of_one_piece_has_no_gap() -> None:
    assert asked(answers(0.25)).longest_gap_s is None


@pytest.mark.parametrize(("reader_s", "gap_s"), [(0.25, 0.75), (1.0, 0.0), (4.0, 0.0)])
def test_the_time_a_caller_takes_over_a_piece_is_no_gap_of_the_endpoint(reader_s: float, gap_s: float) -> None:
    attempt = asked(answers(0.25, "a", "b", "c", gap_s=1.0), reader_s=reader_s)

    assert attempt.longest_gap_s == pytest.approx(gap_s)
    assert attempt.held_s == pytest.approx(4 * reader_s)


def test_the_speed_is_that_of_the_tokens_after_the_first() -> None:
    attempt = asked(answers(0.25, "a", "b", "c", gap_s=1.0, usage=Usage(output_tokens=21)))

    assert attempt.tokens_per_s == 10.0
    assert attempt.tpot_s == 0.1


@pytest.mark.parametrize("usage", [None, Usage(output_tokens=1)], ids=["no usage", "one token"])
def test_where_the_time_per_token_is_unknown_so_is_the_speed(usage: Usage | None) -> None:
    attempt = Attempt(
        endpoint=HERE, number=1, sent_s=1.0, first_progress_s=1.5, last_progress_s=3.5, finished_s=4.0, usage=usage
    )

    assert attempt.tokens_per_s is None
    assert attempt.generation_s == 2.0


def test_an_attempt_without_a_word_generated_nothing() -> None:
    assert Attempt(endpoint=HERE, number=1, sent_s=1.0, finished_s=4.0).generation_s is None


@pytest.mark.parametrize(
    ("connect_s", "headers_s", "processing_s", "network_s"),
    [
        pytest.param(None, None, None, None, id="nothing known"),
        pytest.param(0.125, None, None, 0.125, id="a connection"),
        pytest.param(None, 1.5, None, None, id="headers alone may be the vendors queue"),
        pytest.param(0.125, 1.5, None, 0.125, id="a connection and headers"),
        pytest.param(None, 1.5, 0.25, 0.25, id="the vendor says how long it worked"),
        pytest.param(0.125, 1.5, 0.25, 0.25, id="the whole way, its connection included"),
        pytest.param(0.125, 1.5, 0.75, 0.0, id="a vendor whose clock runs fast"),
        pytest.param(0.125, None, 0.25, 0.125, id="no headers to count to"),
    ],
)
def test_the_networks_time_is_what_was_not_the_vendors_work(
    connect_s: float | None, headers_s: float | None, processing_s: float | None, network_s: float | None
) -> None:
    attempt = Attempt(
        endpoint=HERE, number=1, sent_s=1.0, connect_s=connect_s, headers_s=headers_s, processing_s=processing_s
    )

    assert attempt.network_s == network_s
