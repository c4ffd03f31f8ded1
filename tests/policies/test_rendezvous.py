"""Rendezvous hashing: everybody works out the same, shares are fair, and who comes or goes moves only its own."""

from __future__ import annotations

from collections import Counter

import pytest

from paceline.policies.rendezvous import FIRST, GROUPS, Rendezvous, in_order
from paceline.router import Target
from paceline.router.testing import Scripted, endpoint

from .asking import routed

KEYS = range(GROUPS)


def targets(count: int) -> tuple[Target, ...]:
    return tuple(routed([endpoint(f"e{number}", Scripted()) for number in range(count)], []).fleet)


def test_two_routers_work_out_the_same() -> None:
    one, other = targets(8), targets(8)
    for key in range(100):
        assert [t.name for t in Rendezvous().order(one, key)] == [t.name for t in Rendezvous().order(other, key)]


@pytest.mark.parametrize("count", [2, 5, 10])
def test_keys_are_shared_out_evenly(count: int) -> None:
    fleet = targets(count)
    rendezvous = Rendezvous()
    first = Counter(rendezvous.order(fleet, key)[0] for key in KEYS)
    assert all(abs(first[target] * count / GROUPS - 1.0) < 0.1 for target in fleet)


def test_of_one_that_goes_the_keys_go_to_all_others_and_no_other_key_moves() -> None:
    fleet = targets(5)
    gone, left = fleet[2], fleet[:2] + fleet[3:]
    heirs: Counter[Target] = Counter()
    for key in KEYS:
        before, after = in_order(fleet, key), in_order(left, key)
        assert after == [target for target in before if target is not gone]
        if before[0] is gone:
            heirs[after[0]] += 1
    assert all(abs(heirs[target] / sum(heirs.values()) - 0.25) < 0.05 for target in left)


def test_of_a_large_fleet_the_first_are_kept_and_who_may_use_none_of_them_is_served_too() -> None:
    fleet = targets(100)
    rendezvous = Rendezvous()
    first = rendezvous.order(fleet, 7)
    last = in_order(fleet, 7)[-3:]
    assert list(first) == in_order(fleet, 7)[:FIRST]
    assert list(rendezvous.order(tuple(last), 7)) == last
    assert rendezvous.order((first[20], *last), 7) == first


def test_keys_of_one_group_are_alike() -> None:
    fleet = targets(5)
    rendezvous = Rendezvous()
    assert rendezvous.order(fleet, 3) is rendezvous.order(fleet, 3 + GROUPS)
