"""`Timers`: each is woken at its time, in order, on one timer of the loop, and what is over is woken no more."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from paceline.router.testing import run, virtual_clock
from paceline.router.timers import FEW, Timers


class Sleeper:
    """Notes when it was woken."""

    def __init__(self, name: int = 0) -> None:
        self.name = name
        self.is_over = False
        self.woken_s: list[float] = []

    def wake(self) -> None:
        self.woken_s.append(virtual_clock())


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=200))
def test_each_is_woken_once_at_its_time_unless_it_is_over(wanted: list[tuple[int, bool]]) -> None:
    async def main() -> None:
        timers = Timers(virtual_clock)
        sleepers = [Sleeper() for _ in wanted]
        for sleeper, (quarters, _) in zip(sleepers, wanted, strict=True):
            timers.wake(sleeper, quarters / 4)
        for sleeper, (_, leaves) in zip(sleepers, wanted, strict=True):
            sleeper.is_over = leaves
        await asyncio.sleep(20.0)
        told = [sleeper.woken_s for sleeper in sleepers]
        assert told == [[] if leaves else [quarters / 4] for quarters, leaves in wanted]
        assert len(timers) == 0

    run(main)


def test_of_one_instant_the_first_that_asked_is_woken_first() -> None:
    async def main() -> None:
        woken = list[int]()

        class Told(Sleeper):
            def wake(self) -> None:
                woken.append(self.name)

        timers = Timers(virtual_clock)
        for name in range(5):
            timers.wake(Told(name), 1.0)
        await asyncio.sleep(1.5)
        assert woken == [0, 1, 2, 3, 4]

    run(main)


def test_who_is_woken_may_ask_to_be_woken_again() -> None:
    async def main() -> None:
        timers = Timers(virtual_clock)

        class Hourly(Sleeper):
            def wake(self) -> None:
                super().wake()
                if len(self.woken_s) < 3:
                    timers.wake(self, virtual_clock() + 1.0)

        hourly = Hourly()
        timers.wake(hourly, 1.0)
        await asyncio.sleep(10.0)
        assert hourly.woken_s == [1.0, 2.0, 3.0]

    run(main)


def test_many_that_are_over_long_before_their_time_take_no_room() -> None:
    async def main() -> None:
        timers = Timers(virtual_clock)
        for _ in range(10_000):
            sleeper = Sleeper()
            timers.wake(sleeper, 100.0)
            sleeper.is_over = True
            assert len(timers) <= FEW

    run(main)


def test_those_that_are_waited_for_survive_the_clearing() -> None:
    async def main() -> None:
        timers = Timers(virtual_clock)
        waiting = [Sleeper() for _ in range(3 * FEW)]
        for sleeper in waiting:
            timers.wake(sleeper, 5.0)
            passing = Sleeper()
            timers.wake(passing, 9.0)
            passing.is_over = True
        await asyncio.sleep(6.0)
        assert [sleeper.woken_s for sleeper in waiting] == [[5.0]] * len(waiting)

    run(main)
