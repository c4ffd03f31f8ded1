"""The simulated fleet that is served when no file is given."""

from __future__ import annotations

import random
from collections import Counter

from paceline.gateway.config import TRIAL, trial
from paceline.providers import Simulated
from paceline.router import Request
from paceline.router.testing import play, poisson, run, virtual_clock


def test_it_is_a_fleet_in_some_regions_that_needs_no_key() -> None:
    found = trial()

    assert found.source == "(simulated fleet)"
    assert all(isinstance(endpoint.provider, Simulated) for endpoint in found.endpoints)
    assert len({endpoint.region for endpoint in found.endpoints}) == 3
    assert {endpoint.model for endpoint in found.endpoints} == {"mini", "large"}
    assert found.settings.bind.is_loopback
    assert "\t" not in TRIAL


def test_it_serves_a_chat_within_what_it_promises() -> None:
    async def main() -> Counter[bool]:
        dice = random.Random(1)
        async with trial().router(clock=virtual_clock, dice=dice) as router:
            calls = poisson(5.0, 200.0, dice, lambda _: Request(messages="hello", route="chat", expected_tokens=60))
            results = await play(router, calls)
        ttfts = [result.answer.ttft_s for result in results if result.answer is not None]
        return Counter(ttft_s is not None and ttft_s <= 0.8 for ttft_s in ttfts)

    in_time = run(main)

    assert in_time[True] / in_time.total() > 0.98
    assert in_time.total() > 950


def test_two_of_it_share_no_policy() -> None:
    one, other = trial(), trial()

    assert not {id(policy) for policy in one.policies} & {id(policy) for policy in other.policies}
