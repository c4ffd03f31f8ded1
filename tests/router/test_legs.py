"""`Legs`: what was cancelled is owned until it is over, asked again when it resists, and waited for at the end."""

import asyncio

import pytest

from paceline.router.legs import DRAIN_S, Legs
from paceline.router.testing import run, virtual_clock


async def gives_in(after: int, *, asked: list[float]) -> None:
    """Swallows its cancellation so many times."""
    while True:
        try:
            await asyncio.sleep(1000.0)
        except asyncio.CancelledError:
            asked.append(virtual_clock())
            if len(asked) > after:
                raise


def test_what_is_ended_is_cancelled_and_let_go_when_it_is_over() -> None:
    async def main() -> None:
        legs, asked = Legs(), list[float]()
        task = asyncio.create_task(gives_in(0, asked=asked))
        await asyncio.sleep(0.5)
        legs.end(task)
        assert len(legs) == 1
        await asyncio.sleep(5.0)
        assert (len(legs), asked, task.cancelled()) == (0, [0.5], True)

    run(main)


def test_what_resists_is_asked_once_a_second() -> None:
    async def main() -> None:
        legs, asked = Legs(), list[float]()
        task = asyncio.create_task(gives_in(3, asked=asked))
        await asyncio.sleep(0.5)
        legs.end(task)
        await asyncio.sleep(10.0)
        assert (len(legs), asked) == (0, [0.5, 1.5, 2.5, 3.5])

    run(main)


def test_to_end_it_twice_changes_nothing_nor_does_it_to_end_what_is_over() -> None:
    async def main() -> None:
        legs, asked = Legs(), list[float]()
        task, over = asyncio.create_task(gives_in(1, asked=asked)), asyncio.create_task(asyncio.sleep(0.0))
        await asyncio.sleep(0.5)
        for _ in range(2):
            legs.end(task)
            legs.end(over)
        assert len(legs) == 1
        await asyncio.sleep(10.0)
        assert (len(legs), asked) == (0, [0.5, 1.5])

    run(main)


def test_with_nothing_to_wait_for_draining_waits_for_nothing() -> None:
    async def main() -> None:
        await Legs().drain()
        assert virtual_clock() == 0.0

    run(main)


def test_draining_waits_until_they_are_over() -> None:
    async def main() -> None:
        legs = Legs()
        task = asyncio.create_task(gives_in(1, asked=[]))
        await asyncio.sleep(0.0)
        legs.end(task)
        await legs.drain()
        assert (len(legs), virtual_clock(), task.cancelled()) == (0, 1.0, True)

    run(main)


def test_draining_waits_so_long_and_tells_of_what_is_left() -> None:
    async def main() -> None:
        legs = Legs()
        task = asyncio.create_task(gives_in(5, asked=[]))
        await asyncio.sleep(0.0)
        legs.end(task)
        with pytest.warns(ResourceWarning, match="1 losing legs resisted"):
            await legs.drain()
        assert virtual_clock() == DRAIN_S
        await asyncio.wait([task])
        assert virtual_clock() == 5.0

    run(main)
