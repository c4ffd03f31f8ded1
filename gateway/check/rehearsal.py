"""Where calls would go, found out by letting them go there: the configured stack over stand-ins for its endpoints.

What a stack of policies does is hard to tell from its options, and easy to see. So each route's calls are rehearsed, in
virtual time and without a network: the endpoints answer as their profiles say for a while, so that the policies have
seen what they will have seen in life, and then all fail, or all fall silent. What the policies do then is what they do,
plugins included. It is one run with one seed: an example of the order, not a forecast of the load.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

import anyio
import attrs

from ...router import Chunk, Operation, Router, Usage
from ...router.errors import CallError, PacelineError, ProviderOverloaded
from ...router.events import CallEnded, Event
from ...router.operation import EVERY_OPERATION
from ...router.request import Request
from ...router.simulation import Steady
from ...router.testing import run, virtual_clock
from ..suited import suited
from .findings import Path, Share, Step

if TYPE_CHECKING:
    from ...router import Call, Clock, Emit, Endpoint, Handler, Ledger, Route
    from ..config import Configuration

TTFT_S, TOKENS_PER_S = 0.5, 50.0
"""Of endpoints that say nothing of theirs."""

SPREAD = 0.2
"""Standard deviation of the logarithm of their time to first token; see `router.simulation.behaviour`."""

WARM_UP_S, CALLS_PER_S = 30.0, 5.0
TOKENS = 20
QUESTION = "How is the weather?"
ERROR_AFTER_S = 0.05
LONGEST_S = 120.0
"""A rehearsed call has no more time than this, whatever its route allows."""

ALL_FAIL, NONE_SPEAKS = "every endpoint is overloaded", "no endpoint says a word"


class StandIn:
    """A `Provider` in place of another. name: the other's. operations: all there are; its endpoints say which."""

    def __init__(self, name: str, scene: Scene) -> None:
        self.name = name
        self.operations = EVERY_OPERATION
        self._scene = scene

    def check(self, endpoint: Endpoint) -> None:
        """Whatever the other took is fine."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """There is nothing to open."""
        del clock
        return nullcontext(self._scene.answer)


class Scene:
    """What the endpoints do at the moment."""

    def __init__(self) -> None:
        self.situation: str | None = None
        self._dice = random.Random(1)

    async def answer(self, call: Call, emit: Emit, /) -> None:
        """As the situation is; where it is none, as the endpoint's profile says."""
        if self.situation == ALL_FAIL:
            await anyio.sleep(ERROR_AFTER_S)
            raise ProviderOverloaded("overloaded, as rehearsed", endpoint=call.target.name)
        if self.situation == NONE_SPEAKS:
            await anyio.sleep_forever()
        profile = call.target.endpoint.profile
        ttft_s = TTFT_S if profile is None else profile.ttft_s
        await anyio.sleep(ttft_s * self._dice.lognormvariate(0.0, SPREAD))
        if call.request.operation is Operation.EMBEDDING:
            await emit(Chunk(embeddings=((1.0,),), usage=Usage(output_tokens=0)))
            return
        await emit(Chunk(text="a"))
        await anyio.sleep(TOKENS / (TOKENS_PER_S if profile is None else profile.tokens_per_s))
        await emit(Chunk(text="b", finish_reason="stop", usage=Usage(output_tokens=TOKENS)))


@attrs.frozen
class Rehearsed:
    """What the rehearsal of one route has shown.

    shares: who answered while all was well. paths: of one call in each situation. reached: names of all endpoints that
    anything was sent to.
    """

    shares: list[Share] = attrs.field(factory=list[Share])
    paths: list[Path] = attrs.field(factory=list[Path])
    reached: frozenset[str] = frozenset()


def rehearse(anew: Callable[[], Configuration], route: Route) -> Rehearsed:
    """Rehearse the calls of *route*, of the configurations that *anew* makes: one for each situation.

    Raises:
        PacelineError: a policy cannot be rehearsed.
    """
    shares: list[Share] = []
    paths: list[Path] = []
    reached: set[str] = set()
    for situation in (ALL_FAIL, NONE_SPEAKS):
        scene, given = Scene(), anew()
        ledgers: list[Ledger] = []
        answered, path = run(lambda: _play(given, route, situation, scene, ledgers))  # noqa: B023  it is run at once
        reached.update(attempt.endpoint.name for ledger in ledgers for attempt in ledger.attempts)
        paths.append(path)
        if not shares:
            total = sum(answered.values())
            shares = [Share(endpoint=name, share=count / total) for name, count in answered.most_common()]
    return Rehearsed(shares, paths, frozenset(reached))


async def _play(
    given: Configuration, route: Route, situation: str, scene: Scene, ledgers: list[Ledger]
) -> tuple[Counter[str], Path]:
    """A while in which all is well, and then one call in a *situation*."""

    def note(event: Event) -> None:
        if isinstance(event, CallEnded):
            ledgers.append(event.call.ledger)

    endpoints = tuple(
        attrs.evolve(each, provider=StandIn(each.provider.name, scene), domain=each.domain) for each in given.endpoints
    )
    made = attrs.evolve(given, endpoints=endpoints).router(listeners=[note], clock=virtual_clock, dice=random.Random(1))
    request = _request(route, given)
    async with made as router:
        instants = Steady(CALLS_PER_S).instants(WARM_UP_S, random.Random(1))
        async with anyio.create_task_group() as traffic:
            for at_s in instants:
                traffic.start_soon(_one, router, request, at_s)
        answered = Counter(ledger.answered_by.endpoint.name for ledger in ledgers if ledger.answered_by is not None)
        scene.situation = situation
        began_s, error = virtual_clock(), None
        try:
            await router.complete(request)
        except PacelineError as raised:
            error = raised
        return answered, _path(situation, ledgers[-1], error, virtual_clock() - began_s)


async def _one(router: Router, request: Request, at_s: float) -> None:
    await anyio.sleep(at_s)
    try:
        await router.complete(request)
    except CallError:
        return  # refused, as by a limit of the route: that is no answer of an endpoint


def _request(route: Route, given: Configuration) -> Request:
    budget_s = min(route.budget_s or given.budget_s, LONGEST_S)
    asked = Request(messages=QUESTION, route=route.name, expected_tokens=TOKENS, budget_s=budget_s)
    serving = (endpoint for endpoint in given.endpoints if endpoint.model in route.models)
    return suited(asked, QUESTION, {operation for endpoint in serving for operation in endpoint.operations})


def _path(situation: str, ledger: Ledger, error: PacelineError | None, after_s: float) -> Path:
    steps: list[Step] = []
    for attempt in ledger.attempts:
        before = steps[-1] if steps else None
        if before is None:
            why = "first choice"
        elif attempt.hedge:
            why = "hedge"
        elif attempt.endpoint.model != before.model:
            why = "fallback"
        else:
            why = "retry"
        steps.append(
            Step(
                at_s=round(attempt.sent_s - ledger.began_s, 3),
                endpoint=attempt.endpoint.name,
                model=attempt.endpoint.model,
                region=attempt.endpoint.region,
                why=why,
            )
        )
    return Path(
        situation=situation,
        steps=steps,
        ends="answered" if error is None else type(error).__name__,
        after_s=round(after_s, 3),
    )
