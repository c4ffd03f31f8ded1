"""`Tally`: counts by slots of time, against a list that forgets nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router.tally import Tally

steps = st.lists(st.tuples(st.sampled_from(["add", "take back", "count"]), st.integers(0, 40)), max_size=60)
"""What is done, after so many quarters of a second."""


@given(steps, st.integers(1, 5))
def test_it_counts_what_lies_in_the_slots_that_are_alive(steps: list[tuple[str, int]], slots: int) -> None:
    tally, now_s, added = Tally(1.0, slots), 1000.0, list[int]()
    for step, quarters in steps:
        now_s += quarters / 4
        if step == "add":
            added.append(tally.add(now_s))
            assert added[-1] == int(now_s)
        elif step == "take back" and added:
            tally.take_back(added.pop(len(added) // 2))
        assert tally.count(now_s) == sum(slot > int(now_s) - slots for slot in added)


def test_after_an_idle_time_longer_than_the_window_nothing_is_left() -> None:
    tally = Tally(1.0, 10)
    for second in range(10):
        tally.add(second)

    assert tally.count(9.5) == 10
    assert tally.count(10.0) == 9
    assert tally.count(1e9) == 0


def test_what_is_forgotten_cannot_be_taken_back() -> None:
    tally = Tally(1.0, 2)
    slot = tally.add(0.0)
    tally.add(2.0)

    tally.take_back(slot)

    assert tally.count(2.0) == 1


@pytest.mark.parametrize("before_s", [7.5, 3.0])
def test_a_time_before_the_running_slot_counts_in_it(before_s: float) -> None:
    tally = Tally(1.0, 2)
    tally.add(7.9)

    assert tally.add(before_s) == 7
    assert tally.count(8.9) == 2
    assert tally.count(9.0) == 0
