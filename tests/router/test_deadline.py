"""One deadline for all that a call does. With endpoints that never answer, its error comes at exactly that instant.

Waiting, backoff, attempts, retries and fallbacks all spend the same time, whatever the stack, and each layer may only
tighten what the layers inside it see.
"""

import asyncio
import random
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenacity import stop_after_attempt

from paceline.policies import Fallback, LatencyBudget, Otherwise, Regions, Retry, Slots
from paceline.router import Call, Emit, Handler, Limits, Policy, Profile, Request, Route, Router
from paceline.router.errors import (
    CallError,
    DeadlineExceeded,
    DeadlineInsufficient,
    EveryModelFailed,
    Overloaded,
    ProviderError,
)
from paceline.router.testing import SILENT, Script, Scripted, endpoint, fails, run, virtual_clock

from .stack import Ear, nothing_is_held

BEGINS_S = 0.5
QUARTERS = st.integers(1, 24).map(lambda quarters: quarters / 4)
NO_LIMITS = Limits(first_token_s=None, gap_s=None)


class Until:
    """Somebody's own, nearer deadline: an absolute instant, as a nested scope would have."""

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(deadline_s=self.at_s), emit)


class Probe:
    """Notes, for every call that passes, what it may take; and tries to take more."""

    def __init__(self, place: int, seen: list[tuple[int, float, float]]) -> None:
        self.place = place
        self.seen = seen

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self.seen.append((self.place, call.deadline_s, call.start_by_s))
        await next(call.with_(deadline_s=call.deadline_s + 60.0, start_by_s=call.start_by_s + 60.0), emit)


@attrs.frozen
class Setting:
    """A stack, its endpoints, and how long a call may take."""

    layers: frozenset[int]
    start_within_s: float
    tries: int
    models: int
    copies: int
    slots: int | None
    taken: bool
    asked_s: float | None
    route_s: float | None
    router_s: float
    nested: tuple[tuple[int, float], ...]
    streamed: bool

    @property
    def budget_s(self) -> float:
        return self.asked_s or self.route_s or self.router_s

    @property
    def held(self) -> int:
        """Slots of each endpoint that somebody else has."""
        return self.slots if self.taken and self.slots else 0

    @property
    def ends_s(self) -> float:
        return min([BEGINS_S + self.budget_s, *(BEGINS_S + after_s for _, after_s in self.nested)])

    def policies(self, seen: list[tuple[int, float, float]]) -> list[Policy]:
        stack: list[Policy] = [
            Fallback(start_within_s=self.start_within_s),
            Retry(stop=stop_after_attempt(self.tries)),
            Regions(),
            LatencyBudget(),
            Slots(max_wait_s=100.0),
        ]
        made: list[Policy] = []
        for place in range(len(stack) + 1):
            made += [Until(BEGINS_S + after_s) for where, after_s in self.nested if where == place]
            made.append(Probe(place, seen))
            made += [stack[place]] if place in self.layers else []
        return made

    def router(self, script: Script, seen: list[tuple[int, float, float]], limits: Limits = NO_LIMITS) -> Router:
        provider = Scripted(script)
        models = tuple(f"m{number}" for number in range(self.models))
        endpoints = [
            endpoint(f"{model}-{copy}", provider, model=model, slots=self.slots, limits=limits)
            for model in models
            for copy in range(self.copies)
        ]
        route = Route(name="chat", models=models, budget_s=self.route_s)
        return Router(
            endpoints, [route], self.policies(seen), budget_s=self.router_s, clock=virtual_clock, dice=random.Random(1)
        )

    async def ask(self, router: Router) -> None:
        request = Request(messages="hello", budget_s=self.asked_s)
        if self.streamed:
            await router.send(request, Ear())
        else:
            await router.complete(request)


SETTINGS = st.builds(
    Setting,
    layers=st.frozensets(st.integers(0, 4)),
    start_within_s=QUARTERS,
    tries=st.integers(1, 4),
    models=st.integers(1, 3),
    copies=st.integers(1, 3),
    slots=st.none() | st.integers(1, 2),
    taken=st.booleans(),
    asked_s=st.none() | QUARTERS,
    route_s=st.none() | QUARTERS,
    router_s=QUARTERS,
    nested=st.lists(st.tuples(st.integers(0, 4), QUARTERS), max_size=3).map(tuple),  # within Slots it ends no queue
    streamed=st.booleans(),
)


