"""`Affinity`: calls with a common beginning go where it is cached, as long as that costs less than it gains."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import anyio
import pytest

from paceline.policies import Affinity, LatencyBudget, Retry, RoundRobin, Slots
from paceline.policies.prompt_prefix import prefix_of
from paceline.policies.rendezvous import Rendezvous
from paceline.router import Call, Emit, Endpoint, Handler, Request, Router, Usage
from paceline.router.errors import CallError, ConfigurationError, ProviderError
from paceline.router.testing import Scripted, answers, cancel_everywhere, endpoint, fails, run

from .asking import Ask, at_a_steady_rate, hello, plenty, routed, served, told, whole
from .between import Seen

LONG = 4096


def prompt(number: int = 0, *, after: str = "and then", length: int = LONG) -> Request:
    """A prompt with a long beginning of its own."""
    messages = [{"role": "system", "content": f"{number:08d}" * (length // 8)}, {"role": "user", "content": after}]
    return hello(model="m", messages=messages)


def caching(ttft_s: float = 0.25, *, cached: int | None = 1024) -> Scripted:
    return Scripted(answers(ttft_s, usage=Usage(input_tokens=1100, output_tokens=1, cached_tokens=cached)))


def fleet(count: int = 5, **fields: object) -> list[Endpoint]:
    return [endpoint(name, caching(), **fields) for name in "abcdefgh"[:count]]


def home_of(router: Router, request: Request, *, nth: int = 0) -> str:
    """The endpoint that a prompt's prefix prefers, or the *nth* after it."""
    key = prefix_of(request.messages, LONG)
    assert key is not None
    return Rendezvous().order(tuple(router.fleet), key)[nth].name


def test_calls_with_the_same_beginning_go_to_one_endpoint_and_others_elsewhere(ask: Ask) -> None:
    async def main() -> None:
        async with routed(fleet(), [Affinity(), Slots()]) as router:
            for number in range(20):
                homes = {(await ask(router, prompt(number, after=words))).endpoint for words in ("one", "two", "three")}
                assert homes == {home_of(router, prompt(number))}
                await anyio.sleep(30.0)

    run(main)


def test_what_comes_later_in_a_conversation_stays_where_it_began(ask: Ask) -> None:
    async def main() -> None:
        async with routed(fleet(), [Affinity(), Slots()]) as router:
            messages = list(prompt(1).messages)
            first = (await ask(router, hello(model="m", messages=messages))).endpoint
            for _ in range(4):
                messages += [{"role": "assistant", "content": "so"}, {"role": "user", "content": "and?"}]
                assert (await ask(router, hello(model="m", messages=messages))).endpoint == first

    run(main)


def test_a_prompt_that_is_too_short_to_be_cached_passes_as_it_is(ask: Ask) -> None:
    seen = Seen()

    async def main() -> None:
        async with routed(fleet(), [Affinity(), seen, RoundRobin()]) as router:
            await ask(router, prompt(length=LONG - 8, after=""))

    run(main)
    assert (seen.order, len(seen.tied)) == (["a", "b", "c", "d", "e"], 5)


def test_nobody_is_excluded_and_the_home_comes_first_alone(ask: Ask) -> None:
    seen = Seen()

    async def main() -> None:
        async with routed(fleet(), [Affinity(), seen, Slots()]) as router:
            await ask(router, prompt(3))
            assert seen.order[0] == home_of(router, prompt(3))

    run(main)
    assert sorted(seen.order) == ["a", "b", "c", "d", "e"]
    assert len(seen.tied) == 1


def test_one_that_is_full_is_left_for_the_next_in_the_same_order() -> None:
    async def main() -> None:
        async with routed(fleet(slots=1), [Affinity(), Slots()]) as router:
            home, second = (home_of(router, prompt(2), nth=nth) for nth in (0, 1))
            with router.fleet[home].slots.acquire_over_limit():
                served_by = {(await whole(router, prompt(2))).endpoint for _ in range(3)}
            assert served_by == {second}

    run(main)


def test_a_prefix_with_all_the_traffic_has_as_many_homes_as_that_takes_and_none_carries_more_than_its_bound() -> None:
    async def main() -> dict[str, int]:
        async with routed(fleet(), [Affinity(), Slots()]) as router:
            return served(await at_a_steady_rate(whole, router, prompt(1), 2000, every_s=0.05))

    counts = run(main)
    assert sum(counts.values()) == 2000
    assert max(counts.values()) <= 1.25 * 400 + 4
    assert min(counts.get(name, 0) for name in "abcde") < 20  # four homes carry it: the fifth is hardly needed


