"""`Chaos`: the faults it injects, whom they befall, that they can be repeated and are plain to see."""

from __future__ import annotations

import random
from collections.abc import Callable

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.policies import Chaos, CutOff, Drip, Failure, Fault, Injection, Latency, Retry, Silence, Slots
from paceline.router import Answer, Chunk, Outcome, Policy, Request, Route, Router, Urgency
from paceline.router.errors import (
    AttemptTimeout,
    CallError,
    ConfigurationError,
    ImpossibleOrder,
    ProviderError,
    RateLimited,
    StreamInterrupted,
    TruncatedAnswer,
)
from paceline.router.testing import (
    Scripted,
    answers,
    cancel_everywhere,
    endpoint,
    fails,
    poisson,
    run,
    virtual_clock,
)

from .asking import Told, hello, in_pieces, routed, told, whole
from .continuing import hear

WORDS = answers(1.0, "a", "b", "c", "d", gap_s=0.5)


def always(fault: Fault, **fields: object) -> Chaos:
    return Chaos(injections=[Injection(fault=fault, share=1.0, **fields)], seed=1)  # type: ignore[arg-type]


def befallen(fault: Fault, *, script: object = WORDS, stack: tuple[Policy, ...] = ()) -> tuple[Told, str, Scripted]:
    """What one streamed call comes to, the text its caller saw, and the provider behind."""
    provider = Scripted(script)  # type: ignore[arg-type]

    async def main() -> tuple[Told, str]:
        async with routed([endpoint("a", provider)], [*stack, always(fault)]) as router:
            end = await hear(router, hello(model="m", budget_s=200.0))
        assert router.fleet["a"].in_flight == 0
        return Told(at_s=end.ended_s, given=end.given), "".join(chunk.text for chunk in end.chunks)

    return (*run(main), provider)


# -- the faults


def test_latency_makes_everything_later() -> None:
    end, text, _ = befallen(Latency(least_s=2.0))

    assert (text, end.at_s) == ("abcd", 4.5)
    assert end.answer.ttft_s == 3.0


@settings(max_examples=30)
@given(least=st.integers(0, 8), more=st.integers(0, 8))
def test_latency_is_drawn_between_its_bounds(least: int, more: int) -> None:
    end, _, _ = befallen(Latency(least_s=float(least), most_s=float(least + more)))

    assert 2.5 + least <= end.at_s <= 2.5 + least + more


def test_a_failure_is_the_endpoints_own_and_the_vendor_is_not_called() -> None:
    end, _, provider = befallen(Failure(error=RateLimited, after_s=0.5, retry_after_s=7.0))

    error = end.error
    assert isinstance(error, RateLimited)
    assert (end.at_s, error.retry_after_s, error.endpoint, provider.calls) == (0.5, 7.0, "a", 0)
    assert "injected by Chaos" in str(error)


@pytest.mark.parametrize(("after", "text"), [(0, ""), (1, "a"), (3, "abc"), (4, "abcd"), (9, "abcd")])
def test_a_cut_is_a_truncated_answer_and_never_a_whole_one(after: int, text: str) -> None:
    end, seen, provider = befallen(CutOff(after=after))

    assert seen == text
    assert isinstance(end.error, StreamInterrupted if text else TruncatedAnswer)
    assert provider.live == 0


def test_a_cut_holds_whatever_the_provider_makes_of_it() -> None:
    class Stubborn(Scripted):
        async def __call__(self, call, emit) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            for word in "abcdef":
                try:
                    await emit(Chunk(word))
                except ProviderError:
                    continue
            raise ValueError("confused")

    async def main() -> str:
        async with routed([endpoint("a", Stubborn())], [always(CutOff(after=2))]) as router:
            end = await hear(router, hello(model="m"))
        assert isinstance(end.error, StreamInterrupted)
        return end.text

    assert run(main) == "ab"


def test_what_fails_before_it_is_cut_fails_as_it_would_have() -> None:
    end, _, _ = befallen(CutOff(after=2), script=fails(0.5, RateLimited))

    assert isinstance(end.error, RateLimited)


def test_a_drip_widens_every_gap_but_not_the_wait_for_the_first_word() -> None:
    end, text, _ = befallen(Drip(gap_s=2.0))

    assert text == "abcd"
    assert end.answer.ttft_s == 1.0
    assert end.at_s == 7.5, "1.5, and two more each time"


@pytest.mark.parametrize(("after", "text", "limit"), [(0, "", "first_token"), (2, "ab", "gap"), (4, "abcd", "gap")])
def test_silence_lasts_until_a_limit_ends_it(after: int, text: str, limit: str) -> None:
    end, seen, provider = befallen(Silence(after=after))

    cause = end.error if isinstance(end.error, AttemptTimeout) else end.error.__cause__
    assert isinstance(cause, AttemptTimeout)
    assert (seen, cause.limit) == (text, limit)
    assert provider.calls == (after > 0)