async def outcome(
    setting: Setting, script: Script, seen: list[tuple[int, float, float]], limits: Limits = NO_LIMITS
) -> tuple[CallError, float]:
    """The error of a call that began at 0.5 s, and when it came."""
    await asyncio.sleep(BEGINS_S)
    async with setting.router(script, seen, limits) as router:
        leases = [
            target.slots.acquire_over_limit()
            for target in router.fleet
            for _ in range(setting.slots or 0)
            if setting.taken
        ]
        with pytest.raises(CallError) as caught:
            await setting.ask(router)
        ended_s = virtual_clock()
        for lease in leases:
            lease.release()
        assert nothing_is_held(router)
        return caught.value, ended_s


@settings(max_examples=1000)
@given(SETTINGS)
def test_where_nobody_answers_the_error_comes_at_the_deadline_whatever_the_stack(setting: Setting) -> None:
    async def main() -> None:
        error, ended_s = await outcome(setting, SILENT, [])

        assert ended_s == setting.ends_s
        assert isinstance(error, DeadlineExceeded | Overloaded | EveryModelFailed)

    run(main)


@settings(max_examples=200)
@given(SETTINGS, QUARTERS, st.sampled_from([SILENT, fails(0.25, ProviderError), fails(0.0, ProviderError)]))
def test_where_endpoints_fail_or_are_limited_the_error_never_comes_after_the_deadline(
    setting: Setting, first_token_s: float, script: Script
) -> None:
    async def main() -> None:
        _, ended_s = await outcome(setting, script, [], Limits(first_token_s=first_token_s, gap_s=None))

        assert ended_s <= setting.ends_s

    run(main)


@settings(max_examples=200)
@given(SETTINGS)
def test_what_a_layer_may_take_never_grows_on_the_way_in(setting: Setting) -> None:
    async def main() -> None:
        seen: list[tuple[int, float, float]] = []
        await outcome(setting, SILENT, seen)

        assert seen[0][0] == 0
        assert inwards(seen)
        assert all(start_by_s <= deadline_s <= BEGINS_S + setting.budget_s for _, deadline_s, start_by_s in seen)

    run(main)


def inwards(seen: Sequence[tuple[int, float, float]]) -> bool:
    """Whether each layer was given at most what the one around it had."""
    around: dict[int, tuple[float, float]] = {}
    for place, deadline_s, start_by_s in seen:
        outer = around.get(place - 1, (deadline_s, start_by_s))
        if deadline_s > outer[0] or start_by_s > outer[1]:
            return False
        around[place] = (deadline_s, start_by_s)
    return True


PLAIN = Setting(
    layers=frozenset[int](),
    start_within_s=1.0,
    tries=3,
    models=2,
    copies=2,
    slots=None,
    taken=False,
    asked_s=4.0,
    route_s=None,
    router_s=60.0,
    nested=(),
    streamed=False,
)


@pytest.mark.parametrize("layers", [(), (0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4)], ids=str)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_behind_each_layer_in_turn_the_error_comes_at_the_deadline(layers: tuple[int, ...], streamed: object) -> None:
    async def main() -> None:
        setting = attrs.evolve(PLAIN, layers=frozenset(layers), streamed=bool(streamed))

        _, ended_s = await outcome(setting, SILENT, [])

        assert ended_s == BEGINS_S + 4.0

    run(main)


def test_where_it_is_known_that_there_is_no_time_nothing_is_begun() -> None:
    async def main() -> None:
        provider = Scripted()
        slow = endpoint("slow", provider, profile=Profile(ttft_s=8.0))
        async with Router([slow], (), [LatencyBudget(otherwise=Otherwise.REFUSE)], clock=virtual_clock) as router:
            with pytest.raises(
                DeadlineInsufficient, match=r"no endpoint has a chance of 90% to answer within 2\.000 s"
            ):
                await router.complete(Request(messages="hello", model="m", budget_s=2.0))

        assert (provider.calls, virtual_clock()) == (0, 0.0)

    run(main)
