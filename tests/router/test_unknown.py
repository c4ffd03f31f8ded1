"""The unknown does not look fast: until an endpoint has answered it gets a few probes, however great the burst."""

import asyncio

import pytest

from paceline.policies import LatencyBudget, Slots
from paceline.router import Limits, Policy, Router
from paceline.router.testing import Scripted, answers, endpoint, run, virtual_clock

from .stack import ask, routed

PATIENT = Limits(first_token_s=None, gap_s=None)
BURST = 200
WARM = 50


async def warmed(router: Router) -> None:
    for name in ("b", "c"):
        for _ in range(WARM):
            target = router.fleet[name]
            target.learned.ttft.record(0.25, 0, virtual_clock())
            target.learned.total.measured.record(0.25, virtual_clock())


def stack(probes: int, *, budgeted: bool) -> list[Policy]:
    slots = Slots(probes=probes)
    return [LatencyBudget(), slots] if budgeted else [slots]


@pytest.mark.parametrize("probes", [1, 3])
@pytest.mark.parametrize("budgeted", [False, True], ids=["Slots", "LatencyBudget and Slots"])
def test_a_burst_sends_an_unknown_endpoint_its_probes_and_no_more(probes: int, budgeted: object) -> None:
    async def main() -> None:
        slow, known = Scripted(answers(10_000.0)), Scripted(answers(0.25))
        targets = [endpoint("slow", slow, limits=PATIENT), endpoint("b", known), endpoint("c", known)]
        async with routed(*targets, policies=stack(probes, budgeted=bool(budgeted))) as router:
            await warmed(router)
            tasks = [asyncio.create_task(router.complete(ask(budget_s=20_000.0))) for _ in range(BURST)]
            await asyncio.sleep(1.0)

            assert slow.calls == probes
            assert known.calls == BURST - probes
            await asyncio.wait(tasks)

    run(main)


def test_a_probe_that_is_given_up_makes_room_for_another() -> None:
    async def main() -> None:
        slow, known = Scripted(answers(10_000.0)), Scripted(answers(0.25))
        targets = [endpoint("slow", slow, limits=Limits(first_token_s=5.0)), endpoint("b", known), endpoint("c", known)]
        async with routed(*targets, policies=[Slots()]) as router:
            await warmed(router)
            for burst in range(3):
                tasks = [asyncio.create_task(router.complete(ask())) for _ in range(BURST)]
                await asyncio.wait(tasks)

                assert slow.calls == burst + 1

    run(main)


def test_one_that_has_answered_gets_its_share() -> None:
    async def main() -> None:
        new, known = Scripted(answers(0.25)), Scripted(answers(0.25))
        targets = [endpoint("new", new), endpoint("b", known), endpoint("c", known)]
        async with routed(*targets, policies=[Slots()]) as router:
            await warmed(router)
            await asyncio.gather(*(router.complete(ask()) for _ in range(BURST)))
            assert new.calls == 1

            await asyncio.gather(*(router.complete(ask()) for _ in range(3 * BURST)))

            assert 0.8 * BURST <= new.calls <= 1.2 * BURST

    run(main)


def test_where_nobody_is_known_a_burst_is_spread_over_all() -> None:
    async def main() -> None:
        providers = [Scripted(answers(8.0)) for _ in range(4)]
        targets = [endpoint(str(number), provider) for number, provider in enumerate(providers)]
        async with routed(*targets, policies=[Slots()]) as router:
            await asyncio.gather(*(router.complete(ask()) for _ in range(BURST)))

        assert [provider.calls for provider in providers] == [BURST // 4] * 4

    run(main)


@pytest.mark.parametrize("q", [0.01, 0.5, 0.99])
def test_a_quantile_of_nothing_is_none(q: float) -> None:
    async def main() -> None:
        async with routed(endpoint("a", Scripted())) as router:
            target = router.fleet["a"]

            assert [
                metric.quantile(q, 0.0)
                for metric in (target.learned.ttft.overall, target.learned.total, target.learned.tpot.overall)
            ] == [None] * 3
            assert [
                metric.within(60.0, 0.0)
                for metric in (target.learned.ttft.overall, target.learned.total, target.learned.tpot.overall)
            ] == [None] * 3

    run(main)