@pytest.mark.parametrize("load", [1.1, 1.5, 3.0])
def test_the_bound_is_as_it_is_set(load: float) -> None:
    async def main() -> dict[str, int]:
        async with routed(fleet(), [Affinity(load=load), Slots()]) as router:
            return served(await at_a_steady_rate(whole, router, prompt(1), 1000, every_s=0.05))

    assert max(run(main).values()) == pytest.approx(load * 200, abs=5)


def test_an_endpoint_that_becomes_slow_is_left_and_found_again_when_it_is_not() -> None:
    slow_from, slow_to = 40, 120
    home = "?"

    class Slows(Scripted):
        """Sixteen times slower in the midst of it."""

        async def __call__(self, call: Call, emit: Emit) -> None:
            slow = slow_from <= number < slow_to and call.target.name == home
            cached = 1024 if call.target.name in warm else 0
            warm.add(call.target.name)
            usage = Usage(input_tokens=1100, output_tokens=1, cached_tokens=cached)
            self._scripts = (answers((0.1 if cached else 0.4) * (16 if slow else 1), usage=usage),)
            await super().__call__(call, emit)

    warm: set[str] = set()
    number = 0

    async def main() -> list[str]:
        nonlocal home, number
        provider = Slows()
        async with routed([endpoint(name, provider) for name in "abc"], [Affinity(), Slots()]) as router:
            home = home_of(router, prompt(1))
            for other in range(2, 10):  # everyone has been cold once
                await whole(router, prompt(other))
            assert warm == {"a", "b", "c"}
            went = list[str]()
            for number in range(200):  # noqa: B007  the provider looks at it
                went.append((await whole(router, prompt(1))).endpoint)
                await anyio.sleep(1.0)
            return went

    went = run(main)
    assert set(went[5:slow_from]) == {home}
    assert went[slow_from + 5 : slow_to].count(home) < 0.5 * (slow_to - slow_from)


def test_where_usage_tells_that_nothing_is_cached_calls_are_balanced_but_for_a_few() -> None:
    async def main() -> tuple[int, int]:
        endpoints = [endpoint(name, caching(cached=0)) for name in "abcd"]
        async with routed(endpoints, [Affinity(), Slots()]) as router:
            dice = random.Random(3)
            at_home = list[bool]()
            for _ in range(1500):
                request = prompt(dice.randrange(400))
                at_home.append((await whole(router, request)).endpoint == home_of(router, request))
            return sum(at_home[:200]), sum(at_home[1200:])

    before, after = run(main)
    assert before > 150
    assert after < 0.45 * 300  # a quarter by chance, and one prefix in sixteen on purpose


def test_where_usage_tells_nothing_it_is_taken_for_cached() -> None:
    async def main() -> int:
        endpoints = [endpoint(name, caching(cached=None)) for name in "abcd"]
        async with routed(endpoints, [Affinity(), Slots()]) as router:
            dice, at_home = random.Random(3), 0
            for _ in range(400):
                request = prompt(dice.randrange(400))
                at_home += (await whole(router, request)).endpoint == home_of(router, request)
            return at_home

    assert run(main) > 0.9 * 400


def test_where_usage_tells_nothing_one_that_is_expected_to_take_far_longer_is_left() -> None:
    async def main() -> dict[str, int]:
        endpoints = [endpoint(name, caching(2.0 if name == "a" else 0.25, cached=None)) for name in "abcd"]
        async with routed(endpoints, [Affinity(), Slots()]) as router:
            counts = dict.fromkeys("abcd", 0)
            dice = random.Random(3)
            for _ in range(400):
                counts[(await whole(router, prompt(dice.randrange(400)))).endpoint] += 1
            return counts

    assert run(main)["a"] < 0.5 * 100


