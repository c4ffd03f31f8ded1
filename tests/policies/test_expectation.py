"""What a call asks of an endpoint: the time it has, what fast means, how many tokens, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import TYPE_CHECKING, TypeVar

import pytest

from paceline.policies import Fallback, LatencyBudget, Prefer, Retry, Slots
from paceline.policies.expectation import Ask as Expected
from paceline.policies.expectation import likely_lengths, money, queue_s, sizes
from paceline.router import Call, Emit, Handler, Objective, Priority, Profile, Route
from paceline.router.testing import Scripted, answers, endpoint, fails, run

from .asking import Ask, asked, at_a_steady_rate, hello, in_a_second, routed, told, whole
from .between import Seen

if TYPE_CHECKING:
    from paceline.router import Endpoint, Request

QUICK = Profile(ttft_s=0.25)
WELL = answers(0.25)

T = TypeVar("T")


def chat(priority: Priority = Priority.TTFT, **objective: float) -> Route:
    return Route(name="chat", models="m", priority=priority, objective=Objective(**objective))


def asked_for(ask: Ask, request: Request, route: Route) -> str:
    """The seconds that the decision says the call has."""
    answer = asked(ask, request, [endpoint("a", Scripted(), profile=QUICK)], [LatencyBudget()], [route]).answer
    return answer.decisions[0].reason.removeprefix("1 of 1 can make ").removesuffix(", a first")


@pytest.mark.parametrize(
    ("request_", "route", "seconds"),
    [
        pytest.param(hello(), chat(), "60.000 s", id="the_routers_budget"),
        pytest.param(hello(budget_s=8.0), chat(), "8.000 s", id="the_requests_budget"),
        pytest.param(hello(), chat(ttft_s=0.75), "0.750 s", id="the_routes_objective"),
        pytest.param(hello(budget_s=0.5), chat(ttft_s=0.75), "0.500 s", id="a_budget_that_is_nearer"),
        pytest.param(hello(), chat(total_s=8.0), "60.000 s", id="no_objective_of_that_kind"),
        pytest.param(hello(), chat(Priority.TOTAL, ttft_s=0.75, total_s=32.0), "32.000 s", id="total"),
        pytest.param(hello(), chat(Priority.THROUGHPUT, ttft_s=0.75, total_s=32.0), "32.000 s", id="throughput"),
        pytest.param(
            hello(priority=Priority.TTFT), chat(Priority.TOTAL, ttft_s=0.75, total_s=9.0), "0.750 s", id="own_priority"
        ),
        pytest.param(hello(budget_s=1.00099), chat(), "1.000 s", id="whole_milliseconds"),
    ],
)
def test_a_call_has_until_its_objective_or_its_limit(ask: Ask, request_: Request, route: Route, seconds: str) -> None:
    assert asked_for(ask, request_, route) == seconds


def test_the_objective_counts_from_the_calls_arrival(ask: Ask) -> None:
    models = [
        endpoint("a", Scripted(fails(0.5, in_a_second), answers(0.25)), profile=QUICK),
    ]
    answer = asked(ask, hello(), models, [Retry(), LatencyBudget(target=0.5)], [chat(ttft_s=8.0)]).answer
    reasons = [decision.reason for decision in answer.decisions if decision.by == "LatencyBudget"]
    assert reasons == ["1 of 1 can make 8.000 s, a first", "1 of 1 can make 6.500 s, a first"]


def test_the_first_token_has_until_the_fallbacks_start_limit(ask: Ask) -> None:
    route = Route(name="chat", models=("m", "n"))
    models = [endpoint("a", Scripted(), profile=QUICK), endpoint("b", Scripted(), model="n")]
    answer = asked(ask, hello(), models, [Fallback(start_within_s=2.0), LatencyBudget()], [route]).answer
    assert answer.decisions[0].reason == "1 of 1 can make 2.000 s, a first"


def test_the_whole_answer_has_until_the_deadline_whatever_the_start_limit(ask: Ask) -> None:
    route = Route(name="chat", models=("m", "n"), priority=Priority.TOTAL)
    models = [endpoint("a", Scripted(), profile=QUICK), endpoint("b", Scripted(), model="n")]
    answer = asked(ask, hello(), models, [Fallback(start_within_s=2.0), LatencyBudget()], [route]).answer
    assert answer.decisions[0].reason == "1 of 1 can make 60.000 s, a first"


DIFFERENT = [
    endpoint("starts", Scripted(), profile=Profile(ttft_s=0.125, tokens_per_s=10.0)),  # 128 tokens: 13 s
    endpoint("ends", Scripted(), profile=Profile(ttft_s=1.0, tokens_per_s=200.0)),  # 128 tokens: 1.6 s
    endpoint("streams", Scripted(), profile=Profile(ttft_s=4.0, tokens_per_s=1000.0)),  # 128 tokens: 4.1 s
]


@pytest.mark.parametrize(
    ("request_", "best"),
    [
        pytest.param(hello(priority=Priority.TTFT), "starts", id="ttft"),
        pytest.param(hello(priority=Priority.TOTAL), "ends", id="total"),
        pytest.param(hello(priority=Priority.TOTAL, expected_tokens=4000), "streams", id="total_of_many_tokens"),
        pytest.param(hello(priority=Priority.THROUGHPUT, expected_tokens=1), "starts", id="throughput_of_one_token"),
        pytest.param(hello(priority=Priority.THROUGHPUT), "ends", id="throughput_of_128_tokens"),
        pytest.param(hello(priority=Priority.THROUGHPUT, expected_tokens=4000), "streams", id="throughput_of_many"),
        pytest.param(
            hello(priority=Priority.THROUGHPUT, expected_tokens=4000, max_tokens=1), "starts", id="no_more_than_the_cap"
        ),
    ],
)  # fmt: skip
def test_what_fast_means_decides_who_is_fastest(ask: Ask, request_: Request, best: str) -> None:
    route = Route(name="chat", models="m", budget_s=3000.0)
    assert asked(ask, request_, DIFFERENT, [LatencyBudget()], [route]).answer.endpoint == best


def test_what_fast_means_decides_who_is_kept(ask: Ask) -> None:
    kept: dict[Priority, list[str]] = {}
    for priority in Priority:
        seen = Seen()
        request = hello(priority=priority, expected_tokens=2000, budget_s=9.0)
        asked(ask, request, DIFFERENT, [LatencyBudget(), seen], [chat()])
        kept[priority] = sorted(seen.order)
    assert kept == {
        Priority.TTFT: ["ends", "starts", "streams"],
        Priority.TOTAL: ["streams"],
        Priority.THROUGHPUT: ["streams"],
    }


def costing(**prices: tuple[float, float]) -> list[Endpoint]:
    return [
        endpoint(name, Scripted(answers(0.25)), profile=QUICK, price_in_per_m=price_in, price_out_per_m=price_out)
        for name, (price_in, price_out) in prices.items()
    ]


@pytest.mark.parametrize(
    ("request_", "cheapest"),
    [
        pytest.param(hello(prompt_tokens=1000, expected_tokens=1), "in", id="a_long_prompt"),
        pytest.param(hello(prompt_tokens=1, expected_tokens=1000), "out", id="a_long_answer"),
        pytest.param(hello(prompt_tokens=100, expected_tokens=1000, max_tokens=1), "in", id="a_long_answer_cut_short"),
        pytest.param(hello(messages="word" * 1000), "in", id="a_prompt_nobody_counted"),
        pytest.param(hello(), "out", id="a_short_question"),
    ],
)
def test_the_cheapest_depends_on_the_tokens_in_and_out(ask: Ask, request_: Request, cheapest: str) -> None:
    endpoints = costing(**{"in": (1.0, 5.0), "out": (5.0, 1.0)})
    end = asked(ask, request_, endpoints, [LatencyBudget(prefer=Prefer.CHEAPEST)], [chat()])
    assert end.answer.endpoint == cheapest


def test_each_calls_own_tokens_count_even_at_one_instant(ask: Ask) -> None:
    endpoints = costing(**{"in": (1.0, 5.0), "out": (5.0, 1.0)})

    async def main() -> list[str]:
        async with routed(endpoints, [LatencyBudget(prefer=Prefer.CHEAPEST)], [chat()]) as router:
            long, short = hello(prompt_tokens=1000, expected_tokens=1), hello(prompt_tokens=1, expected_tokens=1000)
            return [(await ask(router, request)).endpoint for request in (long, short, long)]

    assert run(main) == ["in", "out", "in"]


def test_half_a_price_is_none(ask: Ask) -> None:
    half = endpoint("half", Scripted(), profile=QUICK, price_in_per_m=0.0)
    endpoints = [half, *costing(dear=(90.0, 90.0))]
    end = asked(ask, hello(), endpoints, [LatencyBudget(prefer=Prefer.CHEAPEST)], [chat()])
    assert end.answer.endpoint == "dear"


HOPELESS = {"quick": Profile(ttft_s=4.0), "slow": Profile(ttft_s=4.5)}
"""Neither starts within half a second, so the faster is tried; as long as it is."""


def test_of_the_hopeless_one_that_fails_is_not_the_faster(ask: Ask) -> None:
    quick = Scripted(fails(0.25, in_a_second), answers(0.25))
    endpoints = [
        endpoint("quick", quick, profile=HOPELESS["quick"]),
        endpoint("slow", Scripted(answers(0.25)), profile=HOPELESS["slow"]),
    ]

    async def main() -> str:
        async with routed(endpoints, [LatencyBudget(tied_within=0.0)], [chat(ttft_s=0.5)]) as router:
            await told(ask, router, hello())
            return (await ask(router, hello())).endpoint

    assert run(main) == "slow"


def test_of_the_hopeless_one_with_a_queue_is_not_the_faster(ask: Ask) -> None:
    endpoints = [
        endpoint("quick", Scripted(answers(7.0)), slots=1, profile=HOPELESS["quick"]),
        endpoint("slow", Scripted(answers(7.0)), profile=HOPELESS["slow"]),
    ]

    async def main() -> list[str]:
        async with routed(endpoints, [LatencyBudget(tied_within=0.0)], [chat(ttft_s=0.5)]) as router:
            ends = await at_a_steady_rate(ask, router, hello(), 2, every_s=0.125)
        return [end.answer.endpoint for end in ends]

    assert run(main) == ["quick", "slow"]


def test_the_queue_of_an_endpoint_counts(ask: Ask) -> None:
    busy = Scripted(answers(0.25, *"...", gap_s=4.0))  # a slot of it is taken for 8 s
    idle = Scripted(answers(0.5))
    seen = Seen()

    async def main() -> None:
        endpoints = [
            endpoint("busy", busy, slots=1, profile=QUICK),
            endpoint("idle", idle, profile=Profile(ttft_s=0.5)),
        ]
        async with routed(endpoints, [LatencyBudget(tied_within=0.0), seen, Slots()], [chat(ttft_s=1.0)]) as router:
            await at_a_steady_rate(ask, router, hello(), 2, every_s=1.0)

    run(main)
    assert [call.candidates[0].name for call in seen.calls] == ["busy", "idle"]
    assert seen.order == ["idle"]


def test_the_same_ask_with_less_time_has_so_much_less() -> None:
    ask = Expected(within_s=8.0, size=3, streamed=True, lengths=())
    assert ask.with_less(3.0) == Expected(within_s=5.0, size=3, streamed=True, lengths=())


def seen_by_a_policy(request: Request, route: Route, question: Callable[[Call], T]) -> T:
    """What *question* says of a call, at a target that costs 2 and 4 a million tokens."""
    said: list[T] = []

    async def asking(call: Call, emit: Emit, next: Handler, /) -> None:
        said.append(question(call))
        await next(call, emit)

    priced = endpoint("a", Scripted(WELL), price_in_per_m=2.0, price_out_per_m=4.0)
    asked(whole, request, [priced], [asking], [route])
    return said[0]


def test_a_call_costs_its_tokens_times_their_prices() -> None:
    def cost(call: Call) -> float:
        return money((1000, 500.0), call.target)

    assert seen_by_a_policy(hello(), chat(), cost) == pytest.approx(0.002 + 0.002)


def test_the_answer_is_as_long_as_the_routes_have_been_on_average() -> None:
    def of_lengths(call: Call) -> tuple[tuple[int, ...], float]:
        now_s = call.clock()
        for tokens in (10, 20, 30, 40, 50, 60, 70, 80) * 8:
            call.lengths.record(tokens, now_s, cut_off=False)
        return likely_lengths(call, Priority.TTFT, now_s), sizes(call, now_s)[1]

    lengths, tokens_out = seen_by_a_policy(hello(), chat(), of_lengths)
    assert len(set(lengths)) > 1
    assert tokens_out == fmean(lengths)


def test_a_call_after_throughput_is_taken_to_be_as_long_as_is_allowed_whoever_says_that_it_is() -> None:
    def tokens_out(call: Call) -> float:
        return sizes(call, call.clock())[1]

    request = hello(max_tokens=900, priority=Priority.THROUGHPUT)
    assert seen_by_a_policy(request, chat(Priority.TTFT), tokens_out) == 900
    assert seen_by_a_policy(hello(max_tokens=900), chat(Priority.THROUGHPUT), tokens_out) == 900


def test_where_nothing_is_known_of_a_queue_a_call_in_it_is_taken_for_a_second() -> None:
    def waits_s(call: Call) -> float:
        target, now_s = call.target, call.clock()
        target.slots.set_limit(2)
        leases = [target.slots.acquire_over_limit() for _ in range(3)]
        waited_s = queue_s(target, now_s)
        for lease in leases:
            lease.release()
        return waited_s

    assert seen_by_a_policy(hello(), chat(), waits_s) == 1.0
