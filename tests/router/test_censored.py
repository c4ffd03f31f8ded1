"""What is cut off is not failed and not forgotten: it took at least so long. Else who is cut off most looks fastest."""

import asyncio

import pytest

from paceline.policies import Slots
from paceline.router import Limits, Profile, Router
from paceline.router.errors import AttemptTimeout, CallError, ProviderError
from paceline.router.testing import SILENT, Script, Scripted, answers, endpoint, fails, run, virtual_clock

from .stack import ask, nothing_is_held, routed

CALLS = 1000
FAST, SLOW = answers(0.25), answers(2.0)
PATIENT = Limits(first_token_s=None, gap_s=None)


def one(*scripts: Script, profile: Profile | None = None, limits: Limits = PATIENT) -> Router:
    return routed(endpoint("a", Scripted(*scripts), profile=profile, limits=limits), policies=[Slots()])


async def traffic(router: Router, *, patience_s: float | None) -> float:
    """A thousand calls at once, each given up after *patience_s*; and the time a moment later."""
    tasks = [asyncio.create_task(router.complete(ask())) for _ in range(CALLS)]
    if patience_s is not None:
        await asyncio.sleep(patience_s)
        for task in tasks:
            task.cancel()
    await asyncio.wait(tasks)
    await asyncio.sleep(0.5)
    return virtual_clock()


async def p95_s(router: Router, *, patience_s: float | None) -> float | None:
    async with router:
        now_s = await traffic(router, patience_s=patience_s)
        return router.fleet["a"].learned.ttft.overall.quantile(0.95, now_s)


def test_a_thousand_cancelled_calls_are_a_thousand_cut_off_and_none_failed() -> None:
    async def main() -> None:
        async with one(SILENT) as router:
            now_s = await traffic(router, patience_s=1.0)

            target = router.fleet["a"]
            assert target.learned.recent.failing(now_s) == 0.0
            assert (target.learned.ttft.overall.samples(now_s), target.learned.ttft.overall.censored(now_s)) == (
                0,
                CALLS,
            )
            assert (target.learned.total.samples(now_s), target.learned.total.censored(now_s)) == (0, CALLS)
            assert nothing_is_held(router)

    run(main)


@pytest.mark.parametrize("profile", [None, Profile(ttft_s=0.25, ttft_p95_s=0.5)], ids=["no prior", "prior"])
@pytest.mark.parametrize("scripts", [(SLOW,), (FAST, SLOW) * (CALLS // 2)], ids=["all slow", "half slow"])
def test_cutting_calls_off_never_makes_the_tail_look_shorter(
    scripts: tuple[Script, ...], profile: Profile | None
) -> None:
    async def main() -> None:
        control_s = await p95_s(one(*scripts, profile=profile), patience_s=None)
        cut_s = await p95_s(one(*scripts, profile=profile), patience_s=2.0)

        assert control_s is not None
        assert control_s >= 1.9
        assert cut_s is None or cut_s >= control_s

    run(main)


def test_calls_that_are_timed_out_are_cut_off_too() -> None:
    async def main() -> None:
        async with one(SILENT, limits=Limits(first_token_s=0.5)) as router:
            for _ in range(10):
                with pytest.raises(AttemptTimeout):
                    await router.complete(ask())

            target, now_s = router.fleet["a"], virtual_clock()
            assert (target.learned.ttft.overall.samples(now_s), target.learned.ttft.overall.censored(now_s)) == (0, 10)
            assert target.learned.recent.ttft.slowness(lambda _: 0.25, now_s) == 2.0

    run(main)


def test_a_call_cut_off_after_its_first_token_keeps_its_first_token() -> None:
    async def main() -> None:
        async with one(answers(0.25, "a", "b", gap_s=60.0), limits=Limits(gap_s=1.0)) as router:
            with pytest.raises(CallError):
                await router.complete(ask())

            target = router.fleet["a"]
            assert (target.learned.ttft.overall.samples(2.0), target.learned.ttft.overall.censored(2.0)) == (1, 0)
            assert (target.learned.total.samples(2.0), target.learned.total.censored(2.0)) == (0, 1)

    run(main)


@pytest.mark.parametrize("patience_s", [1.0, None])
def test_an_answer_asked_for_in_one_piece_says_nothing_of_a_first_token(patience_s: float | None) -> None:
    async def main() -> None:
        async with one(answers(4.0)) as router:
            task = asyncio.create_task(router.complete(ask(stream=False)))
            if patience_s is not None:
                asyncio.get_running_loop().call_later(patience_s, task.cancel)
            await asyncio.wait([task])

            target, now_s = router.fleet["a"], virtual_clock()
            assert (target.learned.ttft.overall.samples(now_s), target.learned.ttft.overall.censored(now_s)) == (0, 0)
            assert target.learned.total.samples(now_s) + target.learned.total.censored(now_s) == 1
            assert target.learned.recent.ttft.slowness(lambda _: 0.25, now_s) == 1.0

    run(main)


def test_errors_are_no_latencies_however_fast() -> None:
    async def main() -> None:
        async with one(fails(0.001, ProviderError)) as router:
            for _ in range(20):
                with pytest.raises(ProviderError):
                    await router.complete(ask())

            target, now_s = router.fleet["a"], virtual_clock()
            assert target.learned.ttft.overall.quantile(0.5, now_s) is None
            assert target.learned.total.quantile(0.5, now_s) is None
            assert not target.outlook(now_s).known
            assert target.learned.recent.failing(now_s) > 0.9

    run(main)