def test_a_provider_that_ends_early_is_silent_all_the_same() -> None:
    end, _, _ = befallen(Silence(after=2), script=answers(0.5, "a"))

    assert not isinstance(end.given, Answer)


# -- whom they befall


CHAT = Route(name="chat", models="m", urgency=Urgency.INTERACTIVE)
REPORT = Route(name="report", models="m", urgency=Urgency.BACKGROUND)


def struck(injection: Injection, *requests: Request, every_s: float = 1.0) -> list[bool]:
    """Which of these calls, a second apart, met a fault."""

    async def main() -> list[bool]:
        fleet = [endpoint("a", Scripted(answers(0.0))), endpoint("b", Scripted(answers(0.0)), model="other")]
        found: list[bool] = []
        async with routed(fleet, [Chaos(injections=[injection], seed=1)], [CHAT, REPORT]) as router:
            for request in requests:
                end = await told(whole, router, request)
                found.append(end.given.attempts[0].injected is not None)
                await anyio.sleep(every_s)
        return found

    return run(main)


FAIL = Failure(after_s=0.0)


@pytest.mark.parametrize(
    ("fields", "hit"),
    [
        ({}, [True, True, True]),
        ({"routes": "chat"}, [True, False, False]),
        ({"routes": ("chat", "report")}, [True, True, False]),
        ({"urgencies": Urgency.BACKGROUND}, [False, True, False]),
        ({"urgencies": (Urgency.INTERACTIVE, Urgency.NORMAL)}, [True, False, True]),
        ({"endpoints": "b"}, [False, False, True]),
        ({"from_s": 1.0}, [False, True, True]),
        ({"to_s": 1.0}, [True, False, False]),
        ({"from_s": 1.0, "to_s": 2.0}, [False, True, False]),
        ({"from_s": 1.0, "routes": "chat"}, [False, False, False]),
    ],
)
def test_a_fault_befalls_those_it_is_meant_for(fields: dict[str, object], hit: list[bool]) -> None:
    injection = Injection(fault=FAIL, share=1.0, **fields)  # type: ignore[arg-type]

    assert struck(injection, hello(route="chat"), hello(route="report"), hello(model="other")) == hit


@pytest.mark.parametrize("share", [0.02, 0.25, 0.9])
def test_as_many_are_befallen_as_was_said(share: float) -> None:
    hits = sum(struck(Injection(fault=FAIL, share=share), *[hello(route="chat")] * 2000, every_s=0.0))

    assert hits == pytest.approx(2000 * share, abs=4 * (2000 * share * (1 - share)) ** 0.5)


def outcomes(chaos: Chaos, router_seed: int) -> list[str]:
    """What became of five hundred attempts."""

    async def main() -> list[str]:
        async with routed([endpoint("a", Scripted(answers(0.0)))], [chaos], seed=router_seed) as router:
            ends = [await told(whole, router, hello(model="m")) for _ in range(500)]
        return [end.given.attempts[0].injected or "" for end in ends]

    return run(main)


def test_they_are_tried_in_order_and_the_first_that_hits_is_it() -> None:
    injections = [Injection(fault=FAIL, share=0.2), Injection(fault=Latency(least_s=1.0), share=0.5)]

    found = outcomes(Chaos(injections=injections, seed=7), 1)

    assert found.count("failure") == pytest.approx(100, abs=36)
    assert found.count("latency") == pytest.approx(200, abs=44)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_the_same_seed_makes_the_same_faults_whatever_the_routers_dice(seed: int) -> None:
    injections = [Injection(fault=FAIL, share=0.3)]

    first = outcomes(Chaos(injections=injections, seed=seed), 1)

    assert outcomes(Chaos(injections=injections, seed=seed), 2) == first
    assert outcomes(Chaos(injections=injections, dice=random.Random(seed)), 3) == first
    assert outcomes(Chaos(injections=injections, seed=seed + 1), 1) != first


def test_it_throws_none_of_the_routers_dice() -> None:
    def arrivals(policies: list[Policy]) -> list[float]:
        async def main() -> list[float]:
            dice = random.Random(5)
            fleet = [endpoint("a", Scripted(answers(0.0)))]
            async with Router(fleet, [], policies, clock=virtual_clock, dice=dice) as router:
                for _ in range(50):
                    await told(whole, router, hello(model="m"))
            return [arrival.at_s for arrival in poisson(1.0, 20.0, dice, lambda _: hello())]

        return run(main)

    assert arrivals([always(FAIL)]) == arrivals([always(Latency(least_s=0.0))])


# -- how it shows


