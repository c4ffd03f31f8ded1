"""Any fleet, any failures, any budget: one typed error or an answer, never late, and nothing left behind."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio
import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Fallback, LatencyBudget, Otherwise, Prefer, Regions, Retry, Slots
from paceline.router import Answer, Chunk, Objective, Outcome, Priority, Profile, Request, Route, Router
from paceline.router.errors import (
    AuthenticationFailed,
    BadRequest,
    ProviderError,
    ProviderOverloaded,
    RateLimited,
    StreamInterrupted,
)
from paceline.router.testing import SILENT, Cut, Fail, Say, Script, Scripted, answers, endpoint, run, virtual_clock

from .asking import Ask, Told, hello, in_pieces, told, whole

if TYPE_CHECKING:
    from paceline.router import Endpoint, Policy

TRIES = 3
MODELS = ("best", "fast")
REGIONS = ("eu", "us")

instants = st.integers(0, 32).map(lambda eighths: eighths / 8)
"""Seconds whose sums are exact, so that deadlines can be held to with ``<=``."""


class Sixty4ths(random.Random):
    """Dice that throw 64ths, so that what a wait adds to an instant is exact too."""

    def random(self) -> float:
        return self.getrandbits(6) / 64


@attrs.frozen
class Caller:
    """One call of a scenario: when it comes, how it asks, and when the caller loses patience."""

    arrives_s: float
    way: Ask
    request: Request
    leaves_after_s: float | None


def limited(retry_after_s: float) -> RateLimited:
    return RateLimited("as scripted", retry_after_s=retry_after_s)


faults = st.sampled_from([ProviderError, ProviderOverloaded, AuthenticationFailed, BadRequest, OSError]).map(
    lambda kind: lambda: kind("as scripted")
) | instants.map(lambda retry_after_s: lambda: limited(retry_after_s))


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """An answer, a silence, a failure, or the beginning of an answer and then one of these."""
    begins_s, lasts_s = draw(instants), draw(instants)
    begun = (Say(begins_s, Chunk(draw(st.sampled_from(["", "word"])))),) if draw(st.booleans()) else ()
    return draw(
        st.sampled_from(
            [
                answers(begins_s, "one", "two", gap_s=lasts_s),
                (*begun, *SILENT),
                (*begun, Cut(begins_s + lasts_s)),
                (*begun, Fail(begins_s + lasts_s, draw(faults))),
            ]
        )
    )


endpoints: st.SearchStrategy[tuple[Scripted, dict[str, object]]] = st.tuples(
    st.lists(scripts(), min_size=1, max_size=3).map(lambda some: Scripted(*some)),
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(MODELS),
            "region": st.sampled_from(REGIONS),
            "slots": st.sampled_from([None, 1, 2]),
            "queue": st.sampled_from([0, 1, 64]),
            "quality": st.integers(0, 1),
            "price_in_per_m": st.sampled_from([None, 1.0]),
            "price_out_per_m": st.sampled_from([None, 1.0]),
            "profile": st.none() | instants.filter(bool).map(lambda ttft_s: Profile(ttft_s=ttft_s)),
        }
    ),
)

callers = st.builds(
    Caller,
    arrives_s=instants,
    way=st.sampled_from([whole, in_pieces]),
    request=st.builds(
        hello,
        budget_s=instants.filter(bool),
        model=st.sampled_from([None, "best"]),
        residency=st.none() | st.frozensets(st.sampled_from(REGIONS), min_size=1),
        user=st.sampled_from([None, "ann"]),
        priority=st.sampled_from(Priority),
        min_quality=st.integers(0, 1),
        stream=st.booleans(),
    ),
    leaves_after_s=st.none() | instants,
)


@st.composite
def stacks(draw: st.DrawFn) -> list[Policy]:
    """All five policies."""
    return [
        Fallback(start_within_s=draw(instants.filter(bool))),
        Retry(),
        Regions(here="eu", rtt_s={("eu", "us"): 0.08}),
        LatencyBudget(prefer=draw(st.sampled_from(Prefer)), otherwise=draw(st.sampled_from(Otherwise))),
        Slots(max_wait_s=draw(instants)),
    ]


def it_is_in_order(caller: Caller, end: Told) -> None:
    """One call has ended as a call may end."""
    assert end.at_s <= caller.arrives_s + (caller.request.budget_s or 0.0)
    attempts = end.given.attempts
    assert len(attempts) <= len(MODELS) * TRIES
    assert all(attempt.finished_s is not None and attempt.finished_s <= end.at_s for attempt in attempts)
    answered = [attempt for attempt in attempts if attempt.outcome is Outcome.OK]
    assert len(answered) == isinstance(end.given, Answer)
    if caller.way is in_pieces:
        assert all(attempt.first_progress_s is None for attempt in attempts[:-1])
    if isinstance(end.given, Answer):
        assert end.given.text in {"ok", "onetwo"}
    if isinstance(end.given, StreamInterrupted):
        assert caller.way is in_pieces


@settings(max_examples=300)
@given(
    fleet=st.lists(endpoints, max_size=4),
    policies=stacks(),
    arrivals=st.lists(callers, min_size=1, max_size=5),
    seed=st.integers(0, 9),
)
def test_every_call_ends_in_time_with_one_answer_or_one_error_and_leaves_nothing(
    fleet: list[tuple[Scripted, dict[str, object]]], policies: list[Policy], arrivals: list[Caller], seed: int
) -> None:
    named: list[Endpoint] = [endpoint(model, Scripted(answers(1.0)), model=model, slots=1) for model in MODELS]
    named += [endpoint(str(number), provider, **fields) for number, (provider, fields) in enumerate(fleet)]
    route = Route(name="chat", models=MODELS, objective=Objective(ttft_s=1.0, total_s=4.0))

    async def one(router: Router, caller: Caller) -> None:
        await anyio.sleep(caller.arrives_s)
        with anyio.move_on_after(caller.leaves_after_s):
            end = await told(caller.way, router, caller.request)
            it_is_in_order(caller, end)

    async def main() -> Router:
        async with (
            Router(named, [route], policies, clock=virtual_clock, dice=Sixty4ths(seed)) as router,
            anyio.create_task_group() as group,
        ):
            for caller in arrivals:
                group.start_soon(one, router, caller)
        return router

    router = run(main)
    assert [provider.live for provider, _ in fleet] == [0] * len(fleet)
    assert all((target.in_flight, target.slots.waiting) == (0, 0) for target in router.fleet)
