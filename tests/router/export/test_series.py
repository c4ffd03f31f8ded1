"""Series: bounded, added up for ever, and each router's own."""

import pytest

from paceline.router import Request
from paceline.router.export import names, recorder
from paceline.router.testing import answers, endpoint, run

from .told import Exported, Spread, Vendor, hello, labels


def test_label_sets_beyond_the_cap_are_told_as_other_and_sums_stay_right() -> None:
    async def main() -> None:
        endpoints = [endpoint(f"e{n}", Vendor(answers(0.25)), model=f"m{n}") for n in range(5)]
        exported = Exported(*endpoints, most_series=2)
        async with exported.router as router:
            for number in range(5):
                await router.complete(Request(messages="hello", model=f"m{number}"))
        told = exported.told()

        other = labels(provider="other", model="other", region="other", outcome="other")
        page = told[names.ATTEMPT_SERVICE]
        assert len(page) == 3
        assert isinstance(page[other], Spread)
        assert sum(spread.count for spread in page.values() if isinstance(spread, Spread)) == 5
        assert all(len(page) <= 3 for metric, page in told.items() if metric.kind is not names.Kind.GAUGE)
        assert len(told[names.SLOT_INFLIGHT]) == 2

    run(main)


def test_endpoints_of_one_name_are_told_apart_when_a_router_follows_another() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor(answers(0.25)), region="east"))
        after = Exported(endpoint("a", Vendor(answers(0.25)), region="west"))
        for router in (exported.router, after.router):
            async with router:
                await router.complete(hello())
        for event in after.events:
            exported.prometheus(event)

        text = exported.prometheus.text()
        assert (
            'paceline_attempt_service_seconds_count{model="m",outcome="ok",provider="azure",region="east"} 1.0' in text
        )
        assert (
            'paceline_attempt_service_seconds_count{model="m",outcome="ok",provider="azure",region="west"} 1.0' in text
        )

    run(main)


def test_accounts_that_are_given_up_lose_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_KEPT", 1)

    async def main() -> None:
        exported = Exported(*[endpoint(f"e{n}", Vendor(answers(0.25)), model=f"m{n}") for n in range(3)])
        async with exported.router as router:
            for number in (0, 1, 2, 0, 1, 2):
                await router.complete(Request(messages="hello", model=f"m{number}"))
        told = exported.told()

        assert told[names.CALLS] == {labels(route=f"m{n}", outcome="answered"): 2 for n in range(3)}
        assert told[names.ATTEMPTS] == {labels(route=f"m{n}", outcome="ok"): 2 for n in range(3)}

    run(main)


def test_two_routers_never_meet() -> None:
    async def main() -> None:
        one, other = Exported(endpoint("a", Vendor(answers(0.25)))), Exported(endpoint("a", Vendor(answers(0.25))))
        async with one.router as router, other.router:
            await router.complete(hello())

        assert names.CALLS in one.told()
        assert names.CALLS not in other.told()

    run(main)


def test_where_nothing_happened_only_gauges_are_told() -> None:
    async def main() -> None:
        exported = Exported(endpoint("a", Vendor()))
        async with exported.router:
            told = exported.told()

        assert {metric.kind for metric in told} == {names.Kind.GAUGE}

    run(main)
