"""`Call`: a view that can only be narrowed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.router import Call, Ledger, Operation, Request, Route, WindowShape
from paceline.router.budget import Budget
from paceline.router.events import Listeners
from paceline.router.fleet import allowed_tokens
from paceline.router.legs import Legs
from paceline.router.statistics.lengths import Lengths
from paceline.router.testing import Scripted, endpoint
from paceline.router.timers import Timers

from .stack import routed

ROUTER = routed(*(endpoint(name, Scripted()) for name in "abc"))
TARGETS = tuple(ROUTER.fleet)
SECONDS = st.none() | st.floats(0.0, 100.0)


def call_of(*, deadline_s: float = 50.0, start_by_s: float = 50.0) -> Call:
    return Call(
        request=Request(messages="hello"),
        route=Route(name="chat", models=("m",)),
        deadline_s=deadline_s,
        start_by_s=start_by_s,
        lengths=Lengths(WindowShape()),
        candidates=TARGETS,
        prompt_tokens=1,
        size=0,
        max_tokens=None,
        tied=2,
        residency=None,
        ledger=Ledger(0.0, streamed=False),
        budget=Budget(),
        legs=Legs(),
        timers=Timers(lambda: 0.0),
        mirrors=None,
        listeners=Listeners(()),
        clock=lambda: 1.5,
        dice=random.Random(1),
    )


@given(st.lists(st.tuples(SECONDS, SECONDS), max_size=5))
def test_limits_in_time_never_grow_and_the_start_stays_before_the_end(
    steps: list[tuple[float | None, float | None]],
) -> None:
    call = call_of(deadline_s=50.0, start_by_s=40.0)

    for deadline_s, start_by_s in steps:
        narrower = call.with_(deadline_s=deadline_s, start_by_s=start_by_s)
        assert narrower.deadline_s <= call.deadline_s
        assert narrower.start_by_s <= min(call.start_by_s, narrower.deadline_s)
        call = narrower


def test_what_is_left_out_stays() -> None:
    call = call_of()

    same = call.with_()

    assert same is not call
    for field in call.__struct_fields__:
        assert getattr(same, field) is getattr(call, field), field


def test_a_selection_of_candidates_is_tied_unless_told_otherwise() -> None:
    call = call_of()

    assert call.with_(candidates=TARGETS[1:]).tied == 2
    assert call.with_(candidates=TARGETS[:1]).tied == 1
    assert call.with_(candidates=TARGETS, tied=1).tied == 1
    assert call.with_(tied=1).candidates == TARGETS
    assert call.with_(candidates=()).candidates == ()


def test_a_lease_and_an_attempt_are_kept_by_views_made_later() -> None:
    lease = TARGETS[0].slots.acquire_over_limit()
    call = call_of()
    attempt = call.ledger.begin(TARGETS[0].endpoint, 0.0, streamed=True)

    view = call.with_(lease=lease, attempt=attempt).with_(candidates=TARGETS[:1])

    assert view.lease is lease
    assert view.attempt is attempt
    assert call.lease is call.attempt is None


def test_it_cannot_be_edited_in_place() -> None:
    with pytest.raises(AttributeError):
        call_of().deadline_s = 1e9  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_its_target_is_its_first_candidate() -> None:
    assert call_of().target is TARGETS[0]


@pytest.mark.parametrize(
    ("asked", "routes", "cap"), [(None, None, None), (10, None, 10), (None, 20, 20), (10, 20, 10), (30, 20, 20)]
)
def test_the_cap_of_its_answer_is_the_lesser_of_the_requests_and_the_routes(
    asked: int | None, routes: int | None, cap: int | None
) -> None:
    request = Request(messages="hello", max_tokens=asked)

    assert allowed_tokens(request, Route(name="chat", models=("m",), max_tokens=routes)) == cap


def test_an_embedding_has_no_tokens_to_be_capped() -> None:
    request = Request(operation=Operation.EMBEDDING, prompt="hello")

    assert allowed_tokens(request, Route(name="chat", models=("m",), max_tokens=20)) is None


def test_views_share_one_ledger_and_note_the_time() -> None:
    call = call_of()

    call.with_(candidates=()).note("Me", "dropped %d of %s", 3, "all")

    decision = call.ledger.decisions[0]
    assert (decision.at_s, decision.by, decision.reason) == (1.5, "Me", "dropped 3 of all")
    assert str(decision) == "Me: dropped 3 of all"
