"""The assertion: a policy, put through every scene."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, cast

from ...errors import NotAPolicy
from ...pipeline import check_policy, name_of
from .invariant import Breach, Invariant, Unsound
from .scenes import SCENES, Scene
from .stage import Cancel, Run, played

if TYPE_CHECKING:
    from ...pipeline import Policy

FEW_WAITS = 4
"""A call that waits more seldom may run in other tasks, whose waits are not its own."""

EIGHTHS = (3, 7)
"""Of the time it takes, at which such a call is cancelled as well."""


def alone(policy: Policy) -> list[Policy]:
    """The stack of one."""
    return [policy]


def assert_policy_sound(
    policy: Callable[[], Policy] | Policy,
    *,
    stack: Callable[[Policy], Sequence[Policy]] = alone,
    but: Collection[Invariant] = (),
    scenes: Sequence[Scene] = SCENES,
) -> int:
    """Put a policy through answers, failures, silences, broken streams and full endpoints, and cancel it everywhere.

    The endpoints are called ``near`` and ``other`` (of the first model), ``lesser`` (of the second), and ``beside``,
    where no call goes by itself.

    policy: its class, or whatever makes one: each run has a fresh one. An object is used in every run, so it must not
        remember; use a function, ``lambda: MyPolicy(share=0.5)``, for options.
    stack: what it stands in, ``lambda policy: [Retry(), policy, Slots()]``. Default: nothing else. Each run calls it.
    but: invariants that this policy is made to break, and says so. Default: none.
    scenes: what it is put through. Default: all there are.

    Everything is played in virtual time with seeded dice, so a failure comes again. Takes a second or
    two. Gives the number of runs.

    Raises:
        Unsound: an AssertionError that says which invariant was broken, in which scene, what was seen, how to mend it.
        NotAPolicy: it is none.
    """
    make = _maker(policy)
    is_fresh = make() is not policy
    runs = 0
    plain: list[tuple[Scene, Run]] = []
    for scene in scenes:
        one, other = (_tried(make, stack, scene, Cancel(), but) for _ in range(2))
        if is_fresh and Invariant.ONE_SEED not in but:
            _hold_together(name_of(make()), scene, one, other)
        plain.append((scene, one))
        runs += 2
    for scene, run in plain:
        cancels = [Cancel(wait=wait) for wait in range(1, run.waits + 1)]
        if run.waits < FEW_WAITS:
            cancels += [Cancel(at_s=eighths * run.lasted_s / 8) for eighths in EIGHTHS]
        for cancel in cancels:
            _tried(make, stack, scene, cancel, but)
        runs += len(cancels)
    return runs


def _maker(policy: Callable[[], Policy] | Policy) -> Callable[[], Policy]:
    try:
        check_policy(policy)
    except NotAPolicy:
        if not callable(policy):
            raise
        make = cast("Callable[[], Policy]", policy)
        check_policy(make())
        return make
    found = cast("Policy", policy)
    return lambda: found


def _tried(
    make: Callable[[], Policy],
    stack: Callable[[Policy], Sequence[Policy]],
    scene: Scene,
    cancel: Cancel,
    but: Collection[Invariant],
) -> Run:
    policy = make()
    run = played(policy, stack, scene, cancel)
    breaches = [breach for breach in run.breaches if breach.invariant not in but]
    if breaches:
        raise Unsound(name_of(policy), f"{scene}{cancel}", breaches)
    return run


def _hold_together(name: str, scene: Scene, one: Run, other: Run) -> None:
    for first, second in zip(one.record, other.record, strict=False):
        if first != second:
            seen = f"two runs with one seed differ, in one '{first}' and in the other '{second}'"
            raise Unsound(name, str(scene), [Breach(Invariant.ONE_SEED, seen)])
