"""`benchmarks.chaos`: its servers go wrong as they are told, and its clients say what their callers saw."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks import chaos
from benchmarks.chaos_clients import FAILED, RIGHT, WRONG, by_hand, paceline, seen, traffic
from benchmarks.chaos_faults import EVERY_FIFTH, FAULTS, NO_FAULT, QUICK, REFUSED, TEXT, Ending, plays
from benchmarks.chaos_servers import Vendor


def outcomes(fault: str, calls: int) -> tuple[list[str], int]:
    """What callers by hand see of a single server, and how many requests it received."""

    async def main() -> tuple[list[str], int]:
        vendor = Vendor()
        await vendor.listen()
        await vendor.become(fault)
        async with by_hand([f"http://127.0.0.1:{vendor.port}/v1"]) as ask:
            found = [(await seen(ask))[0] for _ in range(calls)]
        vendor.leave()
        return found, vendor.requests

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (NO_FAULT, RIGHT),
        ("500", FAILED),
        ("reset before headers", FAILED),
        ("closed before headers", FAILED),
        ("reset in the middle", FAILED),
        ("an empty stream", WRONG),
        ("a login page", WRONG),
        ("ends in the middle, cleanly", WRONG),
    ],
)
def test_a_caller_by_hand_sees_the_fault(fault: str, expected: str) -> None:
    found, requests = outcomes(fault, calls=2)

    assert found == [expected, expected]
    assert requests >= 2


def test_where_nobody_listens_nothing_is_received() -> None:
    assert outcomes(REFUSED, calls=2) == ([FAILED, FAILED], 0)


def test_every_fifth_call_fails() -> None:
    assert outcomes(EVERY_FIFTH, calls=10)[0] == [RIGHT, RIGHT, RIGHT, RIGHT, FAILED] * 2


def test_a_server_that_died_comes_back_where_it_was() -> None:
    async def main() -> tuple[int, int, str]:
        vendor = Vendor()
        await vendor.listen()
        port = vendor.port
        async with by_hand([f"http://127.0.0.1:{port}/v1"]) as ask:
            assert (await seen(ask))[0] == RIGHT
            await vendor.become(REFUSED)
            assert (await seen(ask))[0] == FAILED
            await vendor.become(NO_FAULT)
            found, _ = await seen(ask)
        vendor.leave()
        return port, vendor.port, found

    before, after, found = asyncio.run(main())

    assert before == after
    assert found == RIGHT


@pytest.mark.parametrize("fault", ["a login page", "ends in the middle, cleanly", "reset in the middle", "500"])
def test_paceline_gives_every_caller_the_answer_while_another_server_is_well(fault: str) -> None:
    async def main() -> list[str]:
        vendors = [Vendor(), Vendor()]
        for vendor in vendors:
            await vendor.listen()
        async with paceline([f"http://127.0.0.1:{vendor.port}/v1" for vendor in vendors]) as ask:
            await traffic(ask, 4)
            await vendors[0].become(fault)
            found = [what for what, _ in await traffic(ask, 6)]
        for vendor in vendors:
            vendor.leave()
        return found

    assert asyncio.run(main()) == [RIGHT] * 6


def test_every_fault_can_be_played_and_its_steps_are_bytes_and_pauses() -> None:
    for name in [*FAULTS, EVERY_FIFTH]:
        fault = next(plays(name))
        assert isinstance(fault.ending, Ending)
        assert all(isinstance(step, bytes) or 0 < step <= 1 for step in fault.steps), name
    assert set(QUICK) <= FAULTS.keys()


def test_a_right_answer_is_the_whole_text() -> None:
    assert b"".join(step for step in FAULTS[NO_FAULT].steps if isinstance(step, bytes)).count(b" word") == 10
    assert len(TEXT.split()) == 10


def test_figures_are_shares_of_the_calls_and_later_than_usual() -> None:
    usual = chaos.Seen(1.0, 0.0, 0.040, 0.050, 0.060, 0.0)
    found = chaos.Seen.of([(RIGHT, 0.1), (RIGHT, 0.3), (WRONG, 0.1), (FAILED, 1.0)], requests=5)

    assert found == chaos.Seen(0.5, 0.25, 0.1, 0.3, 0.3, 0.75)
    assert chaos.cell(found, usual) == "50% (25% wrong), +260 / +260 ms, 0.75"


def test_a_client_that_never_answers_right_has_no_latency() -> None:
    found = chaos.Seen.of([(FAILED, 1.0)], requests=0)

    assert chaos.cell(found, found) == "0%, - / - ms, 0.00"


def test_the_verdict_counts_the_faults_that_nobody_noticed() -> None:
    well, half = chaos.Seen(1.0, 0.0, 0.1, 0.1, 0.1, 0.0), chaos.Seen(0.5, 0.5, 0.1, 0.1, 0.1, 0.5)
    found = {NO_FAULT: {"a": well}, "x": {"a": well}, "y": {"a": half}}

    assert chaos.verdicts(found) == (
        "- a: 75.0% of the callers got the answer, 25.0% a wrong one, with 0.25 requests wasted a call; "
        "every caller in 1 of 2 faults."
    )
    assert chaos.fault_table(found).splitlines()[-1] == "| y | 50% (50% wrong), +0 / +0 ms, 0.50 |"
