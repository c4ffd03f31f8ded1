"""`Pace`: what is reserved, what comes back, who shares a limit, and what a vendor's words change."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import anyio
import pytest

from paceline.policies import Counts, Hedge, Pace, Quota, Retry, RoundRobin, Slots
from paceline.policies.certain import MOST_KEPT
from paceline.policies.credentials import Credentials
from paceline.router import Call, Emit, Handler, Policy, Rate, RateLimits, Router
from paceline.router.errors import (
    BadRequest,
    ConfigurationError,
    ConnectFailed,
    Gated,
    NoEndpoint,
    ProviderError,
    RateLimited,
    Throttled,
)
from paceline.router.testing import SILENT, Fail, Script, Scripted, answers, endpoint, fails, run

from .asking import Ask, asked, hello, in_pieces, plenty, routed, told, whole
from .between import Seen, nobody
from .limits import A, M, Tells, at_once, paced, quota, sent_s, stack, uses
from .racing import make_known

# -- room


def test_calls_are_spread_evenly_over_the_minute() -> None:
    vendor = Scripted()
    paced([endpoint(A, vendor)], stack(quota()), [M] * 5)
    assert sent_s(vendor) == pytest.approx([0, 1, 2, 3, 4], abs=0.01)


def test_a_second_s_worth_goes_at_once() -> None:
    vendor = Scripted()
    paced([endpoint(A, vendor)], stack(quota(per_min=300)), [M] * 7)
    assert sent_s(vendor)[:5] == [0.0] * 5
    assert sent_s(vendor)[5:] == pytest.approx([60 / 296, 120 / 296], abs=0.01)


@pytest.mark.parametrize(
    ("limit", "tokens"), [("tokens_per_min", 200), ("input_tokens_per_min", 100), ("output_tokens_per_min", 100)]
)
def test_every_limit_holds_by_itself(limit: str, tokens: int) -> None:
    vendor = Scripted(uses(100, 100))
    paced([endpoint(A, vendor)], stack(quota(**{limit: 60.0 * tokens})), [M] * 4)
    assert sent_s(vendor) == pytest.approx([0, 1, 2, 3], abs=0.1)


def test_an_endpoint_that_nobody_limits_takes_everything() -> None:
    vendor = Scripted()
    paced([endpoint(A, vendor)], [Pace(), Slots()], [M] * 100)
    assert sent_s(vendor) == [0.0] * 100


def test_who_has_no_room_now_is_passed_over_as_long_as_others_have(ask: Ask) -> None:
    seen = Seen()

    async def main() -> None:
        endpoints = [endpoint(name, Scripted()) for name in "abc"]
        policies: list[Policy] = [Pace(quotas=[quota("a"), quota("c")]), seen, RoundRobin()]
        async with routed(endpoints, policies) as router:
            await ask(router, M)  # goes to a, the first in turn
            await ask(router, M)

    run(main)
    assert [[target.name for target in call.candidates] for call in seen.calls] == [["a", "b", "c"], ["b", "c"]]


def test_ties_stay_ties_among_those_with_room(ask: Ask) -> None:
    seen = Seen()

    async def two_tied(call: Call, emit: Emit, next: Handler, /) -> None:
        await next(call.with_(tied=2), emit)

    async def main() -> None:
        endpoints = [endpoint(name, Scripted()) for name in "abc"]
        async with routed(endpoints, [two_tied, Pace(quotas=[quota("a")]), seen, RoundRobin()]) as router:
            await ask(router, M)
            await ask(router, M)

    run(main)
    assert [call.tied for call in seen.calls] == [2, 1]
    assert seen.order == ["b", "c"]


def test_without_a_candidate_there_is_nothing_to_pace(ask: Ask) -> None:
    assert isinstance(asked(ask, M, [endpoint(A, Scripted())], [nobody, Pace(), Slots()]).error, NoEndpoint)


# -- what is reserved, and what comes back


def level(router: Router, pace: Pace, which: int) -> float:
    """What is left of a limit of the first endpoint: calls, or tokens."""
    target = next(iter(router.fleet))
    return pace._credentials.of(target, 0.0).room(0.0)[which]


def left_after(script: Script, *, counts: Counts = Counts.USED, **fields: int) -> tuple[float, float]:
    """Calls and tokens that are left of 600 and 60,000 after one call, in the instant in which it began."""
    pace = Pace(quotas=[Quota(endpoints=A, requests_per_min=600, tokens_per_min=60_000, counts=counts)])

    async def main() -> tuple[float, float]:
        async with routed([endpoint(A, Scripted(script))], [pace, Slots()]) as router:
            await told(whole, router, hello(model="m", prompt_tokens=100, **fields))  # type: ignore[arg-type]
            return level(router, pace, 0), level(router, pace, 1)

    return run(main)


def test_usage_settles_what_was_reserved() -> None:
    assert left_after(uses(120, 200), expected_tokens=50) == (9.0, 1000.0 - 320.0)
    assert left_after(uses(120, 20), expected_tokens=400) == (9.0, 1000.0 - 140.0)


def test_what_usage_does_not_say_stays_as_reserved() -> None:
    assert left_after(uses(None, 20), expected_tokens=400) == (9.0, 1000.0 - 120.0)
    assert left_after(uses(120, None), expected_tokens=400) == (9.0, 1000.0 - 520.0)


def test_without_a_word_an_answer_is_taken_for_as_long_as_answers_are() -> None:
    assert left_after(fails(0.0, ProviderError)) == (9.0, 1000.0 - 228.0)


def test_the_cap_bounds_what_is_reserved() -> None:
    assert left_after(fails(0.0, ProviderError), max_tokens=10) == (9.0, 1000.0 - 110.0)


def test_what_never_left_costs_nothing() -> None:
    assert left_after(fails(0.0, ConnectFailed)) == (10.0, 1000.0)


@pytest.mark.parametrize("error", [RateLimited, BadRequest])
def test_what_was_refused_costs_a_call_and_no_tokens(error: type[BadRequest]) -> None:
    assert left_after(fails(0.0, error)) == (9.0, 1000.0)


def test_a_vendor_that_counts_the_cap_is_followed_in_that() -> None:
    assert left_after(uses(100, 5), counts=Counts.ALLOWED, max_tokens=700) == (9.0, 1000.0 - 800.0)
    assert left_after(uses(100, 5), counts=Counts.ALLOWED, expected_tokens=300) == (9.0, 1000.0 - 400.0)


def test_a_cancelled_call_counts_as_was_reserved_since_the_vendor_may_go_on() -> None:
    pace = Pace(quotas=[Quota(endpoints=A, requests_per_min=600, tokens_per_min=60_000)])

    async def main() -> tuple[float, float]:
        async with routed([endpoint(A, Scripted(answers(0.0, "one", "two", gap_s=9.0)))], [pace, Slots()]) as router:
            async with router.stream(M) as chunks:
                async for _ in chunks:
                    break
            return level(router, pace, 0), level(router, pace, 1)

    assert run(main) == (9.0, 800.0)


# -- who shares a limit


def rates(pace: Pace, *keys: str | None, models: str = "mmm") -> list[int]:
    """For each endpoint the number of the first one that it shares a limit with."""
    endpoints = [
        endpoint(name, Scripted(), api_key=key, model=model)
        for name, key, model in zip("abc", keys, models, strict=False)
    ]

    async def main() -> list[int]:
        async with routed(endpoints, [pace, Slots()]) as router:
            found = [pace._credentials.of(target, 0.0) for target in router.fleet]
            return [found.index(one) for one in found]

    return run(main)


def test_the_same_key_and_model_share_a_limit() -> None:
    assert rates(Pace(), "k", "k", "other") == [0, 0, 2]
    assert rates(Pace(), "k", "k", "k", models="mmn") == [0, 0, 2]


def test_without_a_key_an_endpoint_stands_alone() -> None:
    assert rates(Pace(), None, None, None) == [0, 1, 2]


def test_a_quota_says_who_shares_it_whatever_their_keys() -> None:
    assert rates(Pace(quotas=[quota("a", "c")]), "k", "k2", "k3") == [0, 1, 0]


def test_a_twin_of_an_endpoint_with_a_quota_shares_it_and_a_quota_of_its_own_goes_before() -> None:
    assert rates(Pace(quotas=[quota("a")]), "k", "k", "k") == [0, 0, 0]
    assert rates(Pace(quotas=[quota("a"), quota("b")]), "k", "k", "k") == [0, 1, 2]


def test_endpoints_that_share_a_limit_keep_it_together() -> None:
    one, other = Scripted(), Scripted()
    endpoints = [endpoint("a", one, api_key="k"), endpoint("b", other, api_key="k")]
    paced(endpoints, [Pace(quotas=[quota("a")]), RoundRobin()], [M] * 4)
    assert sent_s(one, other) == pytest.approx([0, 1, 2, 3], abs=0.01)
    assert one.calls == other.calls == 2


# -- what the vendor says


def test_headers_slow_down_what_nobody_configured() -> None:
    said = RateLimits(requests=Rate(limit=60, remaining=4, resets_in_s=10.0))
    vendor = Tells(said, answers(0.0))

    async def main() -> None:
        async with routed([endpoint(A, vendor)], [Pace(), Slots()]) as router:
            await router.complete(M)
            await at_once(router, [M, M])

    run(main)
    assert sent_s(vendor) == pytest.approx([0.0, 0.0, 2.5], abs=0.01)


def test_headers_of_tokens_hold_as_well() -> None:
    said = RateLimits(tokens=Rate(limit=60_000, remaining=10_000, resets_in_s=20.0))
    vendor = Tells(said, uses(100, 100))

    async def main() -> None:
        async with routed([endpoint(A, vendor)], [Pace(), Slots()]) as router:
            await router.complete(M)
            await at_once(router, [M, M, M])

    run(main)
    assert sent_s(vendor)[1:] == pytest.approx([0.4, 0.8, 1.2], abs=0.01)


def test_a_vendor_that_says_when_is_left_alone_until_then_at_all_its_endpoints() -> None:
    refuses = Scripted((Fail(0.0, lambda: RateLimited("full", retry_after_s=5.0)),))
    twin = Scripted(answers(0.0))
    endpoints = [endpoint("a", refuses, api_key="k"), endpoint("b", twin, api_key="k")]

    async def main() -> None:
        async with routed(endpoints, [Retry(), Pace(), RoundRobin()], budget=plenty()) as router:
            assert (await router.complete(hello(model="m"))).endpoint == "b"

    run(main)
    assert sent_s(refuses, twin) == [0.0, 5.0]


def test_refusals_without_a_word_cut_the_rate_and_it_climbs_back() -> None:
    fine = answers(0.0)
    vendor = Scripted(*[fine] * 9, fails(0.0, RateLimited), *[fine] * 100)
    paced([endpoint(A, vendor)], [Pace(), Slots()], [M] * 60)

    gaps_s = [later_s - sooner_s for sooner_s, later_s in pairwise(sent_s(vendor))]
    assert gaps_s[:9] == [0.0] * 9
    assert min(gaps_s[12:]) > 0.0
    assert gaps_s[-1] < 0.8 * max(gaps_s)


def test_old_refusals_are_forgotten() -> None:
    vendor = Scripted(fails(0.0, RateLimited), answers(0.0))

    async def main() -> None:
        async with routed([endpoint(A, vendor)], [Pace(), Slots()]) as router:
            await told(whole, router, M)
            await anyio.sleep(301.0)
            await at_once(router, [M] * 50)

    run(main)
    assert sent_s(vendor)[1:] == [301.0] * 50


def test_a_gated_endpoint_has_no_room_until_it_opens(ask: Ask) -> None:
    shuts = Scripted((Fail(0.0, lambda: ProviderError("away", retry_after_s=5.0)),), answers(0.0))

    async def main() -> float:
        async with routed([endpoint(A, shuts)], [Pace(), Slots()]) as router:
            await told(ask, router, M)
            return (await told(ask, router, M)).at_s

    assert run(main) == 5.0


def test_one_that_is_gated_for_too_long_is_told_as_gated(ask: Ask) -> None:
    shuts = Scripted((Fail(0.0, lambda: ProviderError("away", retry_after_s=50.0)),), answers(0.0))

    async def main() -> None:
        async with routed([endpoint(A, shuts)], [Pace(), Slots()]) as router:
            await told(ask, router, M)
            end = await told(ask, router, M)
            assert isinstance(end.error, Gated)
            assert end.at_s == 0.0

    run(main)


# -- how it is built


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"endpoints": ()}, "endpoints is empty"),
        ({"requests_per_min": 0}, "requests_per_min must be a number above 0"),
        ({"tokens_per_min": -1}, "tokens_per_min must be a number above 0"),
        ({"requests_per_min": None}, "it limits nothing"),
        ({"burst_s": 31}, "burst_s must be at most 30"),
        ({"burst_s": -1}, "burst_s must be a number of at least 0"),
        ({"counts": "used"}, "counts must be Counts"),
    ],
)
def test_a_quota_that_cannot_be_kept_is_refused(wrong: Mapping[str, object], message: str) -> None:
    fields = {"endpoints": "a", "requests_per_min": 60.0, **wrong}
    with pytest.raises(ConfigurationError, match=message):
        Quota(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"quotas": [{"requests_per_min": 5}]}, "quotas must hold Quota only"),
        ({"quotas": [quota("a"), quota("b", "a")]}, "'a' is named twice in quotas"),
        ({"max_wait_s": -1.0}, "max_wait_s must be a number of at least 0"),
        ({"queue": -1}, "queue must be a whole number of at least 0"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Pace(**wrong)  # type: ignore[arg-type]


def test_a_quota_of_an_endpoint_that_there_is_not_is_refused_by_the_router() -> None:
    with pytest.raises(ConfigurationError, match="'east', which this router does not have; it has a"):
        routed([endpoint(A, Scripted())], [Pace(quotas=[quota("east")]), Slots()])


def test_it_stands_outside_of_what_chooses() -> None:
    with pytest.raises(ConfigurationError, match="put Pace before Slots"):
        routed([endpoint(A, Scripted())], [Slots(), Pace()])


def test_a_refusal_says_when(ask: Ask) -> None:
    async def main() -> None:
        async with routed([endpoint(A, Scripted())], stack(quota(), max_wait_s=0.0)) as router:
            await router.complete(M)
            end = await told(in_pieces, router, M)
            assert isinstance(end.error, Throttled)
            assert end.error.retry_after_s == pytest.approx(1.0, abs=0.01)
            assert end.error.attempts == []
            assert (end.error.same, end.error.elsewhere, end.error.other_model) == (False, False, True)

    run(main)


def test_a_vendor_that_goes_on_refusing_is_asked_ever_more_slowly() -> None:
    vendor = Scripted(answers(0.0), answers(0.0), *[fails(0.05, RateLimited)] * 8, answers(0.0))

    async def main() -> None:
        async with routed([endpoint(A, vendor)], [Pace(), Slots()]) as router:
            for _ in range(10):
                await told(whole, router, M)

    run(main)
    gaps_s = [later_s - sooner_s for sooner_s, later_s in pairwise(sent_s(vendor))]
    assert gaps_s[-1] > 1.5 * gaps_s[3]


def test_who_wants_to_know_of_attempts_outside_of_it_is_told_as_well() -> None:
    slow, quick = Scripted(answers(0.1), SILENT), Scripted(answers(0.1))

    async def main() -> str:
        endpoints = [endpoint("slow", slow), endpoint("quick", quick)]
        policies: list[Policy] = [Hedge(), Pace(quotas=[quota("slow", "quick", per_min=600)]), RoundRobin()]
        async with routed(endpoints, policies, budget=plenty()) as router:
            make_known(router, slow=0.5, quick=0.5)
            await told(in_pieces, router, M)
            await told(in_pieces, router, M)
            return (await in_pieces(router, hello(model="m"))).endpoint

    assert run(main) == "quick"  # the first leg was late, which is only known if it was told when it was sent


def test_selections_of_candidates_do_not_pile_up() -> None:
    async def main() -> None:
        async with routed([endpoint(f"e{number}", Scripted()) for number in range(10)], []) as router:
            credentials = Credentials([])
            targets = tuple(router.fleet)
            for number in range(2**10):
                some = tuple(target for place, target in enumerate(targets) if number >> place & 1)
                assert len(credentials.among(some, 0.0)) == len(some)
            assert len(credentials._among) <= MOST_KEPT
            assert len(credentials) == 10

    run(main)