def test_what_was_injected_stands_on_the_attempt_in_the_decisions_and_in_the_story() -> None:
    async def main() -> Answer:
        fleet = [endpoint("a", Scripted(answers(0.0))), endpoint("b", Scripted(answers(0.0)))]
        async with routed(fleet, [Retry(), always(FAIL, endpoints="a")]) as router:
            return await whole(router, hello(model="m"))

    answer = run(main)

    assert [attempt.injected for attempt in answer.attempts] == ["failure", None]
    assert "Chaos: injects a fault into the attempt at a: Failure(" in answer.story()
    assert "#1 a failed (0.000 s) [failure, injected]" in answer.story()


def test_others_meet_it_as_the_endpoints_own_doing() -> None:
    async def main() -> None:
        async with routed([endpoint("a", Scripted(answers(0.0)), slots=1)], [Slots(), always(FAIL)]) as router:
            end = await told(in_pieces, router, hello(model="m"))
            assert end.error.attempts[0].outcome is Outcome.FAILED
            assert router.fleet["a"].outlook(virtual_clock()).failing > 0.0

    run(main)


@pytest.mark.parametrize(
    "fault", [Latency(least_s=1.0), Failure(after_s=1.0), CutOff(after=1), Drip(gap_s=1.0), Silence(after=1)], ids=repr
)
def test_cancelled_anywhere_it_leaves_nothing_behind(fault: Fault) -> None:
    provider = Scripted(WORDS)

    async def scenario() -> None:
        async with routed([endpoint("a", provider, slots=1)], [Slots(), always(fault)]) as router:
            try:
                await router.send(hello(model="m"), _ignore)
            except CallError:
                await anyio.lowlevel.checkpoint()
        assert router.fleet["a"].in_flight == 0

    def nothing_lives(_: int) -> None:
        assert provider.live == 0

    assert cancel_everywhere(scenario, nothing_lives) >= 1


async def _ignore(chunk: Chunk) -> None:
    pass


# -- building it


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (Chaos, {"injections": [Injection(fault=FAIL, share=0.1)]}, "give a seed, or dice, and not both"),
        (Chaos, {"injections": [Injection(fault=FAIL, share=0.1)], "seed": 1, "dice": random.Random(1)}, "not both"),
        (Chaos, {"injections": [], "seed": 1}, "injections is empty"),
        (Chaos, {"injections": [FAIL], "seed": 1}, "injections must hold Injection only, not Failure"),
        (
            Chaos,
            {"injections": [Injection(fault=FAIL, share=0.1)], "seed": "x"},
            "seed must be a whole number of at least 0, not 'x'",
        ),
        (Injection, {"fault": FAIL, "share": 0.0}, "share must be a share above 0"),
        (Injection, {"fault": "latency", "share": 0.1}, "fault must be a fault such as Latency"),
        (Injection, {"fault": Latency, "share": 0.1}, "fault must be a fault such as Latency"),
        (
            Injection,
            {"fault": FAIL, "share": 0.1, "from_s": 5.0, "to_s": 5.0},
            r"to_s \(5\) must be after from_s \(5\)",
        ),
        (Injection, {"fault": FAIL, "share": 0.1, "urgencies": ("low",)}, "urgencies must hold Urgency only, not str"),
        (Latency, {"least_s": -1.0}, "least_s must be a number of at least 0"),
        (Latency, {"least_s": 2.0, "most_s": 1.0}, r"most_s \(1\) must be at least least_s \(2\)"),
        (Failure, {"error": AttemptTimeout}, "must be a class of AttemptFailed that an endpoint can raise"),
        (Failure, {"error": ValueError}, "must be a class of AttemptFailed"),
        (Failure, {"error": ProviderError("x")}, "must be a class of AttemptFailed"),
        (CutOff, {"after": -1}, "after must be a whole number of at least 0"),
        (Drip, {"gap_s": 0.0}, "gap_s must be a number above 0"),
        (Silence, {"after": 0.5}, "after must be a whole number"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_built(
    kind: Callable[..., object], fields: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        kind(**fields)


@pytest.mark.parametrize("fields", [{"endpoints": "c"}, {"routes": "c"}])
def test_names_that_are_none_of_the_routers_are_refused_when_it_is_built(fields: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="c is not there to be broken; there are"):
        routed([endpoint("a", Scripted())], [always(FAIL, **fields)])


def test_it_stands_innermost_and_once() -> None:
    with pytest.raises(ImpossibleOrder, match="put Slots before Chaos"):
        routed([endpoint("a", Scripted())], [always(FAIL), Slots()])
    with pytest.raises(ImpossibleOrder, match="both work at layer CHAOS"):
        routed([endpoint("a", Scripted())], [always(FAIL), always(FAIL)])
