"""Any fleet of one to eight, any failures: nobody is left without a candidate, and the limits hold (I13, I20, I21)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Breaker, LatencyBudget, Retry, RoundRobin, Slots
from paceline.router import EndpointEjected, Event, Panic, Router
from paceline.router.errors import AuthenticationFailed, ConnectFailed, ProviderError, RateLimited
from paceline.router.health.ejection import most_out
from paceline.router.testing import SILENT, Script, Scripted, answers, endpoint, fails, run, virtual_clock

from .asking import hello, told, whole

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler, Policy, Target

SECONDS = 40

OUR_OWN_CONCLUSIONS = {"failures_in_a_row", "success_ratio"}


def limited(retry_after_s: float | None) -> Callable[[], RateLimited]:
    return lambda: RateLimited("as scripted", retry_after_s=retry_after_s)


failures = st.one_of(
    st.sampled_from([ProviderError, ConnectFailed, AuthenticationFailed]).map(lambda kind: fails(0.0, kind)),
    st.sampled_from([None, 0.5, 8.0, 40.0]).map(lambda retry_after_s: fails(0.125, limited(retry_after_s))),
)
scripts: st.SearchStrategy[list[Script]] = st.lists(
    st.one_of(st.just(answers(0.25)), failures, st.just(SILENT)), min_size=1, max_size=4
)


class Judge:
    """Stands inside a `Breaker`, and holds what it lets through against what may be."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.fleet: list[Target] = []
        self.went_over = False
        self.outer: dict[int, Call] = {}
        self.panics: list[Panic] = []
        self.passed = 0

    def around(self, breaker: Breaker) -> list[Policy]:
        """The breaker, with an eye on what goes in and what comes out."""

        async def before(call: Call, emit: Emit, next: Handler) -> None:
            await self._before(call, emit, next)

        async def after(call: Call, emit: Emit, next: Handler) -> None:
            await self._after(call, emit, next)

        return [before, breaker, after]

    def hear(self, event: Event) -> None:
        if isinstance(event, Panic):
            self.panics.append(event)
        elif isinstance(event, EndpointEjected) and event.ejection.reason in OUR_OWN_CONCLUSIONS:
            self.went_over |= sum(map(_is_out, self.fleet)) > most_out(self.share, len(self.fleet))

    async def _before(self, call: Call, emit: Emit, next: Handler, /) -> None:
        self.outer[id(call.ledger)] = call
        await next(call, emit)

    async def _after(self, call: Call, emit: Emit, next: Handler, /) -> None:
        outer, now_s = self.outer[id(call.ledger)], call.clock()
        self.passed += 1
        assert call.candidates
        assert 1 <= call.tied <= len(call.candidates)
        assert [target for target in outer.candidates if target in call.candidates] == list(call.candidates)
        flagged = any(panic.call is outer for panic in self.panics)
        trial = len(call.candidates) == 1 and _is_tried(call.candidates[0])
        for target in call.candidates:
            assert flagged or trial or not _is_out(target)
            assert flagged or now_s >= _told_until_s(target)
        for target in set(outer.candidates) - set(call.candidates):
            assert trial or _is_out(target) or target.weight(now_s) < 1.0
        await next(call, emit)


def _is_out(target: Target) -> bool:
    return target.health is not None and target.health.ejection is not None


def _is_tried(target: Target) -> bool:
    return target.health is not None and target.health.probe is not None


def _told_until_s(target: Target) -> float:
    ejection = None if target.health is None else target.health.ejection
    return 0.0 if ejection is None or not ejection.told else ejection.until_s


@settings(max_examples=50)
@given(
    fleet=st.lists(scripts, min_size=1, max_size=8),
    share=st.sampled_from([0.1, 0.5, 1.0]),
    retry=st.booleans(),
    inside=st.sampled_from([(RoundRobin,), (Slots,), (LatencyBudget, Slots)]),
    seed=st.integers(0, 9),
)
def test_nobody_is_left_without_a_candidate_and_nobody_goes_where_he_may_not(
    fleet: list[list[Script]], share: float, inside: tuple[Callable[[], Policy], ...], seed: int, *, retry: bool
) -> None:
    judge = Judge(share)
    outside: list[Policy] = [Retry()] if retry else []
    policies = [*outside, *judge.around(Breaker(most_ejected=share)), *(policy() for policy in inside)]
    endpoints = [endpoint(str(number), Scripted(*scripts * 50)) for number, scripts in enumerate(fleet)]

    async def main() -> None:
        dice = random.Random(seed)
        async with (
            Router(endpoints, (), policies, clock=virtual_clock, dice=dice, listeners=[judge.hear]) as router,
            anyio.create_task_group() as calls,
        ):
            judge.fleet = list(router.fleet)
            for _ in range(2 * SECONDS):
                calls.start_soon(told, whole, router, hello(model="m", budget_s=4.0))
                await anyio.sleep(0.5)

    run(main)
    assert not judge.went_over
    assert judge.passed >= 2 * SECONDS
