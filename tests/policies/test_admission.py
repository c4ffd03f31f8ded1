"""`Admission`: who is refused when more is asked than is accepted, how many, and that it ends with the overload."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Admission, Fallback, Retry, Shadow, Slots
from paceline.policies.admission import MULTIPLIERS
from paceline.router import Policy, Route, Router, Shed, Urgency
from paceline.router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    ImpossibleOrder,
    Overloaded,
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    RateLimited,
)
from paceline.router.testing import (
    SILENT,
    Script,
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    run,
    virtual_clock,
)

from .asking import Told, hello, in_pieces, plenty, routed, told, whole

if TYPE_CHECKING:
    from paceline.router import Call, Emit, Handler

HIGH, NORMAL, LOW = Urgency.INTERACTIVE, Urgency.NORMAL, Urgency.BACKGROUND
GOOD: Script = answers(0.0)
BAD: Script = fails(0.0, ProviderOverloaded)


class Never(random.Random):
    """Dice by which nothing is refused that is not refused for certain."""

    def random(self) -> float:
        return 1.0 - 2.0**-53


def seen(*outcomes: tuple[Urgency, Script], admission: Admission | None = None) -> tuple[Router, Admission]:
    """A router, not open, whose provider will answer calls of these urgencies so."""
    admission = admission or Admission()
    provider = Scripted(*(script for _, script in outcomes), GOOD)
    return Router([endpoint("a", provider)], [], [admission], clock=virtual_clock, dice=Never()), admission


async def play(router: Router, urgencies: Sequence[Urgency]) -> list[Told]:
    return [await told(whole, router, hello(model="m", urgency=urgency)) for urgency in urgencies]


def chances(outcomes: Sequence[tuple[Urgency, Script]], admission: Admission | None = None) -> dict[Urgency, float]:
    """The chance of being refused, by urgency, after calls with these outcomes."""
    router, admission = seen(*outcomes, admission=admission)

    async def main() -> dict[Urgency, float]:
        async with router:
            await play(router, [urgency for urgency, _ in outcomes])
        throttle = admission._throttles["m"]
        return {urgency: throttle.chance(urgency, virtual_clock()) for urgency in Urgency}

    return run(main)


@pytest.mark.parametrize(
    ("accepts", "p"),
    [(60, 0.0), (50, 0.0), (25, 50 / 101), (0, 100 / 101)],
    ids=["100/60", "100/50", "100/25", "100/0"],
)
def test_the_published_vectors(accepts: int, p: float) -> None:
    outcomes = [(HIGH, GOOD)] * accepts + [(HIGH, BAD)] * (100 - accepts)

    assert chances(outcomes, Admission(cap=0.999))[HIGH] == pytest.approx(p)


def test_without_more_urgent_calls_some_are_always_let_through() -> None:
    assert chances([(HIGH, BAD)] * 100)[HIGH] == 0.8
    assert chances([(LOW, BAD)] * 100)[LOW] == 0.8
    assert chances([(LOW, BAD)] * 100, Admission(cap=0.5))[LOW] == 0.5


def test_with_more_urgent_calls_the_others_are_refused_to_the_last_if_need_be() -> None:
    assert chances([(HIGH, GOOD)] * 30 + [(HIGH, BAD)] * 25 + [(LOW, BAD)] * 10) == {HIGH: 0.0, NORMAL: 1.0, LOW: 1.0}


def test_few_requests_decide_nothing() -> None:
    assert chances([(HIGH, BAD)] * 19)[HIGH] == 0.0
    assert chances([(HIGH, BAD)] * 20)[HIGH] > 0.0
    assert chances([(HIGH, BAD)] * 5, Admission(fewest=5))[HIGH] > 0.0


@settings(max_examples=200)
@given(
    outcomes=st.lists(st.tuples(st.sampled_from(Urgency), st.sampled_from([GOOD, BAD])), min_size=20, max_size=80),
)
def test_what_fits_is_let_in_and_what_does_not_is_refused_in_part(outcomes: list[tuple[Urgency, Script]]) -> None:
    outcomes = [*outcomes, (HIGH, BAD)]
    router, admission = seen(*outcomes)

    async def main() -> None:
        async with router:
            await play(router, [urgency for urgency, _ in outcomes])
            throttle = admission._throttles.get("m")
            assert throttle is not None
            counts = {urgency: tally.count(virtual_clock()) for urgency, tally in throttle._requests.items()}
            accepts = throttle._accepts.count(virtual_clock())
            let_in = 0
            for urgency in Urgency:
                p = throttle.chance(urgency, virtual_clock())
                assert 0.0 <= p <= 1.0
                let_in += counts[urgency]
                if let_in <= MULTIPLIERS[urgency] * accepts:
                    assert p == 0.0, "what fits into what is accepted is let in"
                elif let_in >= 20:
                    assert p > 0.0, "and what does not is refused in part"

    run(main)


@pytest.mark.parametrize(
    ("script", "speaks_of_load"),
    [
        (fails(0.0, ProviderOverloaded), True),
        (fails(0.0, ProviderTimeout), True),
        (fails(0.0, RateLimited), True),
        (fails(0.0, Overloaded), True),
        (SILENT, True),
        (fails(0.0, ProviderError), False),
        (fails(0.0, BadRequest), False),
        (fails(0.0, AuthenticationFailed), False),
        (GOOD, False),
    ],
)
def test_only_what_speaks_of_load_counts_as_refused(script: Script, *, speaks_of_load: bool) -> None:
    admission = Admission(window_s=6000.0)

    assert (chances([(HIGH, script)] * 60, admission)[HIGH] > 0.0) is speaks_of_load


def test_the_failures_of_a_whole_chain_speak_of_load_if_one_of_them_does() -> None:
    admission = Admission()
    fleet = [
        endpoint("a", Scripted(fails(0.0, ProviderError)), model="best"),
        endpoint("b", Scripted(fails(0.0, RateLimited)), model="fast"),
    ]

    async def main() -> float:
        route = Route(name="chat", models=("best", "fast"))
        policies: list[Policy] = [admission, Fallback()]
        async with Router(fleet, [route], policies, clock=virtual_clock, dice=Never(), budget=plenty()) as router:
            for _ in range(30):
                await told(whole, router, hello(route="chat"))
        return admission._throttles["best"].chance(NORMAL, virtual_clock())

    assert run(main) > 0.0


def test_a_call_that_was_saved_by_another_try_was_refused_nevertheless() -> None:
    def chance(policies: list[Policy], *scripts: Script) -> float:
        admission = Admission()

        async def main() -> float:
            fleet = [endpoint("a", Scripted(scripts[0])), endpoint("b", Scripted(scripts[1]))]
            async with Router(
                fleet, [], [admission, *policies], clock=virtual_clock, dice=Never(), budget=plenty()
            ) as router:
                for _ in range(30):
                    await told(whole, router, hello(model="m", urgency=LOW))
            return admission._throttles["m"].chance(LOW, virtual_clock())

        return run(main)

    assert chance([Retry()], BAD, GOOD) > 0.0
    assert chance([Retry()], GOOD, GOOD) == 0.0


def refused_of(end: Told) -> bool:
    return isinstance(end.given, Overloaded) and end.given.rule is Shed.THROTTLED


def test_a_refusal_is_typed_says_why_costs_nothing_and_is_not_to_be_tried_again() -> None:
    provider = Scripted(BAD)

    async def main() -> Told:
        policies: list[Policy] = [Admission(), Retry(), Slots()]
        async with routed([endpoint("a", provider, slots=4)], policies, seed=3) as router:
            for _ in range(60):
                end = await told(in_pieces, router, hello(model="m", urgency=LOW))
                if refused_of(end):
                    assert router.budget.in_flight == 0
                    return end
        raise AssertionError("nobody was refused")

    error = run(main).error
    assert isinstance(error, AttemptFailed)
    assert (error.retryable, error.reason, list(error.attempts)) == (False, "overloaded", [])
    assert "background ones are refused here" in str(error)
    assert [decision.by for decision in error.decisions] == ["Admission"]


def test_it_notices_that_the_overload_is_over() -> None:
    provider = Scripted(*([BAD] * 60), GOOD)

    async def main() -> list[bool]:
        async with routed([endpoint("a", provider)], [Admission(window_s=20.0)]) as router:
            ends: list[bool] = []
            for _ in range(1200):
                ends.append(refused_of(await told(whole, router, hello(model="m", urgency=LOW))))
                await anyio.sleep(0.1)
        return ends

    ends = run(main)
    assert any(ends[:400])
    assert not any(ends[-300:])


def test_models_are_throttled_apart_and_routes_of_one_model_together() -> None:
    bad, good = Scripted(BAD), Scripted(GOOD)
    fleet = [endpoint("a", bad, model="best"), endpoint("b", good, model="fast")]
    routes = [Route(name="chat", models="best", urgency=HIGH), Route(name="report", models="best", urgency=LOW)]

    async def main() -> list[bool]:
        async with Router(fleet, routes, [Admission()], clock=virtual_clock, dice=random.Random(1)) as router:
            for _ in range(60):
                await told(whole, router, hello(route="chat"))
            report = [refused_of(await told(whole, router, hello(route="report"))) for _ in range(20)]
            fast = [refused_of(await told(whole, router, hello(model="fast"))) for _ in range(20)]
        return [all(report), any(fast)]

    assert run(main) == [True, False]


def test_k_grows_as_long_as_nobody_is_turned_away() -> None:
    outcomes = [(HIGH, GOOD)] * 50 + [(LOW, GOOD)] * 20 + [(LOW, BAD)] * 30
    router, admission = seen(*outcomes, admission=Admission(window_s=100.0))

    async def main() -> list[float]:
        async with router:
            await play(router, [urgency for urgency, _ in outcomes])
            return [admission._throttles["m"].chance(LOW, at_s) for at_s in (0.0, 20.0, 40.0, 80.0)]

    assert run(main) == pytest.approx([(100 - k * 70) / 51 for k in (0.8, 0.9, 1.0, 1.2)])


def test_a_failure_now_and_then_refuses_nobody() -> None:
    provider = Scripted(*([*[GOOD] * 49, BAD] * 40))

    async def main() -> int:
        async with Router(
            [endpoint("a", provider)], [], [Admission()], clock=virtual_clock, dice=random.Random(1)
        ) as router:
            ends: list[Told] = []
            for number in range(2000):
                urgency = LOW if number % 4 else HIGH
                ends.append(await told(whole, router, hello(model="m", urgency=urgency)))
                await anyio.sleep(0.05)
        return sum(refused_of(end) for end in ends)

    assert run(main) == 0


@pytest.mark.parametrize(("urgency", "tries"), [(HIGH, 2), (LOW, 1)])
def test_under_overload_the_less_urgent_make_no_extra_attempts(urgency: Urgency, tries: int) -> None:
    before = [(HIGH, GOOD)] * 40 + [(LOW, GOOD)] * 60 + [(LOW, BAD)] * 8
    provider = Scripted(*(script for _, script in before), BAD, *[GOOD] * 9)
    admission = Admission()

    async def main() -> list[int]:
        async with Router([endpoint("a", provider)], [], [admission], clock=virtual_clock, dice=Never()) as router:
            await play(router, [each for each, _ in before])
        async with Router(
            [endpoint("a", provider)], [], [admission, Retry()], clock=virtual_clock, dice=Never(), budget=plenty()
        ) as router:
            at_once = await told(whole, router, hello(model="m", urgency=urgency))
            await anyio.sleep(20.0)
            provider.calls = len(before)
            later = await told(whole, router, hello(model="m", urgency=urgency))
        return [len(at_once.given.attempts), len(later.given.attempts)]

    assert run(main) == [tries, 2]


def test_while_all_is_well_nobody_throws_dice() -> None:
    class Untouched(random.Random):
        def random(self) -> float:
            raise AssertionError("thrown")

    async def main() -> None:
        async with Router(
            [endpoint("a", Scripted(GOOD))], [], [Admission()], clock=virtual_clock, dice=Untouched()
        ) as router:
            for _ in range(100):
                await router.send(hello(model="m"), _ignore)

    run(main)


async def _ignore(chunk: object) -> None:
    pass


def test_a_caller_that_leaves_is_neither_accepted_nor_refused() -> None:
    admission = Admission()

    async def main() -> int:
        async with routed([endpoint("a", Scripted(SILENT))], [admission]) as router:
            for _ in range(30):
                with anyio.move_on_after(1.0):
                    await router.send(hello(model="m"), _ignore)
        return admission._throttles["m"]._requests[NORMAL].count(virtual_clock())

    assert run(main) == 0


def test_cancelled_anywhere_it_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        fleet = [
            endpoint("a", Scripted(fails(0.5, ProviderOverloaded))),
            endpoint("b", Scripted(answers(1.0, "a", "b"))),
        ]
        async with routed(fleet, [Admission(), Retry(), Slots()]) as router:
            await router.send(hello(model="m"), _ignore)

    assert cancel_everywhere(scenario, lambda _: None) > 3


def test_a_call_without_candidates_is_not_its_matter() -> None:
    class Drops:
        async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
            await next(call.with_(candidates=()), emit)

    async def main() -> Told:
        async with routed([endpoint("a", Scripted())], [Drops(), Admission()]) as router:
            return await told(whole, router, hello(model="m"))

    assert run(main).error.reason == "no_endpoint"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"multipliers": {HIGH: 1.0}}, "must be above 1 for INTERACTIVE, so that a recovery is seen, not 1.0"),
        ({"multipliers": {LOW: 0.0}}, "must be numbers above 0, and BACKGROUND has 0.0"),
        ({"multipliers": {LOW: True}}, "must be numbers above 0"),
        ({"multipliers": {LOW: float("inf")}}, "must be numbers above 0"),
        ({"multipliers": {LOW: 3.0}}, "must not be greater for the less urgent, and BACKGROUND has 3.0"),
        ({"multipliers": {"low": 2.0}}, r"must be numbers by Urgency"),
        ({"multipliers": 2.0}, r"must be numbers by Urgency"),
        ({"window_s": 0}, "window_s must be a number above 0"),
        ({"cap": 1.0}, "cap must be a share above 0 and below 1"),
        ({"fewest": 0}, "fewest must be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_built(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Admission(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("outer", [Fallback(), Retry(), Slots(), Shadow(to="a", share=0.1)])
def test_it_stands_outermost(outer: Policy) -> None:
    with pytest.raises(ImpossibleOrder, match="put Admission before"):
        routed([endpoint("a", Scripted())], [outer, Admission()])


def test_its_repr_tells_what_an_operator_asks() -> None:
    assert repr(Admission()) == (
        "Admission(K: interactive 2, normal 1, background 0.8; window_s=30, cap=0.8, fewest=20)"
    )
