"""A call that needs two slots has no room where one is free: every policy that looks for room knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from tenacity import wait_fixed

from paceline.policies import Breaker, Regions, Retry, Slots
from paceline.router.errors import ProviderError
from paceline.router.testing import Scripted, answers, endpoint, fails, run

from .ailing import attempted, fall_ill, until_s, watched
from .asking import Ask, hello, routed

if TYPE_CHECKING:
    from paceline.router import Answer, Endpoint, Policy, Router

LARGE = hello(model="m", prompt_tokens=2000)
WELL = answers(0.25)


def of_two_slots(name: str, provider: Scripted, region: str = "global") -> Endpoint:
    """An endpoint with room for one large call."""
    return endpoint(name, provider, region=region, slots=2, tokens_per_slot=1000)


async def asked_while_one_is_taken_at(name: str, ask: Ask, router: Router) -> Answer:
    with router.fleet[name].slots.acquire_over_limit():
        return await ask(router, LARGE)


def test_a_retry_asks_the_same_one_again_rather_than_wait_where_it_does_not_fit(ask: Ask) -> None:
    first, other = Scripted(fails(0.25, ProviderError), WELL), Scripted(WELL)
    policies: list[Policy] = [Retry(wait=wait_fixed(0)), Slots()]  # type: ignore[arg-type]  # converted

    async def main() -> list[str]:
        async with routed([of_two_slots("first", first), of_two_slots("other", other)], policies) as router:
            answer = await asked_while_one_is_taken_at("other", ask, router)
            return [attempt.endpoint.name for attempt in answer.attempts]

    assert run(main) == ["first", "first"]


def test_a_domain_where_it_does_not_fit_is_no_alternative(ask: Ask) -> None:
    endpoints = [
        of_two_slots("near", Scripted(fails(0.25, ProviderError)), region="near"),
        of_two_slots("near too", Scripted(WELL), region="near"),
        of_two_slots("far", Scripted(WELL), region="far"),
    ]
    policies = [Retry(), Regions(here="near", rtt_s={("near", "far"): 0.08}), Slots()]

    async def main() -> str:
        async with routed(endpoints, policies) as router:
            return (await asked_while_one_is_taken_at("far", ask, router)).endpoint

    assert run(main) == "near too"


def test_one_that_may_be_well_again_is_not_tried_where_it_does_not_fit(ask: Ask) -> None:
    breaker = Breaker()

    async def main() -> tuple[str, float]:
        endpoints = [of_two_slots(name, Scripted(WELL)) for name in ("ill", "well")]
        async with routed(endpoints, [breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "ill")
            await anyio.sleep(until_s(router, "ill"))
            answer = await asked_while_one_is_taken_at("ill", ask, router)
            return answer.endpoint, answer.total_s

    assert run(main) == ("well", 0.25)


def test_one_that_is_eased_in_is_not_spared_where_it_fits_nowhere_else(ask: Ask) -> None:
    breaker = Breaker()

    async def main() -> set[str]:
        endpoints = [of_two_slots(name, Scripted(WELL)) for name in ("back", "full")]
        async with routed(endpoints, [breaker, Slots()]) as router:
            fall_ill(watched(router, breaker), "back")
            await anyio.sleep(10.0)
            attempted(router.fleet["back"])
            stories = [(await asked_while_one_is_taken_at("full", ask, router)).story() for _ in range(8)]
        return {story for story in stories if "spares" in story}

    assert run(main) == set()


def test_a_call_does_not_spill_over_to_where_it_does_not_fit(ask: Ask) -> None:
    endpoints = [of_two_slots("near", Scripted(WELL), region="near"), of_two_slots("far", Scripted(WELL), region="far")]
    policies = [Regions(here="near", rtt_s={("near", "far"): 0.08}), Slots()]

    async def main() -> str:
        async with routed(endpoints, policies) as router:
            for _ in range(5):
                attempted(router.fleet["near"], ProviderError("as scripted"))
            return (await asked_while_one_is_taken_at("far", ask, router)).endpoint

    assert run(main) == "near"
