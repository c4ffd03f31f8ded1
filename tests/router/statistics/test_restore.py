"""`Router.snapshot` and `Router.restore`: a router that starts again predicts like the one that stopped."""

import math
import random

import pytest

from paceline.policies import RoundRobin
from paceline.router import Endpoint, Outcome, Profile, Request, Route, Router
from paceline.router.simulation.behaviour import Behaviour
from paceline.router.simulation.simulated import OUTPUT_TOKENS, Simulated
from paceline.router.statistics.crowding import Crowding
from paceline.router.statistics.interval import Series
from paceline.router.statistics.outlook import Outlook
from paceline.router.statistics.size_class import octave_of
from paceline.router.statistics.snapshot import Snapshot
from paceline.router.testing import play, poisson, run, virtual_clock

from .attempts import Endpoint as Learning
from .keeping import interval

SIZES = (200, 1000, 5000)
"""Tokens of prompts, each of a class of its own."""

BEHAVIOURS = {
    "quick": Behaviour(ttft_s=0.2, prefill_s=0.1, tail=0.0, tokens_per_s=80.0, pace_sigma=0.1, tokens_per_chunk=8),
    "slow": Behaviour(ttft_s=0.8, prefill_s=0.4, tail=0.0, tokens_per_s=20.0, pace_sigma=0.1, tokens_per_chunk=8),
}
LENGTHS = (30, 100, 300)
SHARES = (0.5, 0.9)


def question(dice: random.Random) -> Request:
    tokens = round(100 * math.exp(dice.gauss(0.0, 0.5)))
    return Request(
        messages="hello",
        model="m",
        prompt_tokens=dice.choice(SIZES),
        metadata={OUTPUT_TOKENS: min(max(5, tokens), 400)},
    )


def fresh(profile: Profile | None = None) -> Router:
    provider = Simulated(by_endpoint=BEHAVIOURS, seed=7)
    endpoints = [Endpoint(name=name, provider=provider, model="m", profile=profile) for name in BEHAVIOURS]
    return Router(
        endpoints, [Route(name="chat", models="m")], [RoundRobin()], clock=virtual_clock, dice=random.Random(7)
    )


def figures(outlook: Outlook) -> list[float | None]:
    """What is said of an endpoint by the time to the first token, by the pace, by both, and by whole answers."""
    return [
        *(outlook.ttft_quantile_s(q) for q in SHARES),
        *(outlook.paces_s(SHARES) or [None]),
        outlook.tokens_s(LENGTHS),
        outlook.total_s,
    ]


def chances(outlook: Outlook) -> list[float | None]:
    return [
        *(outlook.p_first_token_within(t_s) for t_s in (0.25, 0.5, 1.0, 2.0)),
        *(outlook.p_tokens_within(t_s, LENGTHS) for t_s in (1.0, 2.0, 4.0, 8.0)),
        *(outlook.p_total_within(t_s) for t_s in (1.0, 2.0, 4.0, 8.0)),
    ]


@pytest.mark.parametrize("profile", [None, Profile(ttft_s=10.0)], ids=["no profile", "a wrong profile"])
@pytest.mark.parametrize(("tokens", "tolerance"), [*((size, 0.06) for size in SIZES), (60, 0.16)])
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_restarted_router_predicts_like_the_old_one(
    name: str, tokens: int, tolerance: float, profile: Profile | None
) -> None:
    async def main() -> tuple[Outlook, Outlook]:
        async with fresh(profile) as old, fresh(profile) as new:
            await play(old, poisson(16.0, 50.0, random.Random(7), question))
            new.restore(old.snapshot())
            for target in old.fleet:
                target.learned.crowding = Crowding()  # what load does is in no snapshot: it is learned anew
            now_s, size = virtual_clock(), octave_of(tokens)
            return old.fleet[name].outlook(now_s, size), new.fleet[name].outlook(now_s, size)

    before, after = run(main)

    assert after.known
    assert figures(after) == pytest.approx(figures(before), rel=0.12)
    assert chances(after) == pytest.approx(chances(before), abs=tolerance)