def test_one_that_seems_slower_since_its_caches_are_cold_is_an_equal_and_one_that_is_dearer_is_not() -> None:
    seen = Seen()

    async def first_alone(call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(candidates=call.candidates, tied=1), emit)

    async def main() -> set[str]:
        endpoints = [*fleet(3), endpoint("dear", caching(), price_in_per_m=9.0, price_out_per_m=9.0)]
        async with routed(endpoints, [first_alone, Affinity(), seen, Slots()]) as router:
            for number in range(40):
                await whole(router, prompt(number))
        return {call.candidates[0].name for call in seen.calls}

    assert run(main) == {"a", "b", "c"}


def test_a_retry_goes_to_the_next_home() -> None:
    async def main() -> None:
        broken = Scripted(fails(0.1, ProviderError))
        probe = routed(fleet(3), [])
        home, second = (home_of(probe, prompt(2), nth=nth) for nth in (0, 1))
        endpoints = [endpoint(name, broken if name == home else caching()) for name in "abc"]
        async with routed(endpoints, [Retry(), Affinity(), Slots()], budget=plenty()) as router:
            assert (await whole(router, prompt(2))).endpoint == second

    run(main)


def test_an_answer_in_one_piece_tells_of_the_cache_and_not_of_its_speed() -> None:
    async def main() -> None:
        affinity = Affinity()
        async with routed(fleet(2), [affinity, Slots()]) as router:
            await whole(router, hello(model="m", messages=prompt(1).messages, stream=False))
        assert [warmth.warm_s for warmth in affinity._warmth.values()] == [None] * len(affinity._warmth)

    run(main)


def test_with_one_candidate_there_is_nothing_to_prefer(ask: Ask) -> None:
    async def main() -> None:
        async with routed(fleet(1), [Affinity(), Slots()]) as router:
            answer = await ask(router, prompt())
            assert not any(decision.by == "Affinity" for decision in answer.decisions)

    run(main)


def test_it_says_why() -> None:
    async def main() -> None:
        async with routed(fleet(3, slots=1), [Affinity(), Slots()]) as router:
            home, second = (home_of(router, prompt(2), nth=nth) for nth in (0, 1))
            assert f"Affinity: {home} is home to this prefix" in (await whole(router, prompt(2))).story()
            with router.fleet[home].slots.acquire_over_limit():
                story = (await whole(router, prompt(2))).story()
            assert f"Affinity: {second}, as {home} is full, crowded or slow" in story

    run(main)


def test_everybody_full_or_crowded_leaves_the_choice_to_what_is_inside() -> None:
    async def main() -> None:
        async with routed(fleet(2, slots=1, queue=4), [Affinity(), Slots()]) as router:
            leases = [target.slots.acquire_over_limit() for target in router.fleet]
            call = asyncio.create_task(whole(router, prompt(1)))
            await anyio.sleep(0.5)
            for lease in leases:
                lease.release()
            assert (await call).endpoint in {"a", "b"}

    run(main)


def test_wherever_it_is_cancelled_nothing_is_held_and_the_counts_stay_sound() -> None:
    router: Router

    async def scenario() -> None:
        nonlocal router
        router = routed(fleet(3, slots=1), [LatencyBudget(), Affinity(), Slots()])
        async with router:
            for number in range(3):
                await whole(router, prompt(number))

    def check(_: int) -> None:
        assert all(target.in_flight == target.slots.waiting == 0 for target in router.fleet)

    assert cancel_everywhere(scenario, check) > 3


def test_a_call_that_fails_is_no_answer_to_learn_from(ask: Ask) -> None:
    async def main() -> None:
        affinity = Affinity()
        async with routed(
            [endpoint(name, Scripted(fails(0.0, ProviderError))) for name in "ab"], [affinity, Slots()]
        ) as r:
            assert isinstance((await told(ask, r, prompt())).given, CallError)
        assert all(warmth.hits == 1.0 and warmth.warm_s is None for warmth in affinity._warmth.values())

    run(main)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"characters": 0}, "characters must be a whole number of at least 1"),
        ({"load": 1.0}, "load must be above 1"),
        ({"load": -1.0}, "load must be a number above 0"),
        ({"slower_by": -0.1}, "slower_by must be a number of at least 0"),
        ({"least_hits": 1.1}, "least_hits must be a chance from 0 to 1"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Affinity(**wrong)  # type: ignore[arg-type]


def test_it_stands_outside_of_slots() -> None:
    with pytest.raises(ConfigurationError, match="put Affinity before Slots"):
        routed(fleet(), [Slots(), Affinity()])
