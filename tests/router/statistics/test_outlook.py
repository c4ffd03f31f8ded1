"""`Target.outlook`: what a call sent now may expect, and how soon news is in it. Learned from calls, as in life."""

import asyncio
import contextlib

import pytest

from paceline.router import Limits, Profile, Router, Usage
from paceline.router.errors import BadRequest, CallError, ProviderError, RateLimited
from paceline.router.statistics.outlook import FAILURE_COST_S
from paceline.router.statistics.slowness import AS_EVER
from paceline.router.testing import SILENT, Script, Scripted, answers, endpoint, fails, run, virtual_clock

from ..stack import ask, routed

WARM = 40


async def warm(router: Router, calls: int = WARM) -> None:
    for _ in range(calls):
        await router.complete(ask())


def one(*scripts: Script, profile: Profile | None = None, limits: Limits | None = None) -> Router:
    return routed(endpoint("a", Scripted(*scripts), profile=profile, limits=limits or Limits()))


def test_of_an_endpoint_without_samples_and_profile_nothing_is_known() -> None:
    async def main() -> None:
        async with one() as router:
            outlook = router.fleet["a"].outlook(virtual_clock())

            assert not outlook.known
            assert (outlook.ttft_s, outlook.total_s, outlook.tokens_s([100])) == (None, None, None)
            assert outlook.p_first_token_within(60.0) is None
            assert outlook.p_total_within(60.0) is None
            assert outlook.p_tokens_within(60.0, [100]) is None

    run(main)


def test_a_profile_is_believed_and_yet_not_known() -> None:
    async def main() -> None:
        async with one(profile=Profile(ttft_s=0.5, ttft_p95_s=1.0, tokens_per_s=100.0)) as router:
            outlook = router.fleet["a"].outlook(virtual_clock())

            assert not outlook.known
            assert outlook.ttft_s == pytest.approx(0.5)
            assert outlook.p_first_token_within(1.0) == pytest.approx(0.95)
            assert outlook.tokens_s([100]) == pytest.approx(1.5)
            assert outlook.total_s == pytest.approx(0.5 + 129 / 100)

    run(main)


def test_one_answer_makes_it_known_at_once() -> None:
    async def main() -> None:
        async with one(answers(0.25)) as router:
            assert not router.fleet["a"].outlook(virtual_clock()).known

            await router.complete(ask())

            assert router.fleet["a"].outlook(virtual_clock()).known

    run(main)


def test_it_expects_what_it_has_seen() -> None:
    async def main() -> None:
        words = answers(0.25, "a", "b", "c", gap_s=0.5, usage=Usage(output_tokens=11))
        async with one(words) as router:
            await warm(router)

            outlook = router.fleet["a"].outlook(virtual_clock())

            assert outlook.ttft_s == 0.25
            assert outlook.total_s == pytest.approx(1.25, rel=0.01)
            assert outlook.tokens_s([20]) == pytest.approx(0.25 + 20 * 0.1, rel=0.01)
            assert outlook.p_first_token_within(0.25) == 1.0
            assert outlook.p_first_token_within(0.125) == 0.0
            assert outlook.p_total_within(1.0) == 0.0
            assert outlook.p_tokens_within(2.5, [20]) == 1.0
            assert outlook.p_tokens_within(2.0, [20]) == 0.0

    run(main)


def test_a_silence_longer_than_its_slowest_starts_stretches_it() -> None:
    async def main() -> None:
        scripts = [answers(0.25)] * WARM
        async with one(*scripts, SILENT, limits=Limits(first_token_s=None)) as router:
            await warm(router)
            waiting = asyncio.create_task(router.complete(ask()))
            await asyncio.sleep(1.0)

            outlook = router.fleet["a"].outlook(virtual_clock())

            assert outlook.stretch == pytest.approx(4.0, rel=0.01)
            assert outlook.ttft_s == pytest.approx(1.0, rel=0.01)
            assert outlook.p_first_token_within(0.5) == 0.0
            waiting.cancel()

    run(main)


