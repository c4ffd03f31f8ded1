"""The proof of `router.reach`: no policy can lead a bound call out of its regions, whatever it does to its view of it.

What counts is counted at the very end, where an endpoint is called.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Fallback, LatencyBudget, Regions, Retry, Slots
from paceline.router import Route
from paceline.router.errors import CallError, PolicyFailed, ProviderError, ResidencyUnmet
from paceline.router.testing import SILENT, Script, Scripted, answers, endpoint, fails, run

from .asking import hello, routed, whole
from .hostile import (
    ALL,
    Forges,
    Hostile,
    Insists,
    Repeats,
    Reroutes,
    SaysItKeeps,
    Swaps,
    Widens,
    WidensABit,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from paceline.router import Call, Emit, Handler, Policy, Request, Router

BOUND = Route(name="bound", models=("best", "fast"), residency={"eu", "uk"})
FREE = Route(name="free", models=("best", "fast"))
PLACES = ("eu", "uk", "us", "asia")
FATES = st.sampled_from([answers(0.0), answers(0.25), SILENT, fails(0.0, ProviderError), fails(0.25, ProviderError)])


class World:
    """An endpoint for each model in each place, and a stack whose hostile policies know all of them."""

    def __init__(self, policies: Sequence[Policy], *fates: Script) -> None:
        scripts = fates or (answers(0.0),)
        self.providers = {f"{model} {place}": Scripted(*scripts) for model in ("best", "fast") for place in PLACES}
        self._policies = policies

    def opened(self) -> Router:
        endpoints = [
            endpoint(name, provider, model=name.split()[0], region=name.split()[1], slots=1)
            for name, provider in self.providers.items()
        ]
        router = routed(endpoints, self._policies, [BOUND, FREE])
        for policy in self._policies:
            if isinstance(policy, Hostile):
                policy.everywhere = tuple(router.fleet)
        return router

    @property
    def called(self) -> set[str]:
        """Places in which an endpoint was called."""
        return {name.split()[1] for name, provider in self.providers.items() if provider.calls}


def asked(world: World, request: Request, times: int = 1) -> CallError | None:
    """Ask one time after another; the error the last ended in, None if it was answered."""

    async def main() -> CallError | None:
        ended: CallError | None = None
        async with world.opened() as router:
            for _ in range(times):
                try:
                    await whole(router, request)
                    ended = None
                except CallError as error:
                    ended = error
        return ended

    return run(main)


@pytest.mark.parametrize("place", [0, 1], ids=["outside_regions", "inside_regions"])
@pytest.mark.parametrize("kind", ALL)
def test_a_bound_call_never_leaves_its_regions(kind: type[Hostile], place: int) -> None:
    policies: list[Policy] = [Regions()]
    policies.insert(place, kind())
    world = World(policies)

    asked(world, hello(route="bound", budget_s=8.0), times=3)

    assert world.called <= {"eu", "uk"}


@pytest.mark.parametrize("kind", [Swaps, Widens, Reroutes, Insists, Repeats, SaysItKeeps])
def test_these_policies_do_lead_a_free_call_away(kind: type[Hostile]) -> None:
    world = World([Regions(), kind()])

    asked(world, hello(route="free", budget_s=8.0))

    assert world.called & {"us", "asia"}


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        (Swaps, ResidencyUnmet, "best us is in us, but this call may only use eu, uk"),
        (SaysItKeeps, ResidencyUnmet, "best us is in us, but this call may only use eu, uk"),
        (Widens, PolicyFailed, "a policy altered the regions that the call may use"),
        (WidensABit, PolicyFailed, "a policy altered the regions that the call may use"),
        (Reroutes, PolicyFailed, "a policy altered the regions that the call may use"),
        (Forges, PolicyFailed, "a policy sent on a call that is over, or that this router never admitted"),
    ],
)
def test_the_error_tells_what_was_tried(kind: type[Hostile], error: type[CallError], says: str) -> None:
    world = World([Regions(), kind()])

    ended = asked(world, hello(route="bound"))

    assert isinstance(ended, error)
    assert says in str(ended)
    assert world.called == set()


def test_a_request_is_kept_in_its_own_regions_as_well() -> None:
    world = World([Regions(), Insists()])

    ended = asked(world, hello(route="bound", residency={"uk", "us"}))

    assert (ended, world.called) == (None, {"uk"})


def test_a_call_goes_to_no_endpoint_that_does_not_serve_its_route() -> None:
    world = World([Regions(), Swaps()])

    ended = asked(world, hello(model="fast"))

    assert isinstance(ended, PolicyFailed)
    assert "a policy sent the call to best us, which does not serve route 'fast'" in str(ended)
    assert world.called == set()


class KeepsTheWay:
    """Keeps what it was given, to send the call once more when it is over."""

    def __init__(self) -> None:
        self.again: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call, emit)
        self.again = lambda: next(call, emit)


def test_a_call_that_is_over_reaches_nothing_any_more() -> None:
    keeps = KeepsTheWay()
    world = World([Regions(), keeps])

    async def main() -> int:
        async with world.opened() as router:
            await whole(router, hello(route="free"))
            assert keeps.again is not None
            with pytest.raises(PolicyFailed, match="a call that is over"):
                await keeps.again()
        return sum(provider.calls for provider in world.providers.values())

    assert run(main) == 1


@st.composite
def stacks(draw: st.DrawFn) -> list[Policy]:
    """Our policies in their order, any of them left out but `Regions`, with hostile ones in between, anywhere."""
    ours: list[Policy] = [Fallback(start_within_s=1.0), Retry(), Regions(), LatencyBudget(), Slots(max_wait_s=0.5)]
    stack = [policy for policy in ours if isinstance(policy, Regions) or draw(st.booleans())]
    for kind in draw(st.lists(st.sampled_from([kind for kind in ALL if kind is not SaysItKeeps]), max_size=3)):
        stack.insert(draw(st.integers(0, len(stack))), kind())
    return stack


@settings(max_examples=200)
@given(
    stack=stacks(),
    fates=st.lists(FATES, min_size=1, max_size=3),
    residencies=st.lists(st.none() | st.frozensets(st.sampled_from(PLACES), min_size=1), min_size=1, max_size=3),
)
def test_whatever_the_stack_no_bound_call_ever_leaves(
    stack: list[Policy], fates: list[Script], residencies: list[frozenset[str] | None]
) -> None:
    world = World(stack, *fates)

    async def one(router: Router, residency: frozenset[str] | None) -> None:
        with suppress(CallError):
            await whole(router, hello(route="bound", residency=residency, budget_s=4.0))

    async def main() -> None:
        async with world.opened() as router, anyio.create_task_group() as calls:
            for residency in residencies:
                calls.start_soon(one, router, residency)
                await anyio.sleep(0.125)

    run(main)
    allowed = {place for asked_for in residencies for place in (asked_for or PLACES)}
    assert world.called <= {"eu", "uk"} & allowed
