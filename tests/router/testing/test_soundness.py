"""`assert_policy_sound`: what is sound passes, and what is broken is told what it breaks, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from paceline.router.errors import NotAPolicy
from paceline.router.testing import SCENES, Breach, Invariant, Place, Scene, Unsound, answers, assert_policy_sound
from paceline.router.testing.soundness.invariant import MENDS

from . import broken

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler, Policy

BROKEN = [
    (broken.SwallowsCancellation, Invariant.CANCELLATION),
    (broken.TriesAgainWhenCancelled, Invariant.CANCELLATION),
    (broken.DawdlesWhenCancelled, Invariant.CANCELLATION),
    (broken.CancelsItself, Invariant.CANCELLATION),
    (broken.LeaksASlot, Invariant.NOTHING_LEFT),
    (broken.LeaksAPermit, Invariant.NOTHING_LEFT),
    (broken.LeavesATask, Invariant.NOTHING_LEFT),
    (broken.RepeatsAfterCommit, Invariant.COMMIT),
    (broken.AsksTwice, Invariant.COMMIT),
    (broken.TriesForNothing, Invariant.PAID),
    (broken.OutlivesTheDeadline, Invariant.DEADLINE),
    (broken.WaitsForEver, Invariant.DEADLINE),
    (broken.MovesTheDeadline, Invariant.DEADLINE),
    (broken.EditsTheCall, Invariant.UNEDITED),
    (broken.TriesToEditTheCall, Invariant.UNEDITED),
    (broken.EditsTheRequest, Invariant.UNEDITED),
    (broken.ForgesACall, Invariant.SAME_CALL),
    (broken.LosesTheSlot, Invariant.SAME_CALL),
    (broken.BringsItsOwn, Invariant.SAME_CALL),
    (broken.RaisesAGroup, Invariant.ONE_ERROR),
    (broken.RaisesItsOwn, Invariant.ONE_ERROR),
    (broken.ReturnsEmptyHanded, Invariant.ANSWERED),
    (broken.NeverAsks, Invariant.ANSWERED),
    (broken.TalksTooLate, Invariant.EMIT),
    (broken.TalksOverItself, Invariant.EMIT),
    (broken.ThrowsItsOwnDice, Invariant.ONE_SEED),
]


class Plain:
    """Passes everything on."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)


@pytest.mark.parametrize(("policy", "invariant"), BROKEN, ids=lambda each: getattr(each, "__name__", ""))
def test_a_broken_policy_is_told_what_it_breaks_where_and_how_to_mend_it(
    policy: Callable[[], Policy], invariant: Invariant
) -> None:
    with pytest.raises(Unsound) as caught:
        assert_policy_sound(policy)

    unsound = caught.value
    assert unsound.policy == policy.__name__
    assert unsound.breaches[0].invariant is invariant
    told = str(unsound)
    assert told.startswith(f"{policy.__name__} is not sound. What must hold: {invariant.value}.")
    assert any(told.splitlines()[1].startswith(f"  scene: {scene}") for scene in SCENES)
    assert f"  mend:  {invariant.mend}." in told


def test_every_invariant_is_broken_by_somebody_here_and_can_be_mended() -> None:
    assert {invariant for _, invariant in BROKEN} == set(Invariant) == set(MENDS)


def test_a_policy_that_passes_everything_on_is_sound() -> None:
    assert assert_policy_sound(Plain) > len(SCENES)


def test_an_object_and_a_function_are_policies_too() -> None:
    async def function(call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)

    def made() -> Policy:
        return Plain()

    runs = {assert_policy_sound(policy, scenes=SCENES[:3]) for policy in (Plain, Plain(), function, made)}

    assert len(runs) == 1


def test_what_is_broken_on_purpose_can_be_allowed() -> None:
    assert assert_policy_sound(broken.TalksOverItself, but={Invariant.EMIT}, scenes=SCENES[:3]) > 0


def test_what_else_was_seen_in_that_run_is_told_too() -> None:
    with pytest.raises(
        Unsound, match="also:  the deadline is kept, and never moved: it passed on a deadline_s"
    ) as both:
        assert_policy_sound(broken.BreaksTwo)
    with pytest.raises(Unsound) as one:
        assert_policy_sound(broken.BreaksTwo, but={Invariant.UNEDITED})

    assert {breach.invariant for breach in both.value.breaches} == {Invariant.UNEDITED, Invariant.DEADLINE}
    assert {breach.invariant for breach in one.value.breaches} == {Invariant.DEADLINE}


def test_the_cancellation_of_a_scope_outside_has_to_pass_as_well() -> None:
    impatient = [scene for scene in SCENES if scene.place is Place.IMPATIENT]

    with pytest.raises(Unsound) as caught:
        assert_policy_sound(broken.SwallowsCancellation, scenes=impatient)

    assert "a scope outside of it was cancelled after 0.625 s, and it went on" in str(caught.value)


def test_a_policy_is_tried_in_the_stack_it_is_given() -> None:
    told: list[str] = []

    class Outer:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            told.append("asked")
            await next(call, emit)

    runs = assert_policy_sound(Plain, stack=lambda policy: [Outer(), policy], scenes=SCENES[:3])

    assert len(told) >= runs


def test_a_stack_without_the_policy_is_an_error_of_the_test() -> None:
    with pytest.raises(TypeError, match="does not hold the policy that is tested"):
        assert_policy_sound(Plain, stack=lambda _policy: [Plain()])


def test_scenes_of_ones_own_can_be_played() -> None:
    mine = Scene(told="a long answer", scripts=(answers(0.25, *"abcdef", gap_s=0.25),))

    with pytest.raises(Unsound) as caught:
        assert_policy_sound(broken.SwallowsCancellation, scenes=[mine])

    assert str(mine) == "a long answer; taken as it comes"
    assert caught.value.scene == "a long answer; taken as it comes; cancelled at its wait number 1"
    assert caught.value.breaches == (
        Breach(
            Invariant.CANCELLATION,
            "'next' was cancelled, and ProviderError came out in its place",
        ),
        Breach(
            Invariant.CANCELLATION,
            "the call was cancelled, and ended in ProviderError(the attempt was cut off)",
        ),
    )


@pytest.mark.parametrize("what", [5, object(), lambda: 5])
def test_what_is_no_policy_is_refused(what: object) -> None:
    with pytest.raises(NotAPolicy):
        assert_policy_sound(what)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