def test_an_answer_in_one_piece_that_takes_its_time_is_no_silence() -> None:
    async def main() -> None:
        scripts = [answers(0.25)] * WARM
        async with one(*scripts, answers(16.0), limits=Limits(first_token_s=None)) as router:
            await warm(router)
            whole = asyncio.create_task(router.complete(ask(stream=False)))
            await asyncio.sleep(8.0)

            outlook = router.fleet["a"].outlook(virtual_clock())

            assert outlook.stretch == 1.0
            assert outlook.p_first_token_within(0.5) == 1.0
            await whole

    run(main)


def test_three_slow_starts_in_five_are_believed_before_the_window_shows_them() -> None:
    async def main() -> None:
        scripts = [answers(0.25)] * WARM
        async with one(*scripts, answers(2.0)) as router:
            await warm(router, WARM + 2)
            assert router.fleet["a"].outlook(virtual_clock()).stretch == 1.0

            await warm(router, 1)
            await asyncio.sleep(0.25)

            assert router.fleet["a"].outlook(virtual_clock()).stretch == pytest.approx(8.0, rel=0.02)

    run(main)


@pytest.mark.parametrize("ttft_s", [0.25 * (AS_EVER[0] + 0.02), 0.25 * (AS_EVER[1] - 0.02)])
def test_what_differs_a_little_of_late_is_noise(ttft_s: float) -> None:
    async def main() -> None:
        scripts = [answers(0.25)] * WARM
        async with one(*scripts, answers(ttft_s)) as router:
            await warm(router, WARM + 5)
            await asyncio.sleep(0.25)

            assert router.fleet["a"].outlook(virtual_clock()).stretch == 1.0

    run(main)


def test_a_failure_is_seen_at_once_and_does_not_look_fast() -> None:
    async def main() -> None:
        scripts = [answers(0.25)] * WARM
        async with one(*scripts, fails(0.0, ProviderError)) as router:
            await warm(router)
            before = router.fleet["a"].outlook(virtual_clock())

            with pytest.raises(ProviderError):
                await router.complete(ask())

            after = router.fleet["a"].outlook(virtual_clock())
            assert (before.failing, before.p_first_token_within(1.0)) == (0.0, 1.0)
            assert after.failing == pytest.approx(0.2)
            assert after.failure_s == pytest.approx(0.2 * FAILURE_COST_S)
            assert after.p_first_token_within(1.0) == pytest.approx(0.8)
            assert after.ttft_s == before.ttft_s

    run(main)


def test_what_is_not_the_endpoints_fault_leaves_its_outlook() -> None:
    async def main() -> None:
        async with one(answers(0.25), fails(0.0, BadRequest), fails(0.0, RateLimited)) as router:
            await warm(router, 1)

            with pytest.raises(CallError):
                await router.complete(ask())
            harmless = router.fleet["a"].outlook(virtual_clock()).failing
            with pytest.raises(CallError):
                await router.complete(ask())

            assert harmless == 0.0
            assert router.fleet["a"].outlook(virtual_clock()).failing == pytest.approx(0.2)

    run(main)


@pytest.mark.parametrize(
    ("script", "news"),
    [(answers(0.25), 0), (fails(0.0, ProviderError), 1), (fails(0.0, BadRequest), 0)],
    ids=["as ever", "a failure", "a refusal"],
)
def test_only_news_makes_the_fleet_look_again_at_once(script: Script, news: int) -> None:
    async def main() -> None:
        async with one(answers(0.25), answers(0.25), script) as router:
            await warm(router, 2)
            target = router.fleet["a"]
            assert target.outlook(virtual_clock()).known
            beats = target.pulse.beats

            with contextlib.suppress(CallError):
                await router.complete(ask())

            assert target.pulse.beats == beats + news

    run(main)


def test_the_first_answer_of_an_unknown_endpoint_is_news() -> None:
    async def main() -> None:
        async with one(answers(0.25)) as router:
            target = router.fleet["a"]
            assert not target.outlook(virtual_clock()).known
            beats = target.pulse.beats

            await router.complete(ask())

            assert target.pulse.beats == beats + 1

    run(main)
