"""`Budget`: exact to the last attempt, at any moment, for any order of events."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Budget, Extra, Permit
from paceline.router.errors import ConfigurationError

ANY_NUMBER = 1_000_000


def never_in_the_way(**given: object) -> Budget:
    """A budget whose rule of the attempts in flight allows everything."""
    return Budget(min_concurrent=ANY_NUMBER, **given)  # type: ignore[arg-type]


def pay(budget: Budget, calls: int, now_s: float = 0.0) -> None:
    for _ in range(calls):
        budget.arrived(now_s)
        budget.ended(now_s, answered=True)


def withdrawn(budget: Budget, kind: Extra, now_s: float = 0.0) -> int:
    """How many can be had."""
    count = 0
    while budget.withdraw(kind, now_s) is not None:
        count += 1
    return count


@pytest.mark.parametrize(
    ("ratio", "allowed"),
    [(0.1, 10), (0.2, 20), (0.3, 30), (0.6, 60), (0.75, 75), (1.5, 150), (Fraction(1, 3), 33), (0, 0)],
)
@pytest.mark.parametrize("kind", Extra)
def test_a_hundred_calls_allow_the_ratio_of_them_exactly(ratio: float | Fraction, allowed: int, kind: Extra) -> None:
    budget = never_in_the_way(ratio=ratio, reserve=0, caps={})
    pay(budget, 100)

    assert withdrawn(budget, kind) == allowed


def test_the_reserve_serves_those_who_make_few_calls() -> None:
    assert withdrawn(Budget(), Extra.FALLBACK, 5.0) == 10


def test_it_shows_what_is_left_of_its_allowance() -> None:
    budget = never_in_the_way()
    pay(budget, 100)
    for kind in (Extra.RETRY, Extra.RETRY, Extra.HEDGE):
        budget.withdraw(kind, 0.0)

    assert [budget.allowance(kind, 0.0) for kind in Extra] == [20] * len(Extra)
    assert {kind: budget.left(kind, 0.0) for kind in Extra} == {
        Extra.RETRY: 17,
        Extra.HEDGE: 11,
        Extra.FALLBACK: 17,
        Extra.RESUMPTION: 17,
    }


def test_nothing_is_left_when_the_calls_that_paid_are_forgotten() -> None:
    budget = never_in_the_way(reserve=0)
    pay(budget, 100, now_s=0.5)
    assert withdrawn(budget, Extra.RETRY, 9.5) == 10

    assert budget.left(Extra.RETRY, 10.0) == 0


def test_the_kinds_draw_on_one_allowance() -> None:
    budget = never_in_the_way(reserve=2 * len(Extra))

    for kind in [*Extra] * 2:
        assert budget.withdraw(kind, 0.0) is not None

    assert not any(budget.can(kind, 0.0) for kind in Extra)


def test_calls_that_fail_pay_for_hedges_but_not_for_what_mends_failures() -> None:
    budget = never_in_the_way(reserve=0, caps={})
    for _ in range(100):
        budget.arrived(0.0)

    assert [budget.can(kind, 0.0) for kind in (Extra.RETRY, Extra.FALLBACK, Extra.HEDGE)] == [False, False, True]


@pytest.mark.parametrize(("cap", "allowed"), [(0.5, 10), (0.25, 5), (0.24, 4), (0, 0), (1, 20), (2, 20)])
def test_a_kind_may_be_kept_to_a_share_of_the_allowance(cap: float, allowed: int) -> None:
    budget = never_in_the_way(caps={Extra.HEDGE: cap})
    pay(budget, 100)

    assert withdrawn(budget, Extra.HEDGE) == allowed
    assert withdrawn(budget, Extra.RETRY) == 20 - allowed, "what is refused takes nothing from the others"


def test_what_the_whole_refuses_takes_nothing_from_a_kind() -> None:
    budget = never_in_the_way(reserve=4)
    permits = [budget.withdraw(Extra.RETRY, 0.0) for _ in range(4)]
    assert budget.withdraw(Extra.HEDGE, 0.0) is None

    for permit in permits:
        assert permit is not None
        permit.release()

    assert withdrawn(budget, Extra.HEDGE) == 2


@pytest.mark.parametrize(("calls", "allowed"), [(0, 3), (15, 3), (19, 3), (20, 4), (100, 20)])
def test_a_share_of_the_calls_in_flight_may_be_extra(calls: int, allowed: int) -> None:
    budget = Budget(reserve=ANY_NUMBER, min_concurrent=3)
    for _ in range(calls):
        budget.arrived(0.0)

    assert withdrawn(budget, Extra.RETRY) == allowed
    assert budget.in_flight == allowed


def test_a_call_that_is_over_is_no_longer_in_flight() -> None:
    budget = Budget(reserve=ANY_NUMBER, min_concurrent=3)
    for _ in range(100):
        budget.arrived(0.0)
    for _ in range(80):
        budget.ended(0.0, answered=False)

    assert withdrawn(budget, Extra.RETRY) == 4


def test_an_extra_attempt_that_has_ended_makes_room_for_another() -> None:
    budget = Budget(min_concurrent=1)
    first = budget.withdraw(Extra.RETRY, 0.0)
    assert first is not None
    assert not budget.can(Extra.RETRY, 0.0)

    with first:
        first.spend()

    assert (budget.in_flight, budget.can(Extra.RETRY, 0.0)) == (0, True)


def test_a_permit_is_given_back_once_and_only_unspent() -> None:
    budget = never_in_the_way(reserve=2)
    spent, unspent = budget.withdraw(Extra.RETRY, 0.0), budget.withdraw(Extra.RETRY, 0.0)
    assert spent is not None
    assert unspent is not None
    spent.spend()

    for permit in (spent, unspent) * 3:
        permit.release()

    assert budget.in_flight == 0
    assert withdrawn(budget, Extra.RETRY) == 1


def test_a_permit_that_was_released_pays_for_nothing_more() -> None:
    permit = Budget().withdraw(Extra.RETRY, 0.0)
    assert permit is not None

    permit.release()

    assert permit.spent


def test_calls_and_extra_attempts_are_forgotten_after_ten_seconds() -> None:
    budget = never_in_the_way()
    pay(budget, 100, now_s=0.25)
    assert withdrawn(budget, Extra.RETRY, 0.5) == 20

    assert not budget.can(Extra.RETRY, 10.5), "calls are forgotten no later than they should be, attempts no sooner"
    assert withdrawn(budget, Extra.RETRY, 11.0) == 10


events = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "answer", "withdraw", "withdraw", "spend", "give back"]),
        st.sampled_from(Extra),
        st.integers(0, 24),
    ),
    max_size=80,
)
"""What happens, to which kind, after so many eighths of a second."""


@given(events, st.sampled_from([0.1, 0.3, 0.75, 1.5]), st.integers(0, 3))
def test_no_ten_seconds_hold_more_than_the_rule_allows(
    events: list[tuple[str, Extra, int]], ratio: float, reserve: int
) -> None:
    """The oracle keeps every instant: no grid, no forgetting, whole fractions."""
    budget, now_s = never_in_the_way(ratio=ratio, reserve=reserve, caps={}), 100.0
    arrived, answered, open_permits = list[float](), list[float](), list[tuple[float, Permit]]()
    spent = list[float]()

    def alive(instants: list[float]) -> int:
        return sum(instant > now_s - 10.0 for instant in instants)

    for what, kind, eighths in events:
        now_s += eighths / 8
        if what == "arrive":
            budget.arrived(now_s)
            arrived.append(now_s)
        elif what == "answer":
            budget.ended(now_s, answered=True)
            answered.append(now_s)
        elif what == "withdraw":
            permit = budget.withdraw(kind, now_s)
            if permit is not None:
                paid = alive(arrived if kind is Extra.HEDGE else answered)
                spent.append(now_s)
                assert alive(spent) <= reserve + int(Fraction(str(ratio)) * paid)
                open_permits.append((now_s, permit))
        elif open_permits:
            at_s, permit = open_permits.pop(0)
            if what == "spend":
                permit.spend()
            else:
                spent.remove(at_s)
            permit.release()
        assert budget.in_flight == len(open_permits)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(0, 3))
def test_over_any_time_the_extra_attempts_stay_within_the_ratio_and_a_reserve_for_each_window(
    gaps: list[int], reserve: int
) -> None:
    """Greedy: after every call, all that can be had is taken."""
    budget, now_s, taken = never_in_the_way(ratio=0.3, reserve=reserve), 0.0, 0
    for eighths in gaps:
        now_s += eighths / 8
        pay(budget, 1, now_s)
        taken += withdrawn(budget, Extra.RETRY, now_s)

    windows = int(now_s // 10.0) + 1
    assert taken <= Fraction("0.3") * len(gaps) + reserve * windows


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratio": -0.1}, {"ratio": float("nan")}, {"ratio": float("inf")}, {"ratio": "much"}, {"ratio": True},
        {"ratio": "1/0"}, {"ttl_s": 0.0}, {"reserve": -1}, {"reserve": 1.5}, {"in_flight_share": -1},
        {"min_concurrent": -1}, {"caps": {"hedge": 0.5}}, {"caps": {Extra.HEDGE: -0.5}},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_a_budget_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=f"Budget: {next(iter(wrong))} must be"):
        Budget(**wrong)  # type: ignore[arg-type]


def test_its_repr_tells_its_two_rules() -> None:
    assert repr(Budget()) == (
        "Budget(10 + 0.1 a call in 10 s, hedge at most 0.6 of it; 10 in flight, or 0.2 a call in flight)"
    )