def test_restoring_twice_counts_twice_and_predicts_the_same() -> None:
    async def main() -> tuple[Outlook, Outlook]:
        async with fresh() as old, fresh() as new:
            await play(old, poisson(16.0, 50.0, random.Random(7), question))
            now_s, snapshot = virtual_clock(), old.snapshot()
            for _ in range(2):
                new.restore(snapshot)
            before, after = (each.fleet["slow"].outlook(now_s, octave_of(1000)) for each in (old, new))
            once, twice = (each.fleet["slow"].learned.total.samples(now_s) for each in (old, new))
            assert twice == 2 * once
            return before, after

    before, after = run(main)

    assert figures(after) == pytest.approx(figures(before), rel=0.12)


OLD = Snapshot(
    {
        "quick": {
            Series("ttft", 3): [interval(*[200] * 100, age_s=3600.0)],
            Series("ttft", 6): [interval(*[800] * 100, age_s=3600.0)],
            Series("total"): [interval(*[4000] * 100, age_s=3600.0)],
        }
    }
)
"""What was measured an hour ago, of prompts of two sizes and of whole answers."""


def test_what_is_older_than_the_windows_is_believed_in_place_of_the_profile() -> None:
    async def main() -> None:
        async with fresh(Profile(ttft_s=10.0)) as router:
            router.restore(OLD)
            now_s, quick = virtual_clock(), router.fleet["quick"]

            outlook = quick.outlook(now_s)

            assert not outlook.known
            assert outlook.p_first_token_within(0.5) == pytest.approx(0.5)
            assert outlook.total_s == pytest.approx(4.0, rel=0.01)
            assert router.fleet["slow"].outlook(now_s).ttft_s == pytest.approx(10.0)

    run(main)


def test_too_few_old_samples_do_not_displace_a_profile() -> None:
    here = Learning(Profile(ttft_s=10.0))

    here.learned.restore({Series("ttft", 4): [interval(*[200] * 19, age_s=3600.0)]}, 0.0)

    assert here.outlook(0.0).ttft_s == pytest.approx(10.0)


def test_what_is_measured_now_outweighs_what_is_remembered() -> None:
    here = Learning()
    here.learned.restore({Series("ttft", 4): [interval(*[8000] * 1000, age_s=3600.0)]}, 0.0)

    for number in range(400):
        here.answered(number / 10, 0.25)

    assert (here.outlook(40.0, 9).ttft_s or 8.0) < 0.75


@pytest.mark.parametrize(
    "unknown",
    [
        Snapshot({"nowhere": {Series("ttft", 4): [interval(*[250] * 100)]}}),
        Snapshot({"quick": {Series("mood"): [interval(*[250] * 100)]}}),
        Snapshot({"quick": {Series("total", 4): [interval(*[250] * 100)]}}),
        Snapshot({"quick": {Series("ttft"): [interval(*[250] * 100)]}}),
        Snapshot({}),
    ],
    ids=["endpoint", "metric", "size of what has none", "ttft of no size", "nothing"],
)
def test_what_is_not_in_this_router_is_passed_over(unknown: Snapshot) -> None:
    async def main() -> None:
        async with fresh() as router:
            router.restore(unknown)

            for target in router.fleet:
                assert not target.outlook(virtual_clock()).known
                assert target.outlook(virtual_clock()).ttft_s is None

    run(main)


def test_what_others_have_measured_is_seen_at_once() -> None:
    async def main() -> None:
        async with fresh() as router:
            quick = router.fleet["quick"]
            assert not quick.outlook(virtual_clock()).known

            router.restore(Snapshot({"quick": {Series("ttft", 4): [interval(*[250] * 100)]}}))

            assert quick.outlook(virtual_clock(), 9).known
            assert quick.outlook(virtual_clock(), 9).ttft_s == pytest.approx(0.25, rel=0.01)

    run(main)


def test_what_was_cut_off_stays_cut_off() -> None:
    here, other = Learning(), Learning()
    for number in range(50):
        here.answered(number / 10, 0.25)
        here.finished(here.sent(number / 10), 2.0, Outcome.CANCELLED)

    known = {series: window.intervals(6.0) for series, window in here.learned.series()}
    other.learned.restore(known, 6.0)

    assert other.learned.ttft.overall.censored(6.0) == 50
    assert other.outlook(6.0, 9).p_first_token_within(1.9) == pytest.approx(
        here.outlook(6.0, 9).p_first_token_within(1.9), abs=0.02
    )
